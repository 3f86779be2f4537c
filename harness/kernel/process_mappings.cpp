// SPDX-License-Identifier: MIT
#include "kernel/process_mappings.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>

#include "kernel/files.h"

namespace brink {
namespace {

/// The file of a process; empty when the process is gone.
Result<std::string> ReadUnlessGone(const std::string& path) {
  auto text = ReadSmallFile(path);
  const bool gone = !text && (text.error().code == ENOENT || text.error().code == ESRCH);
  return gone ? std::string() : text;
}

/// 0 when it is gone, is a thread of the kernel, or has fewer than `least` pages.
Result<std::uint64_t> CountMappings(const std::string& process, std::uint64_t least) {
  const auto sizes = ReadUnlessGone(process + "/statm");
  if (!sizes) {
    return tl::unexpected(sizes.error());
  }
  const auto fields = Split(*sizes, ' ');
  const auto pages = fields.empty() ? std::nullopt : ParseNumber(fields[0]);
  if (pages.value_or(0) < least) {
    return 0;
  }
  const auto maps = ReadUnlessGone(process + "/maps");
  if (!maps) {
    return tl::unexpected(maps.error());
  }
  const auto lines = std::count(maps->begin(), maps->end(), '\n');
  return maps->empty() ? 0 : static_cast<std::uint64_t>(lines) + 1;
}

}  // namespace

Result<std::vector<ProcessMappings>> ReadProcessMappings(const Roots& roots, std::uint64_t least) {
  least = std::max<std::uint64_t>(least, 1);
  std::vector<ProcessMappings> processes;
  std::error_code error;
  for (std::filesystem::directory_iterator it(roots.proc, error), end; !error && it != end;
       it.increment(error)) {
    const std::string process = it->path().string();
    const auto pid = ParseNumber(it->path().filename().string());
    if (!pid) {
      continue;
    }
    const auto count = CountMappings(process, least);
    if (!count) {
      return tl::unexpected(count.error());
    }
    if (*count >= least) {
      processes.push_back({.pid = static_cast<int>(*pid),
                           .comm = ReadSmallFile(process + "/comm").value_or("?"),
                           .map_count = *count});
    }
  }
  if (error) {
    return FailErrno("list " + roots.proc, error.value());
  }
  return processes;
}

}  // namespace brink
