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

/// 0 when it is gone, is a thread of the kernel, or has fewer than `least` pages. `process` is its folder.
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

Status ForEachProcess(const Roots& roots, const std::function<Status(int pid)>& visit) {
  std::error_code error;
  for (std::filesystem::directory_iterator it(roots.proc, error), end; !error && it != end;
       it.increment(error)) {
    if (const auto pid = ParseNumber(it->path().filename().string())) {
      if (auto visited = visit(static_cast<int>(*pid)); !visited) {
        return visited;
      }
    }
  }
  return error ? FailErrno("list " + roots.proc, error.value()) : Status{};
}

Result<ProcessMappings> ReadMappingsOf(const Roots& roots, int pid, std::uint64_t least) {
  const std::string process = roots.proc + "/" + std::to_string(pid);
  const auto count = CountMappings(process, std::max<std::uint64_t>(least, 1));
  if (!count) {
    return tl::unexpected(count.error());
  }
  return ProcessMappings{
      .pid = pid, .comm = ReadSmallFile(process + "/comm").value_or("?"), .map_count = *count};
}

Result<std::vector<ProcessMappings>> ReadProcessMappings(const Roots& roots, std::uint64_t least) {
  least = std::max<std::uint64_t>(least, 1);
  std::vector<ProcessMappings> processes;
  const auto read = ForEachProcess(roots, [&](int pid) -> Status {
    auto process = ReadMappingsOf(roots, pid, least);
    if (!process) {
      return tl::unexpected(process.error());
    }
    if (process->map_count >= least) {
      processes.push_back(*std::move(process));
    }
    return {};
  });
  return read ? Result<std::vector<ProcessMappings>>(std::move(processes)) : tl::unexpected(read.error());
}

}  // namespace brink
