// SPDX-License-Identifier: MIT
#include "explain/nearness.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/units.h"

namespace brink {
namespace {

using Rows = std::vector<LimitRow>;

// linux/capability.h
constexpr int kCapIpcLock = 14;
constexpr int kCapSysAdmin = 21;
constexpr int kCapSysResource = 24;

bool Has(const LivingProcess& process, int capability) {
  return process.initial_user_namespace && (process.capabilities >> capability & 1) != 0;
}

/// With why it is not known, where that is so.
void Add(const LivingProcess& process, LimitRow row, Rows& rows) {
  if (const auto found = process.unread.find(row.limit); found != process.unread.end()) {
    row.unknown = found->second.message;
    row.remedy = found->second.remedy;
  }
  rows.push_back(std::move(row));
}

std::uint64_t SoftOf(const LivingProcess& process, const std::string& name) {
  const auto found = process.rlimits.find(name);
  return found == process.rlimits.end() ? kNoLimit : found->second.soft;
}

void AddMappings(const LivingProcess& process, Rows& rows) {
  Add(process,
      {.limit = "vm.max_map_count",
       .use = process.mappings,
       .of = process.machine.max_map_count,
       .unit = "mappings",
       .reached = "mmap, and munmap, mprotect or mlock that split a mapping, fail with ENOMEM",
       .note = process.mappings_note},
      rows);
}

void AddRlimit(const LivingProcess& process, const std::string& name, std::uint64_t use,
               const std::string& reached, Rows& rows) {
  Add(process, {.limit = name, .use = use, .of = SoftOf(process, name), .unit = "bytes", .reached = reached},
      rows);
}

void AddMemlock(const LivingProcess& process, Rows& rows) {
  AddRlimit(process, "RLIMIT_MEMLOCK", process.locked, "mlock and mlockall fail with ENOMEM", rows);
  if (Has(process, kCapIpcLock)) {
    rows.back().enforced = false;
    rows.back().note = "it has CAP_IPC_LOCK, which lifts this limit";
  }
}

void AddRlimits(const LivingProcess& process, Rows& rows) {
  AddMemlock(process, rows);
  AddRlimit(process, "RLIMIT_AS", process.address_space, "mmap and brk fail with ENOMEM", rows);
  AddRlimit(process, "RLIMIT_DATA", process.data, "mmap and brk of private memory fail with ENOMEM", rows);
  AddRlimit(process, "RLIMIT_STACK", process.stack, "SIGSEGV when the main thread's stack grows", rows);
  Add(process,
      {.limit = "RLIMIT_NOFILE",
       .use = process.descriptors,
       .of = SoftOf(process, "RLIMIT_NOFILE"),
       .unit = "descriptors",
       .reached = "open, socket and accept fail with EMFILE"},
      rows);
}

void AddTasks(const LivingProcess& process, Rows& rows) {
  const std::string reached = "fork and pthread_create fail with EAGAIN";
  Add(process,
      {.limit = "RLIMIT_NPROC",
       .use = process.user_tasks,
       .of = SoftOf(process, "RLIMIT_NPROC"),
       .unit = "tasks",
       .reached = reached},
      rows);
  if (process.uid == 0 || Has(process, kCapSysResource) || Has(process, kCapSysAdmin)) {
    rows.back().enforced = false;
    rows.back().note = process.uid == 0 ? "root is exempt" : "its capabilities lift this limit";
  }
  for (const GroupLevel& group : process.pids_groups) {
    if (group.limit != kNoLimit) {
      rows.push_back({.limit = "pids.max",
                      .group = group.path,
                      .use = group.use,
                      .of = group.limit,
                      .unit = "tasks",
                      .reached = reached});
    }
  }
  if (process.unread.contains("pids.max")) {
    Add(process, {.limit = "pids.max", .unit = "tasks", .reached = reached}, rows);
  }
  for (const auto& [name, limit] : {std::pair("kernel.pid_max", process.machine.pid_max),
                                    std::pair("kernel.threads-max", process.machine.threads_max)}) {
    rows.push_back({.limit = name,
                    .use = process.machine.threads,
                    .of = limit == 0 ? kNoLimit : limit,
                    .unit = "tasks",
                    .reached = reached});
  }
}

/// mm/util.c __vm_enough_memory().
void AddCommit(const LivingProcess& process, Rows& rows) {
  const MachineFigures& machine = process.machine;
  LimitRow row{.limit = "commit_limit",
               .use = machine.committed_as_bytes,
               .of = machine.commit_limit_bytes,
               .unit = "bytes",
               .reached = "mmap, brk and fork fail with ENOMEM"};
  row.enforced = machine.overcommit_memory == 2;
  if (machine.overcommit_memory == 0) {
    row.note = fmt::format(
        "vm.overcommit_memory is 0: only a single request beyond all memory and swap ({}) is refused",
        FormatBytes(machine.memory_total_bytes + machine.swap_total_bytes));
  } else if (machine.overcommit_memory == 1) {
    row.note = "vm.overcommit_memory is 1: everything is promised";
  } else {
    constexpr std::uint64_t kPartOfUser = 32;
    const std::uint64_t admin = Has(process, kCapSysAdmin) ? 0 : machine.admin_reserve_bytes;
    const std::uint64_t kept =
        admin + std::min(process.address_space / kPartOfUser, machine.user_reserve_bytes);
    row.of -= std::min(row.of, kept);
    row.note = fmt::format("vm.overcommit_memory is 2; {} of {} are kept back from it", FormatBytes(kept),
                           FormatBytes(machine.commit_limit_bytes));
  }
  rows.push_back(std::move(row));
}

/// Page cache is charged too, so that a group which reads files is always near its limit; but it is taken
/// back before anybody is killed or slowed down.
std::optional<std::uint64_t> WithoutCache(const GroupLevel& group) {
  return group.use ? std::optional(*group.use - std::min(*group.use, group.file_cache.value_or(0)))
                   : std::nullopt;
}

std::string CacheNote(const GroupLevel& group) {
  return group.file_cache.value_or(0) > 0
             ? fmt::format("and {} of page cache, which is taken back first", FormatBytes(*group.file_cache))
             : "";
}

/// How its tasks are held up for want of memory; empty: no sign of it.
std::string StallOf(const GroupLevel& group, std::uint64_t limit) {
  constexpr double kFull = 0.9;  // the kernel reclaims some pages at once
  constexpr double kWorthTelling = 0.05;
  constexpr double kInPercent = 100;
  // What is read twice is needed again once; the judge (judge/stall.cpp) draws the line here, too.
  constexpr std::uint64_t kLimitsRefaulted = 4;
  if (limit == kNoLimit || static_cast<double>(group.use.value_or(0)) < kFull * static_cast<double>(limit)) {
    return "";
  }
  if (group.under_oom) {
    return "processes wait there now";
  }
  if (group.waiting) {
    return *group.waiting < kWorthTelling
               ? ""
               : fmt::format("all its tasks waited for memory for {:.0f}% of the last 10 s",
                             std::floor(*group.waiting * kInPercent));
  }
  return group.refaulted.value_or(0) / kLimitsRefaulted < limit
             ? ""
             : fmt::format("{} were reclaimed and needed again since the group began",
                           FormatBytes(*group.refaulted));
}

void AddMemoryGroup(const GroupLevel& group, Rows& rows) {
  const auto add = [&](const char* name, std::optional<std::uint64_t> use, std::uint64_t limit,
                       std::string reached, std::string note, std::string stall = "") {
    if (limit != kNoLimit) {
      note += (note.empty() || stall.empty() ? "" : "; ") + stall;
      rows.push_back({.limit = name,
                      .group = group.path,
                      .use = use,
                      .of = limit,
                      .unit = "bytes",
                      .reached = std::move(reached),
                      .note = std::move(note),
                      .stall = std::move(stall)});
    }
  };
  add("memory.max", WithoutCache(group), group.limit,
      group.oom_kill_disabled ? "processes wait: the group's OOM killer is off"
                              : "the group's OOM killer takes a process",
      CacheNote(group), StallOf(group, group.limit));
  add("memory.high", WithoutCache(group), group.high.value_or(kNoLimit),
      "processes are slowed down and reclaimed from", CacheNote(group),
      StallOf(group, group.high.value_or(kNoLimit)));
  add("memory.swap.max", group.swap_use, group.swap_limit.value_or(kNoLimit),
      "nothing more of the group is swapped", "");
  // v1 counts both together; only where it is more than memory alone does it add a limit.
  if (group.both_limit.value_or(kNoLimit) != group.limit) {
    add("memory.memsw.limit_in_bytes", group.both_use, group.both_limit.value_or(kNoLimit),
        "memory and swap are exhausted: the group's OOM killer takes a process", "");
  }
}

void AddMemory(const LivingProcess& process, Rows& rows) {
  for (const GroupLevel& group : process.memory_groups) {
    AddMemoryGroup(group, rows);
  }
  if (process.unread.contains("memory.max")) {
    Add(process,
        {.limit = "memory.max", .unit = "bytes", .reached = "the group's OOM killer takes a process"}, rows);
  }
  const MachineFigures& machine = process.machine;
  rows.push_back({.limit = "machine_memory",
                  .use = machine.memory_total_bytes -
                         std::min(machine.memory_available_bytes, machine.memory_total_bytes),
                  .of = machine.memory_total_bytes,
                  .unit = "bytes",
                  .reached = "the machine's OOM killer takes a process",
                  .note = machine.swap_total_bytes == 0
                              ? ""
                              : fmt::format("{} of swap beside it", FormatBytes(machine.swap_total_bytes))});
}

void AddHugePages(const LivingProcess& process, Rows& rows) {
  const MachineFigures& machine = process.machine;
  if (process.huge_pages == 0) {
    return;
  }
  const std::uint64_t taken =
      machine.hugepages_total - std::min(machine.hugepages_free, machine.hugepages_total);
  rows.push_back({.limit = "hugepages",
                  .use = (taken + machine.hugepages_reserved) * machine.hugepage_size_bytes,
                  .of = machine.hugepages_total * machine.hugepage_size_bytes,
                  .unit = "bytes",
                  .reached = "mmap with MAP_HUGETLB fails with ENOMEM",
                  .note = fmt::format("the pool of the machine; {} are this process's",
                                      FormatBytes(process.huge_pages))});
}

/// 0: it binds; then those that don't, unknown ones, and what has no limit.
int RankOf(const LimitRow& row) {
  if (!row.unknown.empty()) {
    return 2;
  }
  if (!ShareOf(row)) {
    return 3;
  }
  return row.enforced ? 0 : 1;
}

}  // namespace

std::optional<double> ShareOf(const LimitRow& row) {
  if (!row.use || row.of == kNoLimit || !row.unknown.empty()) {
    return std::nullopt;
  }
  if (row.of == 0) {
    return *row.use == 0 ? 0.0 : 1.0;
  }
  return static_cast<double>(*row.use) / static_cast<double>(row.of);
}

std::vector<LimitRow> NearnessOf(const LivingProcess& process) {
  Rows rows;
  AddMappings(process, rows);
  AddRlimits(process, rows);
  AddTasks(process, rows);
  AddCommit(process, rows);
  AddMemory(process, rows);
  AddHugePages(process, rows);
  std::stable_sort(rows.begin(), rows.end(), [](const LimitRow& a, const LimitRow& b) {
    const int left = RankOf(a);
    const int right = RankOf(b);
    return left != right ? left < right : ShareOf(a).value_or(0) > ShareOf(b).value_or(0);
  });
  return rows;
}

}  // namespace brink
