// SPDX-License-Identifier: MIT
// Whom the OOM killer would take, by the kernel's own arithmetic. Pure.
// Source: mm/oom_kill.c (oom_badness(), oom_evaluate_task(), constrained_alloc()), mm/memcontrol.c
// (mem_cgroup_get_max(), mem_cgroup_get_oom_group()); the same since Linux 5.9.
// Not seen from outside of the kernel, and left out: allocations that only some of the memory nodes may serve
// (then processes without memory there are passed over), and a swapoff that is under way (it goes first).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/living.h"

namespace brink {

/// Empty: it may be taken.
[[nodiscard]] std::string WhyNeverTaken(const MemoryHolder& process);

/// Points of one process in pages: resident, swapped and page-table pages, and oom_score_adj thousandths of
/// `total_pages`. Nothing: never taken.
[[nodiscard]] std::optional<std::int64_t> BadnessOf(const MemoryHolder& process, std::uint64_t total_pages,
                                                    std::uint64_t page_size);

/// What a group may hold in pages: its limit, and the swap that its limit leaves of the machine's.
[[nodiscard]] std::uint64_t TotalPagesOf(const GroupLevel& group, const LivingProcess& process);
/// Of the machine: memory and swap.
[[nodiscard]] std::uint64_t TotalPagesOf(const MachineFigures& machine, std::uint64_t page_size);

/// One that can be taken, with its points.
struct Scored {
  MemoryHolder process;
  std::int64_t points = 0;
};

/// The choice of one OOM killer: of a group whose limit is reached, or of the machine.
struct OomChoice {
  std::string group;                    // path of the group; empty: the machine
  std::uint64_t total_pages = 0;        // what oom_score_adj is a share of
  std::vector<Scored> candidates = {};  // the first is taken
  std::size_t exempt = 0;               // processes that are never taken
  /// Says what else decides: the group's OOM killer is off, all die together, the asking task is taken.
  std::string rule = {};
  std::string oom_group = {};  // all of this group die with the first; empty: it dies alone
};

/// Orders by points; equal ones by the number of the process: the kernel takes the one it sees last, which is
/// not known here.
[[nodiscard]] OomChoice ChooseAmong(std::span<const MemoryHolder> processes, std::uint64_t total_pages,
                                    std::uint64_t page_size);

/// Of each level whose limit could be reached, the innermost first, and of the machine.
[[nodiscard]] std::vector<OomChoice> ChoicesFor(const LivingProcess& process);

}  // namespace brink
