// SPDX-License-Identifier: MIT
// What was seen while a plan ran: facts only, no judgement. Plain data; saved as evidence.json.
// Times `t_s` are seconds since the case started. Sizes are bytes unless the name says otherwise.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/scenario.h"

namespace brink {

/// No limit, in any field that holds a limit (RLIM_INFINITY, "max").
inline constexpr std::uint64_t kNoLimit = UINT64_MAX;

/// A line of /proc/swaps.
struct SwapArea {
  std::string device;       // "/dev/zram0"
  std::uint64_t bytes = 0;  // without its first page, which describes it
  int priority = 0;         // the higher is used first
};

struct HostFacts {
  std::string kernel;              // uname -r
  std::string cgroup_version;      // "v1", "v2" or "none": of the memory controller
  std::uint64_t memory_bytes = 0;  // MemTotal
  std::uint64_t swap_bytes = 0;    // of all of `swaps`
  std::vector<SwapArea> swaps;
  std::uint64_t page_size = 4096;
  int cpus = 0;
  /// The machine-wide settings of the fault table, before anything was imposed.
  std::map<std::string, std::string> sysctls;
};

/// Where the facts come from. kKernel: BPF. kCounters: wait status and cgroup counters only. kNone: wait
/// status only.
enum class EvidenceGrade { kKernel, kCounters, kNone };

/// One fault with the proof that it is in force.
struct ImposedFault {
  std::string name;       // a row of the fault table
  std::string target;     // "machine", or the name of a process or group
  std::string requested;  // as the plan has it
  std::string read_back;  // what the kernel says it is; empty when it could not be read
  bool in_force = false;
  std::string error;  // why not, with the remedy; empty when in force
  double t_s = 0;
};

/// The machine's limits at one instant.
struct MachineFigures {
  std::uint64_t max_map_count = 0;
  int overcommit_memory = 0;
  std::uint64_t commit_limit_bytes = 0;
  std::uint64_t committed_as_bytes = 0;
  std::uint64_t memory_total_bytes = 0;
  std::uint64_t memory_available_bytes = 0;
  std::uint64_t swap_total_bytes = 0;
  std::uint64_t pid_max = 0;
  std::uint64_t threads_max = 0;
  std::uint64_t threads = 0;  // threads in the whole system (of /proc/loadavg)
  std::uint64_t hugepages_total = 0;
  std::uint64_t hugepages_free = 0;
  std::uint64_t hugepages_reserved = 0;  // of the free ones, promised to mappings that have not touched them
  std::uint64_t hugepage_size_bytes = 0;
  /// What mode 2 keeps back (mm/util.c __vm_enough_memory()); the kernel's defaults where nobody read them.
  std::uint64_t admin_reserve_bytes = std::uint64_t{8} << 20;
  std::uint64_t user_reserve_bytes = std::uint64_t{128} << 20;
};

/// One level of a cgroup controller above a task, nearest first.
struct GroupFigures {
  std::string path;       // below the controller's mount; "" where only the kernel saw it
  std::uint64_t use = 0;  // memory: bytes; pids: tasks
  std::uint64_t limit = kNoLimit;
  /// Of `use`, memory: pages of files that the kernel would take back before it refuses (memory.stat
  /// "active_file" and "inactive_file"), read a moment later. 0 where it could not be read, and without a
  /// limit.
  std::uint64_t reclaimable = 0;
};

struct ProcessLimits {  // soft limits, in bytes; nproc in tasks
  std::uint64_t as = kNoLimit;
  std::uint64_t data = kNoLimit;
  std::uint64_t memlock = kNoLimit;
  std::uint64_t stack = kNoLimit;
  std::uint64_t nproc = kNoLimit;
};

/// A system call that asked for memory (or a task) and failed, with the figures at its return.
struct FailedCall {
  std::string process;  // the plan's name of the process or child
  int pid = 0;
  int tid = 0;
  std::string comm;
  /// System call name: "munmap", "clone3", "brk"; "page_fault": the stack was not allowed to grow (SIGSEGV).
  std::string call;
  std::string errno_name;  // "ENOMEM"; brk reports none itself: ENOMEM stands for a break that did not move
  /// As given; of brk [1] is the break that stayed; of page_fault the address, the stack pointer (0: unknown)
  /// and the stack's upper end.
  std::array<std::uint64_t, 6> args{};
  double t_s = 0;
  std::uint64_t threads = 0;  // of its process; 0: unknown
  std::uint64_t map_count = 0;
  std::uint64_t locked_bytes = 0;  // mm->locked_vm
  std::uint64_t total_vm_bytes = 0;
  std::uint64_t data_vm_bytes = 0;
  std::uint64_t stack_vm_bytes = 0;
  bool ipc_lock_capable = false;  // CAP_IPC_LOCK: RLIMIT_MEMLOCK does not apply
  bool resource_capable = false;  // CAP_SYS_RESOURCE or CAP_SYS_ADMIN: RLIMIT_NPROC does not apply
  std::uint64_t user_tasks = 0;   // tasks of the same real user, against RLIMIT_NPROC
  std::uint64_t uid = 0;
  ProcessLimits limits;
  std::vector<GroupFigures> memory_groups;  // memory cgroups, nearest first
  std::vector<GroupFigures> pids_groups;
  /// True when the kernel's own overcommit check (__vm_enough_memory) refused during this call; absent when
  /// not watched.
  std::optional<bool> overcommit_refused;
  MachineFigures machine;
  /// `machine` was read when the process had ended, or was about to: Committed_AS is without what it had
  /// promised.
  bool machine_without_it = false;
  /// Innermost first: "munmap+0x7 (libc.so.6)". A frame that could not be named is "0x1234 (build id
  /// 4f0a...)", with the offset in that file, or "0x7f... (?)".
  std::vector<std::string> stack;
};

/// How often each call failed; counts every failure, FailedCall only details the first few of each kind.
struct FailureCount {
  std::string process;
  std::string call;
  std::string errno_name;
  std::uint64_t count = 0;
};

struct OomKill {
  std::string process;  // empty: a process that is not ours
  int pid = 0;
  std::string comm;
  std::string scope;  // "memcg" or "machine"; empty when the kernel did not say
  /// The group whose limit was exhausted (memcg), or the victim's own, which had room (machine).
  std::string cgroup;
  std::uint64_t limit_bytes = kNoLimit;  // of that group at that instant
  std::uint64_t use_bytes = 0;
  std::uint64_t anon_rss_bytes = 0;
  std::uint64_t file_rss_bytes = 0;
  std::uint64_t shmem_rss_bytes = 0;
  std::uint64_t swapped_bytes = 0;  // of its anonymous memory, in swap
  int oom_score_adj = 0;
  int invoker_pid = 0;  // whose allocation led to it
  std::string invoker_comm;
  double t_s = 0;
};

/// A signal that ends processes by default, as its sender generated it.
struct SignalSent {
  int signal = 0;
  int code = 0;  // si_code: SI_USER 0, SI_KERNEL 128, SI_TKILL -6; a fault's own code for SIGSEGV and SIGBUS
  int sender_pid = 0;
  std::string sender_comm;
  std::string sender;   // "brink", the plan's name of a process, child or step, or empty for a stranger
  std::string process;  // target
  int pid = 0;
  double t_s = 0;
};

/// A process that was still running.
struct LeftRunning {
  int pid = 0;
  std::string comm;
};

/// A line of a process's output, at most 500 bytes of it.
struct OutputLine {
  double t_s = 0;
  std::string text;
};

/// A process that lived during the case.
struct ProcessRecord {
  std::string name;  // of the plan's process, child rule, or step (its `as`)
  enum class Kind { kProcess, kChild, kStep };
  Kind kind = Kind::kProcess;
  std::string parent;  // kChild: the plan's process it descends from
  int pid = 0;
  std::string comm;
  bool started = false;
  std::string start_error;  // why exec or a fault failed; empty when started
  /// What to do about it when no limit is to blame: the program is missing or may not be executed, its user
  /// or folder does not exist. Empty when a limit may be.
  std::string start_remedy;
  bool ready = false;  // its readiness was seen (or none was asked for)
  double start_s = 0;
  std::optional<double> end_s;    // absent: it was alive when the case ended
  std::optional<int> exit_code;   // it called exit
  std::optional<int> signal;      // or died of this signal
  bool stopped_by_brink = false;  // brink ended it (end of case, stop step) while it was alive
  bool alive_at_end = false;      // alive when the last step was done or the timeout passed
  bool timed_out = false;         // the case's timeout passed while it was alive and still wanted
  /// Its group's peak, or (child, shared group) its own peak resident size.
  std::optional<std::uint64_t> peak_memory_bytes;
  std::optional<std::uint64_t> peak_map_count;
  /// At timeout: R, S or D, the kernel function it waits in, and whether its group throttled or held it.
  std::string state;
  std::string wait_channel;
  bool under_oom = false;  // v1 memory.oom_control under_oom
  /// kProcess: for so long samples of that, 40 a second, said so in turn, all such times together.
  double under_oom_s = 0;
  std::uint64_t throttled_high =
      0;  // v2 memory.events "high": its growth in the last second or two before the timeout
  /// kProcess, killed by SIGKILL: charged to its group, right after that, for files of a tmpfs and shared
  /// memory, which no kill gives back.
  std::uint64_t group_shmem_bytes = 0;
  /// kProcess: it had ended by itself, and these that it started, and their descendants, had not when the
  /// case was over; brink ended them. The first few of left_running_count.
  std::vector<LeftRunning> left_running;
  std::uint64_t left_running_count = 0;
  std::string last_line;               // of its output, the last that is not empty; at most 500 bytes
  std::string log;                     // the file that holds it, relative to the run directory; of kProcess
  std::vector<OutputLine> complaints;  // the first of its output that sound like a lack of memory or its harm
};

struct GroupRecord {
  std::string name;
  std::string path;
  std::optional<std::uint64_t> memory_limit_bytes;  // as of the end; absent: none
  std::uint64_t peak_memory_bytes = 0;
  std::uint64_t oom_kills = 0;
  std::uint64_t limit_hits = 0;      // v1 failcnt, v2 memory.events max
  std::uint64_t pids_refused = 0;    // pids.events max
  std::uint64_t throttled_high = 0;  // v2 memory.events high
  /// Memory that had been reclaimed from it, or swapped out, and was needed again.
  std::uint64_t refaulted_bytes = 0;
  /// In which its tasks waited for memory and none had anything else to do (memory.pressure "full"); absent
  /// where the kernel does not tell (v1).
  std::optional<double> stalled_s;
  /// Charged to it once all processes of the case had ended, for files of a tmpfs and shared memory segments
  /// (memory.stat "shmem"): without swap nothing can reclaim that. Absent where nobody could read it, as the
  /// next.
  std::optional<std::uint64_t> left_shmem_bytes;
  /// The same of other files' pages (memory.stat "file", v1 "cache", without "shmem"): the kernel takes them
  /// back when it needs memory.
  std::optional<std::uint64_t> left_file_bytes;
};

struct StepRecord {
  std::string as;
  int index = 0;     // from 0
  std::string text;  // "run redis-cli -p 1234 bgsave": for people
  bool skipped = false;
  bool timed_out = false;
  std::string error;  // why the step could not be done; empty when it was
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::string output;  // of a run step: the first and last 8 KiB
  /// Of StepPlan::expect.output, searched while it ran; only meaningful if one was asked for.
  bool output_matched = false;
  std::map<std::string, bool> patterns;  // Expectation::output patterns on this step: found or not
  double start_s = 0;
  double duration_s = 0;
};

/// An image that processes had for their root folder. As it says itself (/etc/brink-image).
struct ImageRecord {
  std::string name;
  std::string suite;                            // Debian's release
  std::map<std::string, std::string> packages;  // versions of the targets and of the C library
};

/// How often a pattern of the plan's expectations occurred in a process's output (logs rotate, so it is
/// counted live).
struct LogMatch {
  std::string process;
  std::string pattern;
  std::uint64_t count = 0;
  std::string first_line;
  double first_s = 0;
};

struct MapsSummary {  // of /proc/PID/maps, taken at a process's first failure
  std::string process;
  double t_s = 0;
  std::uint64_t mappings = 0;
  std::uint64_t anonymous = 0;
  std::uint64_t file_backed = 0;
  std::uint64_t stacks_and_special = 0;
  /// The commonest kinds with their number: "rw-p 8 KiB anonymous" -> 4000.
  std::vector<std::pair<std::string, std::uint64_t>> commonest;
};

struct TimelineSample {
  double t_s = 0;
  std::string subject;          // a process or child
  int pid = 0;                  // of it
  std::uint64_t map_count = 0;  // this and the next two: 0 without kernel evidence
  std::uint64_t locked_bytes = 0;
  std::uint64_t total_vm_bytes = 0;
  std::uint64_t memory_bytes = 0;  // charged to its group (0 for a child)
  std::uint64_t failures = 0;      // all failing calls so far; 0 without kernel evidence
  /// /proc/PID/oom_score, which the machine's OOM killer goes by (0 to 2000, growing with memory and
  /// oom_score_adj); absent where it could not be read.
  std::optional<int> oom_score;
  std::optional<int> oom_score_adj;
};

/// The machine of the vm sandbox that a case ran in.
struct GuestRecord {
  std::string kernel;       // GuestSpec::kernel
  std::string accelerator;  // "kvm" or "tcg"
  /// By this the plan's timeouts were multiplied: how much slower than the host the guest was measured to be.
  double time_scale = 1;
  /// How the guest was lost: "panicked", "hung" (no answer any more), "reset", "powered_off", "exited" (QEMU
  /// ended; by a signal: "killed", "oom_killed"), "cut" (the channel to it); empty when it lived on.
  std::string lost;
  std::string lost_detail;  // one sentence
  /// Why the host could not keep what the guest wrote to its disk, as "No space left on device"; empty when
  /// it could. The targets then met errors that are the host's.
  std::string host_disk_error;
  std::string console_log;           // the file of what it printed, in the run's folder
  std::vector<std::string> console;  // its last lines, when it was lost; first of them why it panicked
};

/// What the machine had promised beside what the case's own processes had asked for, while a value relative
/// to that was in force.
struct CommitSample {
  double t_s = 0;
  std::uint64_t committed_bytes = 0;  // Committed_AS
  std::uint64_t targets_bytes = 0;    // private writable mappings of the case's processes
  /// All their mappings: shared memory counts as committed too, and which of these it is is not known.
  std::uint64_t targets_mapped_bytes = 0;
  /// They were the same processes of the same sizes before and after committed_bytes was read. Otherwise the
  /// figures are of different instants and tell nothing of others.
  bool steady = false;
};

/// Swap that is memory itself, zram, of all such areas together (the kernel's admin-guide/blockdev/zram.rst).
struct ZramFigures {
  double t_s = 0;
  std::uint64_t stored_bytes = 0;     // orig_data_size: what was swapped out, as large as it was before
  std::uint64_t memory_bytes = 0;     // mem_used_total: what that takes of the machine's memory
  std::uint64_t swap_free_bytes = 0;  // SwapFree of the machine then
};

/// How much did not fit into the bounded lists.
struct LeftOut {
  std::uint64_t failed_calls = 0;  // beyond those that the kernel's side tells no details of either
  std::uint64_t signals = 0;
  std::uint64_t oom_kills = 0;
};

struct Evidence {
  int format = 1;
  std::string brink_version;
  HostFacts host;  // of the guest when there is one
  std::optional<GuestRecord> guest;
  std::vector<ImageRecord> images;
  EvidenceGrade grade = EvidenceGrade::kNone;
  std::string grade_reason;  // why not kernel; empty when it is
  double duration_s = 0;
  bool interrupted = false;
  std::string harness_error;  // brink's own failure; empty when none
  std::string disk_full;      // once the steps were done: "0 B are free in /srv/out"; empty: there was room
  bool timed_out = false;     // the case's timeout passed
  std::vector<ImposedFault> faults;
  std::vector<ProcessRecord> processes;
  std::vector<GroupRecord> groups;
  std::vector<StepRecord> steps;
  /// In time order. Bounded for each process, call and errno by itself, so that the first of each kind is
  /// here whatever the others do.
  std::vector<FailedCall> failed_calls;
  std::vector<FailureCount> failure_counts;
  std::uint64_t events_lost = 0;    // the ring buffer was full so often
  std::vector<OomKill> oom_kills;   // bounded, but for those of the plan's processes and children
  std::vector<SignalSent> signals;  // bounded, but for the first and the last of each process and signal
  LeftOut left_out;
  std::vector<LogMatch> log_matches;
  std::vector<MapsSummary> maps;
  /// Of each process 40 samples a second at first (as many as the machine manages). Bounded: when there are
  /// 20,000 in all, every second one is left out, so that of a single process it holds fewer than 20 a second
  /// after some 17 minutes, of several sooner.
  std::vector<TimelineSample> timeline;
  /// Only where vm.overcommit_kbytes is relative ("+N"). The first and the last are of an empty case; without
  /// kernel evidence there are no others. Bounded like the timeline.
  std::vector<CommitSample> commitments;
  /// When it took most of the memory, until the machine's OOM killer first acted. Absent without zram.
  std::optional<ZramFigures> zram;
};

}  // namespace brink
