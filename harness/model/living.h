// SPDX-License-Identifier: MIT
// A living process and what it lives under, as `brink explain` reads it at one instant: facts, no judgement.
// Sizes are bytes. What could not be read is absent, and `unread` says why.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/evidence.h"

namespace brink {

/// What the OOM killer weighs of one process (mm/oom_kill.c oom_badness()).
struct MemoryHolder {
  int pid = 0;
  std::string comm;
  std::uint64_t rss = 0;  // anonymous, file and shared pages that are resident
  std::uint64_t swapped = 0;
  std::uint64_t page_tables = 0;
  int oom_score_adj = 0;
  bool system = false;  // init of the machine: never taken
  /// Has its parent's memory, as after vfork until exec, or an OOM killer took it already: never taken.
  bool passed_over = false;
  std::string group = {};  // v2: its memory group
  bool operator==(const MemoryHolder&) const = default;
};

/// One level of a controller above the process.
struct GroupLevel {
  std::string path;  // below the controller's mount; "/" is the root, which has no limits
  std::optional<std::uint64_t> use = {};
  std::uint64_t limit = kNoLimit;
  // The rest is of memory alone.
  std::optional<std::uint64_t> high = {};  // v2; kNoLimit: none
  std::optional<std::uint64_t> swap_use = {};
  std::optional<std::uint64_t> swap_limit = {};  // v2: memory.swap.max
  std::optional<std::uint64_t> both_use = {};    // v1: memory and swap together
  std::optional<std::uint64_t> both_limit = {};  // v1: memory.memsw.limit_in_bytes
  std::optional<std::uint64_t> file_cache = {};  // of `use`: page cache, which reclaim can take
  std::optional<std::uint64_t> swappiness = {};  // v1
  bool oom_group = false;                        // v2: memory.oom.group
  bool oom_kill_disabled = false;                // v1: processes wait at the limit
  bool under_oom = false;                        // v1: they wait there now
  std::optional<double> waiting = {};  // v2: share of the last 10 s in which all its tasks waited for memory
  std::optional<std::uint64_t> refaulted = {};  // since it began: reclaimed and needed again
  std::vector<int> pids = {};                   // of it and all below; read for levels with a limit
};

/// A resource limit, soft and hard.
struct RlimitPair {
  std::uint64_t soft = kNoLimit;
  std::uint64_t hard = kNoLimit;
  bool operator==(const RlimitPair&) const = default;
};

struct LivingProcess {
  int pid = 0;
  std::string comm;
  std::string exe = {};  // empty: could not be read
  std::vector<std::string> command = {};
  std::string cwd = {};
  std::uint64_t uid = 0;               // the real one
  std::uint64_t capabilities = 0;      // effective
  bool initial_user_namespace = true;  // only there do capabilities lift limits (kernel/capability.c)
  int oom_score_adj = 0;
  std::uint64_t threads = 0;

  std::optional<std::uint64_t> mappings = {};
  std::string mappings_note = {};  // how they were counted, where that cost something
  std::uint64_t address_space = 0;
  std::uint64_t data = 0;
  std::uint64_t stack = 0;
  std::uint64_t locked = 0;
  std::uint64_t huge_pages = 0;
  std::optional<std::uint64_t> descriptors = {};
  std::map<std::string, RlimitPair> rlimits = {};  // by name: "RLIMIT_AS"

  bool cgroup_v2 = false;                      // of the memory controller
  std::vector<GroupLevel> memory_groups = {};  // innermost first
  std::vector<GroupLevel> pids_groups = {};
  std::string groups_note = {};  // what of the levels can't be seen from here

  MachineFigures machine;
  std::map<std::string, std::string> sysctls = {};      // as they are when no brink has changed them
  std::map<std::string, std::string> oom_sysctls = {};  // those that an OOM killer goes by, as they are now
  std::uint64_t page_size = 4096;
  std::uint64_t user_tasks = 0;              // tasks of its real user
  std::vector<MemoryHolder> processes = {};  // of the whole machine
  std::string processes_note = {};           // why some can't be seen from here
  std::set<std::string> oom_groups = {};     // v2: of their groups and those above, with memory.oom.group

  /// By the name of a limit, or "command", "cwd", "cgroups".
  std::map<std::string, Error> unread = {};
};

}  // namespace brink
