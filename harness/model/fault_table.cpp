// SPDX-License-Identifier: MIT
#include "model/fault_table.h"

#include <algorithm>
#include <array>

namespace brink {
namespace {

using enum FaultScope;
using enum FaultUnit;

constexpr double kNoMax = 0;

// Sources: Documentation/admin-guide/sysctl/vm.rst, Documentation/admin-guide/cgroup-v1/memory.rst,
// Documentation/admin-guide/cgroup-v2.rst, Documentation/admin-guide/mm/transhuge.rst, getrlimit(2), proc(5).
constexpr auto kTable = std::to_array<FaultInfo>({
    {"vm.max_map_count", kMachine, kCount, "", 1, 2147483647, "", "", "",
     "Mappings a process may have (default 65530)."},
    {"vm.overcommit_memory", kMachine, kChoice, "0 1 2", 0, 2, "", "", "",
     "0: the kernel refuses only obvious excess; 1: it promises everything; 2: never more than the commit "
     "limit."},
    {"vm.overcommit_ratio", kMachine, kPercent, "", 0, 1000, "", "", "",
     "Mode 2: the commit limit is swap plus this percentage of memory. Setting it zeroes overcommit_kbytes."},
    {"vm.overcommit_kbytes", kMachine, kKibibytes, "", 0, kNoMax, "", "", "",
     "Mode 2: the commit limit as a size, or +SIZE: that much above what is committed when it is imposed. "
     "When "
     "the commitments of other programs have changed by over a tenth of that meanwhile and the outcome may "
     "hang "
     "on it, the case is inconclusive. Setting it zeroes overcommit_ratio."},
    {"vm.admin_reserve_kbytes", kMachine, kKibibytes, "", 0, kNoMax, "", "", "",
     "Memory that overcommit keeps back for root."},
    {"vm.user_reserve_kbytes", kMachine, kKibibytes, "", 0, kNoMax, "", "", "",
     "Mode 2: memory that a single process must leave free."},
    {"vm.swappiness", kMachine, kCount, "", 0, 200, "", "", "",
     "How readily the kernel swaps anonymous memory."},
    {"vm.oom_kill_allocating_task", kMachine, kFlag, "", 0, 1, "", "", "",
     "1: the machine-wide OOM killer takes the task that asked, not the largest."},
    {"vm.panic_on_oom", kMachine, kChoice, "0 1 2", 0, 2, "", "", "",
     "Panic instead of killing: the outcome `machine_panicked`. In a guest only: it takes the machine down."},
    {"thp.enabled", kMachine, kChoice, "always madvise never", 0, kNoMax, "", "", "",
     "Transparent huge pages: /sys/kernel/mm/transparent_hugepage/enabled."},
    {"thp.defrag", kMachine, kChoice, "always defer defer+madvise madvise never", 0, kNoMax, "", "", "",
     "How hard the kernel tries to make huge pages: /sys/kernel/mm/transparent_hugepage/defrag."},

    {"memory.max", kGroup, kBytes, "", 0, kNoMax, "memory", "memory.limit_in_bytes", "memory",
     "The group's hard limit: beyond it its OOM killer acts."},
    {"memory.high", kGroup, kBytes, "", 0, kNoMax, "", "", "memory",
     "Beyond it the group is slowed down and reclaimed, never killed. cgroup v2 only."},
    {"memory.low", kGroup, kBytes, "", 0, kNoMax, "", "", "memory",
     "Memory protected from reclaim as long as possible. cgroup v2 only."},
    {"memory.min", kGroup, kBytes, "", 0, kNoMax, "", "", "memory",
     "Memory never reclaimed. cgroup v2 only."},
    {"memory.swap.max", kGroup, kBytes, "", 0, kNoMax, "memory", "memory.memsw.limit_in_bytes", "memory",
     "Swap the group may use. On cgroup v1 brink sets memory.memsw.limit_in_bytes to memory.max plus this."},
    {"memory.oom.group", kGroup, kFlag, "", 0, 1, "", "", "memory",
     "1: an OOM kill ends every process of the group. cgroup v2 only."},
    {"memory.oom_kill_disable", kGroup, kFlag, "", 0, 1, "memory", "memory.oom_control", "",
     "1: at the limit processes wait instead of being killed. cgroup v1 only."},
    {"memory.soft_limit_in_bytes", kGroup, kBytes, "", 0, kNoMax, "memory", "memory.soft_limit_in_bytes", "",
     "Reclaimed down to it when the machine is short of memory. cgroup v1 only."},
    {"pids.max", kGroup, kCount, "", 0, kNoMax, "pids", "pids.max", "pids",
     "Tasks (threads count) the group may hold."},
    {"cpu.max", kGroup, kText, "", 0, kNoMax, "cpu", "cpu.cfs_quota_us", "cpu",
     "QUOTA PERIOD in microseconds, or max: processor time per period."},
    {"cpuset.cpus", kGroup, kText, "", 0, kNoMax, "cpuset", "cpuset.cpus", "cpuset",
     "Processors it may run on: 0-1,3."},

    {"RLIMIT_AS", kProcess, kBytes, "", 0, kNoMax, "", "", "", "Address space (ulimit -v)."},
    {"RLIMIT_CORE", kProcess, kBytes, "", 0, kNoMax, "", "", "", "Size of a core file (ulimit -c)."},
    {"RLIMIT_CPU", kProcess, kCount, "", 0, kNoMax, "", "", "", "Processor seconds (ulimit -t)."},
    {"RLIMIT_DATA", kProcess, kBytes, "", 0, kNoMax, "", "", "",
     "Data: the heap and private writable mappings (ulimit -d)."},
    {"RLIMIT_FSIZE", kProcess, kBytes, "", 0, kNoMax, "", "", "", "Size of a file written (ulimit -f)."},
    {"RLIMIT_LOCKS", kProcess, kCount, "", 0, kNoMax, "", "", "",
     "File locks; Linux ignores it (ulimit -x)."},
    {"RLIMIT_MEMLOCK", kProcess, kBytes, "", 0, kNoMax, "", "", "",
     "Locked memory (ulimit -l). A process with CAP_IPC_LOCK, such as root, is exempt."},
    {"RLIMIT_MSGQUEUE", kProcess, kBytes, "", 0, kNoMax, "", "", "",
     "POSIX message queues of the user (ulimit -q)."},
    {"RLIMIT_NICE", kProcess, kCount, "", 0, 40, "", "", "",
     "20 minus the lowest nice value it may set (ulimit -e)."},
    {"RLIMIT_NOFILE", kProcess, kCount, "", 0, kNoMax, "", "", "", "Open file descriptors (ulimit -n)."},
    {"RLIMIT_NPROC", kProcess, kCount, "", 0, kNoMax, "", "", "",
     "Tasks of the real user (ulimit -u). Root and CAP_SYS_RESOURCE are exempt."},
    {"RLIMIT_RSS", kProcess, kBytes, "", 0, kNoMax, "", "", "",
     "Resident size; Linux ignores it (ulimit -m)."},
    {"RLIMIT_RTPRIO", kProcess, kCount, "", 0, 99, "", "", "", "Realtime priority (ulimit -r)."},
    {"RLIMIT_RTTIME", kProcess, kCount, "", 0, kNoMax, "", "", "",
     "Microseconds of realtime without blocking (ulimit -R)."},
    {"RLIMIT_SIGPENDING", kProcess, kCount, "", 0, kNoMax, "", "", "",
     "Pending signals of the user (ulimit -i)."},
    {"RLIMIT_STACK", kProcess, kBytes, "", 0, kNoMax, "", "", "", "The main thread's stack (ulimit -s)."},
    {"nice", kProcess, kCount, "", -20, 19, "", "", "", "Scheduling niceness."},
    {"oom_score_adj", kProcess, kCount, "", -1000, 1000, "", "", "",
     "Added to the OOM killer's score, in thousandths of the memory: -1000 never, 1000 first. Lowering it "
     "below "
     "what brink has needs CAP_SYS_RESOURCE."},
});

}  // namespace

std::span<const FaultInfo> FaultTable() { return kTable; }

const FaultInfo* FindFault(std::string_view name) {
  const auto row =
      std::find_if(kTable.begin(), kTable.end(), [&](const FaultInfo& info) { return info.name == name; });
  return row == kTable.end() ? nullptr : &*row;
}

bool IsSysctlName(std::string_view name) {
  constexpr auto kFolders = std::to_array<std::string_view>({"dev", "fs", "kernel", "net", "user", "vm"});
  const auto is_part = [](std::string_view part) {
    return !part.empty() && std::all_of(part.begin(), part.end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
             c == '-';
    });
  };
  std::size_t dot = name.find('.');
  if (dot == std::string_view::npos ||
      std::find(kFolders.begin(), kFolders.end(), name.substr(0, dot)) == kFolders.end()) {
    return false;
  }
  while (dot != std::string_view::npos) {
    name.remove_prefix(dot + 1);
    dot = name.find('.');
    if (!is_part(name.substr(0, dot))) {
      return false;
    }
  }
  return true;
}

bool IsMachineSetting(std::string_view name) {
  const FaultInfo* row = FindFault(name);
  return row != nullptr ? row->scope == FaultScope::kMachine : IsSysctlName(name);
}

}  // namespace brink
