// SPDX-License-Identifier: MIT
// Everything brink can impose, in one table: the parser, the format's reference, doctor and faults/ all read
// it.
#pragma once

#include <optional>
#include <span>
#include <string_view>

namespace brink {

enum class FaultScope {
  kMachine,  // the whole machine: vm.* and transparent huge pages
  kGroup,    // a cgroup
  kProcess,  // one process: rlimits, oom_score_adj, nice
};

enum class FaultUnit {
  kCount,      // a whole number
  kBytes,      // a size
  kKibibytes,  // given as a size, written in KiB
  kPercent,    // 0 to 100 or more
  kFlag,       // 0 or 1
  kChoice,     // one of `choices`
  kText,       // passed on as it is (cpu.max, cpuset.cpus)
};

struct FaultInfo {
  std::string_view name;  // the name in scenarios, reports and the kernel: "vm.max_map_count", "memory.max"
  FaultScope scope;
  FaultUnit unit;
  std::string_view choices;  // kChoice: separated by blanks
  double min = 0;
  double max = 0;  // 0: no upper bound
  /// cgroup v1: controller and file that do the same; empty: v1 has no equivalent.
  std::string_view v1_controller;
  std::string_view v1_file;
  /// cgroup v2: controller; the file is `name`. Empty: v2 has no equivalent.
  std::string_view v2_controller;
  std::string_view doc;  // one sentence for the format's reference
};

/// All faults, ordered by scope and name.
[[nodiscard]] std::span<const FaultInfo> FaultTable();

/// The row of that name; nothing when there is none. rlimits are named "RLIMIT_AS".
[[nodiscard]] const FaultInfo* FindFault(std::string_view name);

/// What a sysctl is called: its path below /proc/sys with dots. Those that the table lacks can be imposed
/// too, on a machine of one's own: written as they are and read back.
inline constexpr std::string_view kSysctlPattern = R"((dev|fs|kernel|net|user|vm)(\.[A-Za-z0-9_-]+)+)";
[[nodiscard]] bool IsSysctlName(std::string_view name);

/// Whether this can be imposed on a whole machine: a row of that scope, or any sysctl.
[[nodiscard]] bool IsMachineSetting(std::string_view name);

}  // namespace brink
