// SPDX-License-Identifier: MIT
// File and function names of kernel sources are those of Linux 6.12; older and newer kernels make the same
// checks in mm/mmap.c where not said otherwise.
#include "judge/candidates.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "base/saturating.h"
#include "base/units.h"

namespace brink {
namespace {

using enum CallFamily;

constexpr std::uint64_t kPage = 4096;
/// mm/mremap.c move_vma(): "We'd prefer to avoid failure later on in do_munmap: which may split one vma into
/// three".
constexpr std::uint64_t kRemapReserve = 3;
constexpr std::uint64_t kRemapToReserve = 5;  // mremap_to(): two splits of its own on top
/// kernel/pid.c RESERVED_PIDS: after the first round, pids below it are not given out again.
constexpr std::uint64_t kReservedPids = 300;

bool HasLimit(std::uint64_t limit) { return limit != kNoLimit; }

/// Whether `use` plus the request is beyond a limit that the kernel counts in whole pages.
struct Fit {
  bool fits = false;
  bool certain = false;
};
Fit Exceeds(std::uint64_t use, const Request& request, std::uint64_t limit) {
  if (!HasLimit(limit)) {
    return {};
  }
  const std::uint64_t whole_pages = limit / kPage * kPage;
  if (request.bytes_known) {
    const bool beyond = SaturatingSum(use, request.bytes) > whole_pages;
    return {.fits = beyond, .certain = beyond};
  }
  return {.fits = SaturatingSum(use, kUnknownRequest) > whole_pages,
          .certain = SaturatingSum(use, kPage) > whole_pages};
}

void Add(Candidates& out, bool certain, std::string name, std::uint64_t use, std::uint64_t limit,
         std::string unit, std::string detail) {
  out.push_back(Candidate{.limit = BindingLimit{.name = std::move(name),
                                                .limit = limit,
                                                .use = use,
                                                .unit = std::move(unit),
                                                .detail = std::move(detail)},
                          .certain = certain});
}

/// The number of mappings from which this call fails, with the reason; 0: it doesn't look at the number.
struct MapCountRule {
  std::uint64_t fails_from = 0;
  bool certain = true;
  std::string detail;
};

MapCountRule RemapRule(const Request& request, std::uint64_t limit) {
  if (request.shrinks && !request.may_move) {
    return {
        .fails_from = limit, .certain = true, .detail = "cutting off the tail of a mapping needs one more"};
  }
  const std::uint64_t reserve = request.fixed || request.keeps_old ? kRemapToReserve : kRemapReserve;
  return {.fails_from = limit > reserve ? limit - reserve : 0,
          .certain = request.may_move,
          .detail = "mremap moves a mapping only while a few are left, as that may split one in three"};
}

/// Without a detail where the call's errno speaks against it or the limit isn't known.
MapCountRule MapCountRuleOf(const FailedCall& call, const Request& request, std::uint64_t limit) {
  const bool right_errno = call.errno_name == (request.family == kAdvise ? "EAGAIN" : "ENOMEM");
  if (limit == 0 || !right_errno) {
    return {};
  }
  switch (request.family) {
    case kMap:
    case kBreak:
    case kShmAttach:
      // mm/mmap.c do_mmap(), mm/vma.c do_brk_flags(): map_count > max, so the last one may bring it one above
      // the limit.
      // mm/vma.c vms_gather_munmap_vmas(): MAP_FIXED cuts what is there like munmap.
      if (request.fixed && call.map_count <= limit) {
        return {.fails_from = limit,
                .certain = false,
                .detail = "mmap over the middle of a mapping (MAP_FIXED) needs one more"};
      }
      return {.fails_from = limit + 1,
              .certain = true,
              .detail = fmt::format("{} may go one above the limit, and that one is used", call.call)};
    case kUnmap:
      // mm/vma.c vms_gather_munmap_vmas(): map_count >= max where the end lies inside a mapping.
      return {
          .fails_from = limit, .certain = true, .detail = "munmap in the middle of a mapping needs one more"};
    case kProtect:
    case kLock:
    case kUnlock:
      // mm/vma.c split_vma(): map_count >= max.
      return {.fails_from = limit,
              .certain = true,
              .detail = fmt::format("{} of a part of a mapping splits it and needs one more", call.call)};
    case kAdvise:
      // mm/madvise.c do_madvise(): split_vma()'s ENOMEM is handed out as EAGAIN, and only that.
      return {.fails_from = limit,
              .certain = true,
              .detail = "madvise of a part of a mapping splits it and needs one more (EAGAIN here)"};
    case kRemap:
      return RemapRule(request, limit);
    default:
      return {};  // fork copies mappings without counting; mlockall takes whole mappings
  }
}

/// How many mappings other threads may have given back between the kernel's check and the call's return: one
/// each, or some by one that ran on while the caller waited for its turn; never a large part of the limit,
/// which would fit any failure.
std::uint64_t MostUnmappedMeanwhile(std::uint64_t threads, std::uint64_t limit) {
  constexpr std::uint64_t kFew = 4;
  return std::min(std::max({kFew, threads, limit / 1000}), limit / 100);
}

/// The memory a group may still take is less than this: the counter runs ahead of use by what each CPU keeps
/// in stock (mm/memcontrol.c MEMCG_CHARGE_BATCH, 64 pages).
std::uint64_t GroupMargin(std::uint64_t limit) {
  return std::max<std::uint64_t>(std::uint64_t{1} << 20, limit / 64);
}

bool WantsPages(const FailedCall& call, const Request& request) {
  const bool lock = request.family == kLock || request.family == kLockAll;
  // mm/mlock.c __mlock_posix_error_return(): populating reports want of memory as EAGAIN.
  return call.errno_name == "ENOMEM" || (call.errno_name == "EAGAIN" && (lock || request.family == kAdvise));
}

}  // namespace

void AddMapCount(const FailedCall& call, const Request& request, Candidates& out) {
  const std::uint64_t limit = call.machine.max_map_count;
  const MapCountRule rule = MapCountRuleOf(call, request, limit);
  if (!rule.detail.empty() && call.map_count >= rule.fails_from) {
    Add(out, rule.certain, "vm.max_map_count", call.map_count, limit, "mappings", rule.detail);
  }
}

void AddEasedMapCount(const FailedCall& call, const Request& request, Candidates& out) {
  const std::uint64_t limit = call.machine.max_map_count;
  const MapCountRule rule = MapCountRuleOf(call, request, limit);
  const bool alone = call.threads == 1;
  if (alone || rule.detail.empty() || call.map_count >= rule.fails_from) {
    return;
  }
  const std::uint64_t missing = rule.fails_from - call.map_count;
  if (missing <= MostUnmappedMeanwhile(call.threads, limit)) {
    Add(out, false, "vm.max_map_count", call.map_count, limit, "mappings",
        fmt::format("{}; at the call's return there were {} fewer than that takes: another thread had "
                    "unmapped meanwhile",
                    rule.detail, FormatCount(missing)));
  }
}

namespace {

/// mm/vma.c may_expand_vm(): total_vm plus the request against RLIMIT_AS.
void AddAddressSpace(const FailedCall& call, const Request& request, Candidates& out) {
  const bool grows = request.family == kMap || request.family == kBreak || request.family == kShmAttach ||
                     request.family == kStackGrowth || (request.family == kRemap && request.bytes > 0);
  const Fit fit = Exceeds(call.total_vm_bytes, request, call.limits.as);
  if (grows && fit.fits) {
    // MAP_FIXED gives back first what it covers, so its own request may be less.
    Add(out, fit.certain && !request.fixed, "RLIMIT_AS", call.total_vm_bytes, call.limits.as, "bytes",
        DescribeRequest(call, request));
  }
}

/// may_expand_vm() again, for data mappings; mm/mprotect.c mprotect_fixup() asks it when a private mapping
/// becomes writable; brk has a check of its own on the heap alone (include/linux/mm.h check_data_rlimit()).
void AddData(const FailedCall& call, const Request& request, Candidates& out) {
  const Fit fit = Exceeds(call.data_vm_bytes, request, call.limits.data);
  if (!request.data || !fit.fits) {
    return;
  }
  const std::string detail =
      request.family == kProtect
          ? fmt::format("{} would make {} more writable, which count as data from then on", call.call,
                        FormatBytes(request.bytes))
          : DescribeRequest(call, request);
  const bool certain = fit.certain && !request.fixed && request.family != kRemap;
  Add(out, certain, "RLIMIT_DATA", call.data_vm_bytes, call.limits.data, "bytes", detail);
}

/// mm/vma.c acct_stack_growth().
void AddStack(const FailedCall& call, const Request& request, Candidates& out) {
  const Fit fit = Exceeds(call.stack_vm_bytes, request, call.limits.stack);
  if (request.family == kStackGrowth && fit.fits) {
    Add(out, fit.certain, "RLIMIT_STACK", call.stack_vm_bytes, call.limits.stack, "bytes",
        "the stack may not grow any further");
  }
}

/// mm/mlock.c do_mlock() and mlockall(): ENOMEM beyond the limit, EPERM (can_do_mlock()) when it is 0.
/// Everything else that would lock, mm/mmap.c mlock_future_ok(): EAGAIN. brk tells no errno.
void AddMemlock(const FailedCall& call, const Request& request, Candidates& out) {
  const std::uint64_t limit = call.limits.memlock;
  if (call.ipc_lock_capable || !HasLimit(limit)) {
    return;
  }
  const bool locks = request.family == kLock || request.family == kLockAll;
  const bool may_lock = request.family == kMap || request.family == kRemap;
  if (call.errno_name == "EPERM" && limit == 0 && (locks || request.lock)) {
    Add(out, true, "RLIMIT_MEMLOCK", call.locked_bytes, limit, "bytes",
        "a limit of 0 forbids locking (EPERM)");
    return;
  }
  if (request.family == kLockAll && call.errno_name == "ENOMEM" && call.total_vm_bytes > limit) {
    Add(out, true, "RLIMIT_MEMLOCK", call.locked_bytes, limit, "bytes",
        fmt::format("mlockall would lock the whole address space, {}", FormatBytes(call.total_vm_bytes)));
    return;
  }
  const bool right_call = (request.family == kLock && call.errno_name == "ENOMEM") ||
                          (may_lock && call.errno_name == "EAGAIN") ||
                          (request.family == kBreak && call.locked_bytes > 0);
  const Fit fit = Exceeds(call.locked_bytes, request, limit);
  if (right_call && fit.fits) {
    const std::string detail =
        locks || request.lock ? fmt::format("{} would lock {} more", call.call, FormatBytes(request.bytes))
                              : "new memory is locked too (mlockall with MCL_FUTURE)";
    Add(out, fit.certain && request.family != kBreak, "RLIMIT_MEMLOCK", call.locked_bytes, limit, "bytes",
        detail);
  }
}

}  // namespace

void AddRlimits(const FailedCall& call, const Request& request, Candidates& out) {
  if (call.errno_name == "ENOMEM") {
    AddAddressSpace(call, request, out);
    AddData(call, request, out);
    AddStack(call, request, out);
  }
  AddMemlock(call, request, out);
}

/// mm/hugetlb.c hugetlb_reserve_pages(): ENOMEM when the pool has too few free pages that are not promised to
/// others.
void AddHugePages(const FailedCall& call, const Request& request, Candidates& out) {
  if (!request.huge || call.errno_name != "ENOMEM") {
    return;
  }
  const std::uint64_t default_size = call.machine.hugepage_size_bytes;
  const std::uint64_t size = request.huge_page_bytes != 0 ? request.huge_page_bytes : default_size;
  if (size == 0) {
    return;
  }
  const std::uint64_t needed = request.bytes / size + (request.bytes % size != 0 ? 1 : 0);
  const bool known_pool = size == default_size;
  const MachineFigures& machine = call.machine;
  const std::uint64_t promised = std::min(machine.hugepages_reserved, machine.hugepages_free);
  const std::uint64_t free_pages = known_pool ? machine.hugepages_free - promised : 0;
  const std::uint64_t total = known_pool ? std::max(machine.hugepages_total, free_pages) : 0;
  Add(out, known_pool && needed > free_pages, "hugepages", total - free_pages, total, "pages",
      fmt::format(
          "{} asked for {} of {} each, and {} free", call.call, FormatCount(needed), FormatBytes(size),
          known_pool ? fmt::format("the pool has {}", FormatCount(free_pages)) : "their pool has too few"));
}

namespace {

/// The kernel refuses only when there is nothing to take back.
bool IsFull(const GroupFigures& group) {
  const std::uint64_t held = SaturatingDifference(group.use, group.reclaimable);
  return HasLimit(group.limit) && SaturatingSum(held, GroupMargin(group.limit)) >= group.limit;
}

/// A call that also fails for what it was given does so far more often than for the little that the kernel
/// needs to carry it out: for that the OOM killer makes room. A fork needs much.
bool MayBeItsOwnFault(const FailedCall& call, const Request& request) {
  return request.family != kFork && !OtherCause(call, request).empty();
}

}  // namespace

void AddPhysicalMemory(const FailedCall& call, const Request& request, Candidates& out) {
  if (!WantsPages(call, request) || MayBeItsOwnFault(call, request)) {
    return;
  }
  for (std::size_t level = 0; level < call.memory_groups.size(); ++level) {
    const GroupFigures& group = call.memory_groups[level];
    if (IsFull(group)) {
      const std::string which = group.path.empty() ? fmt::format("{} above its own", level) : group.path;
      Add(out, false, "memory.max", group.use, group.limit, "bytes",
          fmt::format(
              "memory cgroup {} was at its limit, and what the kernel needs for the call is charged to it",
              level == 0 && group.path.empty() ? "of the process" : which));
      break;  // the nearest level is tried first (mm/memcontrol.c try_charge_memcg())
    }
  }
  const MachineFigures& machine = call.machine;
  if (machine.memory_total_bytes > 0 && machine.memory_available_bytes < machine.memory_total_bytes / 100) {
    Add(out, false, "machine_memory", machine.memory_total_bytes - machine.memory_available_bytes,
        machine.memory_total_bytes, "bytes", "the machine had less than 1% of its memory left");
  }
}

std::uint64_t MachineTasks(const FailedCall& call) {
  std::uint64_t tasks = std::max({call.machine.threads, call.user_tasks, call.threads});
  for (const GroupFigures& group : call.pids_groups) {
    tasks = std::max(tasks, group.use);
  }
  return tasks;
}

/// kernel/fork.c copy_process() and kernel/pid.c alloc_pid(): all of them answer EAGAIN.
void AddTaskLimits(const FailedCall& call, const Request& request, Candidates& out) {
  const bool forks = request.family == kFork;
  if (call.errno_name != "EAGAIN" || (!forks && request.family != kExec)) {
    return;
  }
  // fs/exec.c do_execveat_common(): execve refuses only a user who is above the limit already.
  const std::uint64_t tasks_after = forks ? SaturatingSum(call.user_tasks, 1) : call.user_tasks;
  if (HasLimit(call.limits.nproc) && tasks_after > call.limits.nproc && call.uid != 0 &&
      !call.resource_capable) {
    Add(out, true, "RLIMIT_NPROC", call.user_tasks, call.limits.nproc, "tasks",
        fmt::format("user {} has no task left", call.uid));
  }
  if (!forks) {
    return;
  }
  for (const GroupFigures& group : call.pids_groups) {
    // kernel/cgroup/pids.c pids_try_charge(): every level must have room.
    if (HasLimit(group.limit) && group.use >= group.limit) {
      Add(out, true, "pids.max", group.use, group.limit, "tasks",
          group.path.empty() ? "its pids cgroup is full" : fmt::format("pids cgroup {} is full", group.path));
      break;
    }
  }
  const MachineFigures& machine = call.machine;
  const std::uint64_t tasks = MachineTasks(call);
  // The figures of the whole machine are read a moment later: close to the limit is likely, at the limit
  // certain.
  if (machine.pid_max > 0 && SaturatingSum(tasks, kReservedPids + machine.pid_max / 100) >= machine.pid_max) {
    Add(out, SaturatingSum(tasks, kReservedPids) >= machine.pid_max, "kernel.pid_max", tasks, machine.pid_max,
        "tasks", fmt::format("pids below {} are not given out again", kReservedPids));
  }
  if (machine.threads_max > 0 && SaturatingSum(tasks, machine.threads_max / 100) >= machine.threads_max) {
    Add(out, tasks >= machine.threads_max, "kernel.threads-max", tasks, machine.threads_max, "tasks",
        "the whole machine may have no more threads");
  }
}

}  // namespace brink
