// SPDX-License-Identifier: MIT
// Whether lower machine-wide limits would hurt a process that runs already.
#include <algorithm>
#include <filesystem>

#include "base/units.h"
#include "kernel/files.h"
#include "kernel/machine_guard.h"
#include "kernel/machine_slots.h"

namespace brink {
namespace {

constexpr std::uint64_t kSpareMappings = 100;
constexpr std::uint64_t kSpareCommit = std::uint64_t{64} << 20;

/// Mappings of a process; 0 when it is gone. Reading maps is dear, so a process too small to have `least` is
/// passed over: every mapping has at least one page.
std::uint64_t CountMappings(const std::string& process, std::uint64_t least) {
  const std::string sizes = ReadSmallFile(process + "/statm").value_or("");
  const auto fields = Split(sizes, ' ');
  const auto pages = fields.empty() ? std::nullopt : ParseNumber(fields[0]);
  if (pages.value_or(0) < least || pages.value_or(0) == 0) {
    return 0;
  }
  const std::string maps = ReadSmallFile(process + "/maps").value_or("");
  const auto lines = std::count(maps.begin(), maps.end(), '\n');
  return maps.empty() ? 0 : static_cast<std::uint64_t>(lines) + 1;
}

Status FindManyMappings(const Roots& roots, std::uint64_t limit, std::vector<std::string>& hurt) {
  const std::uint64_t most = limit > kSpareMappings ? limit - kSpareMappings : 0;
  std::error_code error;
  for (std::filesystem::directory_iterator it(roots.proc, error), end; !error && it != end;
       it.increment(error)) {
    const std::string pid = it->path().filename().string();
    if (!ParseNumber(pid)) {
      continue;
    }
    const std::uint64_t count = CountMappings(it->path().string(), most);
    if (count > most) {
      hurt.push_back("process " + pid + " (" + ReadSmallFile(it->path().string() + "/comm").value_or("?") +
                     ") has " + FormatCount(count) + " mappings; vm.max_map_count=" + std::to_string(limit) +
                     " leaves it fewer than " + std::to_string(kSpareMappings) + " more");
    }
  }
  return error ? FailErrno("read " + roots.proc, error.value()) : Status{};
}

/// What vm_commit_limit() in mm/util.c will return.
std::uint64_t CommitLimit(const MachineFigures& figures, std::uint64_t ratio, std::uint64_t kbytes) {
  constexpr std::uint64_t kKibibyte = 1024;
  constexpr std::uint64_t kPercent = 100;
  const std::uint64_t base = kbytes != 0 ? kbytes * kKibibyte : figures.memory_total_bytes / kPercent * ratio;
  return base + figures.swap_total_bytes;
}

Status FindCommitment(const Roots& roots, const std::vector<Setting>& settings,
                      std::vector<std::string>& hurt) {
  const MachineFigures figures = ReadMachineFigures(roots);
  auto mode = static_cast<std::uint64_t>(figures.overcommit_memory);
  std::uint64_t ratio = ReadNumber(MachineSettingPath(roots, "vm.overcommit_ratio")).value_or(0);
  std::uint64_t kbytes = ReadNumber(MachineSettingPath(roots, "vm.overcommit_kbytes")).value_or(0);
  bool touched = false;
  for (const Setting& relative : settings) {
    const auto setting = Absolute(roots, relative);
    if (!setting) {
      return tl::unexpected(setting.error());
    }
    const std::uint64_t value = ParseNumber(setting->value).value_or(0);
    if (setting->name == "vm.overcommit_memory") {
      mode = value;
    } else if (setting->name == "vm.overcommit_ratio") {
      ratio = value;
      kbytes = 0;
    } else if (setting->name == "vm.overcommit_kbytes") {
      kbytes = value;
    } else {
      continue;
    }
    touched = true;
  }
  const std::uint64_t limit = CommitLimit(figures, ratio, kbytes);
  if (touched && mode == 2 && limit < figures.committed_as_bytes + kSpareCommit) {
    hurt.push_back("processes have been promised " + FormatBytes(figures.committed_as_bytes) +
                   "; the commit limit would be " + FormatBytes(limit) + ", which leaves them less than " +
                   FormatBytes(kSpareCommit) + " more");
  }
  return {};
}

}  // namespace

Result<std::vector<std::string>> WhoWouldBeHurt(const Roots& roots, const std::vector<Setting>& settings) {
  std::vector<std::string> hurt;
  for (const Setting& setting : settings) {
    const auto value = ParseNumber(setting.value);
    if (setting.name == "vm.panic_on_oom" && value != 0) {
      hurt.emplace_back("vm.panic_on_oom=" + setting.value + " would take the whole machine down");
    }
    if (setting.name == "vm.max_map_count" && value) {
      const auto now = ReadNumber(MachineSettingPath(roots, setting.name));
      if (!now || *value < *now) {
        if (auto status = FindManyMappings(roots, *value, hurt); !status) {
          return tl::unexpected(status.error());
        }
      }
    }
  }
  if (auto status = FindCommitment(roots, settings, hurt); !status) {
    return tl::unexpected(status.error());
  }
  return hurt;
}

}  // namespace brink
