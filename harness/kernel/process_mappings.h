// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/roots.h"

namespace brink {

struct ProcessMappings {
  int pid = 0;
  std::string comm;
  std::uint64_t map_count = 0;
  /// Told by BPF alone: OOM killers pass it over, since it has its parent's memory, as after vfork until
  /// exec, or was taken already (mm/oom_kill.c in_vfork(), tsk_is_oom_victim()).
  bool passed_over = false;
};

/// All processes with at least `least` mappings (at least 1). Counts the lines of /proc/PID/maps, of which
/// [vsyscall] is no mapping; that holds up a process of 65,530 mappings for 20 ms, so one that is too small
/// to have `least` is passed over: each has a page. One that ends meanwhile is left out; one whose mappings
/// can't be read is an error (ptrace(2): it has capabilities that brink lacks).
[[nodiscard]] Result<std::vector<ProcessMappings>> ReadProcessMappings(const Roots& roots,
                                                                       std::uint64_t least);

/// The same of one process. 0 mappings: it is gone, is a thread of the kernel, or has too few pages for
/// `least`.
[[nodiscard]] Result<ProcessMappings> ReadMappingsOf(const Roots& roots, int pid, std::uint64_t least);

/// Calls `visit` for each process; its first error ends that.
[[nodiscard]] Status ForEachProcess(const Roots& roots, const std::function<Status(int pid)>& visit);

/// ReadProcessMappings(), or what answers the same by other means.
using MappingCounter = std::function<Result<std::vector<ProcessMappings>>(const Roots&, std::uint64_t least)>;

}  // namespace brink
