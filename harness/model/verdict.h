// SPDX-License-Identifier: MIT
// What the evidence means. A pure function of Plan and Evidence (judge/judge.h). Plain data.
// The JSON form (report/verdict.schema.json) is a contract: fields are added, never renamed.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/evidence.h"

namespace brink {

/// kMachinePanicked: the kernel gave up (vm.panic_on_oom); in a guest only. kNotApplicable: this cell of a
/// matrix cannot exist; no failure.
enum class Outcome { kSurvived, kFailed, kOomKilled, kHung, kInconclusive, kMachinePanicked, kNotApplicable };

/// The one limit that caused a failure. `name` is one of: vm.max_map_count, commit_limit, RLIMIT_MEMLOCK,
/// RLIMIT_AS, RLIMIT_DATA, RLIMIT_STACK, RLIMIT_NPROC, memory.max, memory.high, machine_memory, pids.max,
/// kernel.pid_max, kernel.threads-max, hugepages.
struct BindingLimit {
  std::string name;
  std::uint64_t limit = 0;
  /// At that instant, without what the failing call asked for; absent: nobody read it then (machine_memory).
  std::optional<std::uint64_t> use;
  std::string unit;    // "bytes", "mappings", "tasks", "pages"
  std::string detail;  // one clause: "munmap in the middle of a mapping needs one more"; may be empty
};

struct CallArgument {
  std::string name;  // as the manual page has it: "addr", "length"
  std::uint64_t value = 0;
};

struct FirstFailure {
  std::string process;
  int pid = 0;
  std::string call;
  std::string errno_name;
  std::vector<CallArgument> args;  // those that the call has
  std::vector<std::string> stack;
  std::uint64_t map_count = 0;
  double t_s = 0;
};

/// For long its group could not go on, as what it needed was reclaimed again and again, or it was throttled.
struct Stall {
  /// In which its tasks waited for memory and none had anything else to do; absent where the kernel does not
  /// tell (cgroup v1).
  std::optional<double> stalled_s;
  /// In which it was out of memory with its OOM killer off: some task waited for memory (cgroup v1).
  double under_oom_s = 0;
  double of_s = 0;                    // for so long the process lived
  std::uint64_t refaulted_bytes = 0;  // had been reclaimed or swapped out, and were needed again
  std::uint64_t throttled = 0;        // so often for being above memory.high
  std::uint64_t limit_hits = 0;       // so often memory.max was reached
};

struct ProcessVerdict {
  Outcome outcome = Outcome::kInconclusive;
  bool child = false;
  std::optional<int> exit_code;
  std::optional<int> signal;
  /// Who ended it: "oom:memcg" or "oom:machine" (the OOM killer), "brink", "self" (raise, abort, a fault),
  /// "kernel" (its other reasons: RLIMIT_CPU), "process NAME" (a process or child of the plan), "step NAME"
  /// (its command), "pid 123 (comm)" (a stranger); empty when it was not killed or nobody knows.
  std::string killed_by;
  std::optional<std::uint64_t> peak_memory_bytes;
  std::optional<std::uint64_t> peak_map_count;
  std::optional<FirstFailure> first_failure;
  std::optional<BindingLimit> binding_limit;
  std::string binding_reason;  // why that limit, or why none could be named
  std::string reason;          // one sentence
  std::optional<Stall> stall;  // of one that survived or hung; absent: none worth telling
  std::optional<Stall> waits;  // the same figures, worth telling or not; not in the JSON form
  /// It ended by itself, and these that it started were ended by brink; the first few of left_running_count.
  std::vector<LeftRunning> left_running;
  std::uint64_t left_running_count = 0;
  std::string last_line;  // of its output; of a child, whose output is its parent's, empty
  std::string log;        // that holds it, relative to run_dir
};

/// Whom of the case the machine's OOM killer was to take first, going by /proc/PID/oom_score as last read
/// before it acted, and whom it took.
struct PredictedVictim {
  std::string process;  // had the highest oom_score
  int pid = 0;
  int oom_score = 0;
  int oom_score_adj = 0;
  double t_s = 0;      // when that was read
  std::string killed;  // the plan's name of it, or the comm of a process that is not of the case
  int killed_pid = 0;
  std::optional<int> killed_oom_score;  // absent: it was not read
  /// It took that one, or another of the same score: the kernel compares pages, oom_score is coarser.
  bool held = false;
};

/// One expectation with what was found. `met` is absent when the evidence does not suffice.
struct ExpectationResult {
  std::string subject;
  std::string what;  // "outcome", "failure", "binding_limit", "log", "exit" ...
  std::string expected;
  std::string found;
  std::optional<bool> met;
  SourceMark mark;
};

/// One thing that happened on the way to the end.
struct ChainLink {
  double t_s = 0;
  std::string process;  // a process, child or step; empty: none of the case's
  std::string kind;     // "call", "log", "oom_kill", "end", "timeout" or "step"
  std::string what;     // a clause: "munmap failed with ENOMEM 12 times: 4,000 of 4,000 mappings (...)"
  std::string limit;    // its binding limit, where one can be named
};

/// The one setting by which a case differs from one of its scenario that survived (judge/pairs.h).
struct LedBy {
  std::string setting;      // "vm.overcommit_memory", "parameter buffers"
  std::string value;        // here; empty: not set
  std::string other_value;  // there
  std::string other_case;
};

/// It survived, but took longer than in a case of its scenario that does the same under other limits, and its
/// group was held up more than there (judge/slowdown.h).
struct Slower {
  std::string what;             // a process, or "step NAME"
  double duration_s = 0;        // of that
  double other_duration_s = 0;  // there; of several runs the longest
  double times = 0;             // as long
  std::string other_case;
  std::string process;   // whose group `figures` are of
  Stall figures;         // here
  std::string sentence;  // all of it for a person
};

/// Memory that stays charged to a group whose processes have all ended.
struct HeldByNobody {
  std::string group;             // of the plan
  std::uint64_t bytes = 0;       // shared memory and files of a tmpfs
  std::uint64_t file_bytes = 0;  // page cache of other files, which can be reclaimed
};

struct Verdict {
  std::string scenario;
  std::string title;
  std::string case_name;
  int repeat = 1;
  std::string sandbox;
  std::string kernel;                // of the machine that it ran on: uname -r
  std::string guest_kernel;          // GuestSpec::kernel; empty on the host
  std::string cgroup_version;        // of the memory controller there
  std::optional<GuestRecord> guest;  // of what ran in one
  std::vector<ImageRecord> images;   // that processes had for their root folder, with the targets' versions
  std::map<std::string, std::string> packages;  // of this machine's, with their versions: Plan::packages
  std::optional<bool> expected_met;             // absent: inconclusive
  Outcome outcome = Outcome::kInconclusive;
  std::string reason;  // one sentence for a person
  std::string remedy;  // what to do when inconclusive; may be empty
  EvidenceGrade grade = EvidenceGrade::kNone;
  double duration_s = 0;
  std::string run_dir;
  std::map<std::string, ProcessVerdict> processes;  // steps' commands are not in it
  std::optional<FirstFailure> first_failure;
  std::vector<FailureCount> failures;
  std::optional<BindingLimit> binding_limit;
  std::string binding_reason;
  std::string binding_process;  // whose limit that is; empty without one
  /// Of the case's processes and steps, and of strangers that the machine's OOM killer took meanwhile.
  std::vector<OomKill> oom_kills;
  LeftOut left_out;  // of the evidence
  std::optional<PredictedVictim>
      predicted_victim;  // of the machine's first OOM kill; absent: none, or unread
  /// The failures and what came of them, in time order; empty when nothing went wrong.
  std::vector<ChainLink> chain;
  std::vector<HeldByNobody> held_by_nobody;
  /// What led to the failure, as another case shows; absent: no case of the run shows it.
  std::optional<LedBy> led_by;
  /// Of one that survived; absent: no case of the run shows it.
  std::optional<Slower> slower;
  std::map<std::string, std::string> settings;  // judge/pairs.h SettingsOf(); not in the JSON form
  std::vector<std::string> steps;               // judge/pairs.h StepsOf(); not in the JSON form
  /// So many of them had begun when it went wrong; absent: it did not, or nobody knows when.
  std::optional<std::size_t> steps_until_failure;  // not in the JSON form
  std::map<std::string, double> durations_s;       // judge/slowdown.h DurationsOf(); not in the JSON form
  std::vector<ImposedFault> faults;
  std::vector<ExpectationResult> expectations;
};

/// Some process of it that survived or hung was held up for want of memory.
[[nodiscard]] inline bool Stalled(const Verdict& verdict) {
  return std::any_of(verdict.processes.begin(), verdict.processes.end(),
                     [](const auto& each) { return each.second.stall.has_value(); });
}

}  // namespace brink
