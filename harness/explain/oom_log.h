// SPDX-License-Identifier: MIT
// OOM kills in the kernel's log. Pure. Source: mm/oom_kill.c (__oom_kill_process(), dump_oom_victim()),
// mm/memcontrol.c (mem_cgroup_print_oom_meminfo()).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace brink {

/// Sizes are bytes.
struct LoggedOomKill {
  int pid = 0;
  std::string comm;
  bool of_group = false;   // a memory cgroup's limit was reached; false: the machine ran out
  std::string group = {};  // whose limit that was; empty: the log does not tell
  std::optional<std::uint64_t> limit = {};
  std::string constraint = {};  // "CONSTRAINT_NONE"; empty: the log does not tell, as before Linux 5.0
  bool scope_known = true;      // the log says whether `of_group`
  // What the machine had; the kernel tells it where no group's limit was reached.
  std::optional<std::uint64_t> memory = {};
  std::optional<std::uint64_t> swap = {};
  std::uint64_t anon_rss = 0;
  std::uint64_t file_rss = 0;
  std::uint64_t shmem_rss = 0;
  int oom_score_adj = 0;
};

/// The last kill in a log, with or without times before its lines (dmesg, journalctl -k, /dev/kmsg). Nothing
/// when there is none.
[[nodiscard]] std::optional<LoggedOomKill> LastOomKillIn(std::string_view log);

}  // namespace brink
