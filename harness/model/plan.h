// SPDX-License-Identifier: MIT
// One run of one case on this host: every value is resolved, nothing is left to look up. Plain data.
// A plan is saved as plan.json beside its evidence, so that a verdict can be repeated without the scenario
// file.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "model/scenario.h"

namespace brink {

/// One thing to impose. `name` is a row of model/fault_table.h ("vm.max_map_count", "memory.max",
/// "RLIMIT_MEMLOCK", "oom_score_adj", "nice"). `value` is in the fault's own unit (bytes, counts), in
/// decimal, or "max" / "unlimited" for no limit; "+N" (overcommit_kbytes only) is N above what is committed
/// when it is imposed.
struct Setting {
  std::string name;
  std::string value;
  SourceMark mark;
};

/// A process's own limit. "unlimited" is RLIM_INFINITY.
struct RlimitSetting {
  std::string name;  // "RLIMIT_MEMLOCK"
  std::string soft;
  std::string hard;
};

/// When a process counts as started. At most one of tcp, log and exec is set; none: as soon as exec
/// succeeded.
struct Ready {
  std::optional<int> tcp;          // a loopback port that accepts connections
  std::optional<std::string> log;  // regular expression (base/pattern.h), searched in each line of its output
  std::vector<std::string>
      exec;  // a command that exits with 0; tried again until then; in the process's image
  double timeout_s = 10;
};

/// How to recognise a descendant of a process, so that verdicts can name it. Any one of the given conditions
/// suffices.
struct ChildRule {
  std::string name;
  std::optional<std::string> title;  // a substring of its comm or command line (setproctitle counts)
  std::optional<std::string> exe;    // file name of its executable
  std::optional<int> oom_score_adj;  // imposed on it when it is first seen
};

struct ProcessPlan {
  std::string name;
  std::vector<std::string> argv;           // argv[0] is resolved: an absolute path
  std::map<std::string, std::string> env;  // added to brink's own environment
  std::string cwd;                         // absolute
  std::string user;                        // empty: brink's own
  std::string image;  // a key of Plan::images, whose folder is its root; empty: this machine's
  std::string group;  // the name of a GroupPlan; every process has one
  std::vector<RlimitSetting> rlimits;
  std::optional<int> oom_score_adj;
  std::optional<int> nice;
  std::optional<Ready> ready;
  std::vector<ChildRule> children;
  bool autostart = true;      // false: a `start` step starts it
  int stop_signal = 15;       // sent when the case ends or by a `stop` step, to the root process
  double stop_timeout_s = 5;  // then SIGKILL to the whole group
};

/// A cgroup below the case's own. Settings are in cgroup v2 terms whatever the host has.
struct GroupPlan {
  std::string name;
  std::vector<Setting> settings;
};

/// What a step's command must do; anything not given is not looked at.
struct CommandExpect {
  std::vector<int> exit;              // any of these
  std::optional<std::string> output;  // regular expression searched in its whole output
  std::optional<double> max_duration_s;
};

struct RunStep {
  std::vector<std::string> argv;
  std::map<std::string, std::string> env;
  std::string image;        // as of a process
  bool background = false;  // the next step starts at once; the case waits for it before it ends
};
/// Changes limits of a running process, its group, a shared group, or the machine.
struct SetStep {
  std::vector<Setting> machine;
  struct Target {
    std::string name;  // a process, a child or a group
    std::vector<Setting> cgroup;
    std::vector<RlimitSetting> rlimits;
    std::optional<int> oom_score_adj;
    std::optional<int> nice;
  };
  std::vector<Target> targets;
};
struct SignalStep {
  std::string process;  // a process or a child
  int signal = 0;
};
struct StartStep {
  std::string process;  // also starts a process again that has ended
};
struct StopStep {
  std::string process;
};
/// Exactly one condition is set.
struct WaitStep {
  std::optional<std::string> log_pattern;  // in the output of `process`, from the case's start on
  std::optional<int> tcp;
  bool exit = false;                             // until `process` has ended
  std::optional<std::uint64_t> map_count_above;  // mappings of `process`
  /// Bytes charged to the group of `process` (a share is resolved against its memory.max in the plan).
  std::optional<std::uint64_t> memory_above;
  std::optional<double> duration_s;  // plain time: a soak, never for synchronisation
  std::string process;
};
/// Lowers (or raises) memory.max of the group of `process` gradually.
struct SqueezeStep {
  std::string process;
  std::uint64_t to_bytes = 0;
  std::uint64_t by_bytes = 0;
  double every_s = 0.1;
};

struct StepPlan {
  std::string as;  // the name expectations use; empty when none was given
  std::variant<RunStep, SetStep, SignalStep, StartStep, StopStep, WaitStep, SqueezeStep> action;
  double timeout_s = 60;
  CommandExpect expect;  // for RunStep
  SourceMark mark;
};

struct FailureExpect {
  /// Any of these; empty: any call. "clone" also matches clone3, fork and vfork: which one libc uses varies.
  std::vector<std::string> call;
  std::string errno_name;  // "ENOMEM"; empty: any
  std::optional<std::uint64_t> min_count;
  std::optional<std::uint64_t> max_count;
  std::string binding_limit = {};  // of these calls, "none": it must be null; empty: any
};

/// A range of numbers; an open end is absent.
struct Range {
  std::optional<double> min;
  std::optional<double> max;
};

/// What is expected of one process, child or step, or of the machine. Absent means not looked at.
struct Expectation {
  std::string subject;
  SourceMark mark;
  // of a process or child
  std::vector<std::string> outcome;  // any of these
  std::optional<int> signal;
  std::optional<std::string>
      killed_by;  // see ProcessVerdict::killed_by; in full, or its kind alone ("oom", "process", "pid")
  std::optional<FailureExpect> failure;
  bool no_failures = false;
  std::optional<std::string> binding_limit;  // ProcessVerdict::binding_limit; "none": it must be null
  std::vector<std::string> log;              // each pattern must occur in its output
  std::vector<std::string> log_absent;       // none of them may occur
  std::optional<std::string> oom_scope;      // "memcg" or "machine"
  std::optional<Range> peak_memory_bytes;
  std::optional<Range> peak_map_count;
  /// Whether ProcessVerdict::stall is there. Absent: of one that survives it must not be, unless may_stall.
  std::optional<bool> stalled;
  bool may_stall = false;
  std::optional<FailureExpect> first_failure;  // ProcessVerdict::first_failure; without counts
  std::optional<std::string> reason;           // regular expression searched in ProcessVerdict::reason
  std::optional<Range> left_charged_bytes;     // to its group once all processes had ended
  // of the machine
  std::vector<std::string> predicted_victim;  // processes or children; any of these: see PredictedVictim
  std::vector<std::string> oom_victim;        // whom its OOM killer takes first
  // of a step
  std::optional<std::string> output;
  std::optional<double> max_duration_s;
  // of either
  std::vector<int> exit;  // any of these
};

/// With less, a general kernel and an initramfs do not boot.
constexpr std::uint64_t kLeastGuestMemory = std::uint64_t{256} << 20;

/// The machine of a case in the vm sandbox. Cases with equal machines share a guest, one after another.
struct GuestSpec {
  std::string kernel = "debian-12";  // a name of `brink guest list`, or the path of a kernel image
  std::uint64_t memory_bytes = std::uint64_t{2} << 30;
  std::uint64_t swap_bytes = 0;  // on a disk; 0: none
  std::uint64_t zram_bytes = 0;  // swap in compressed memory, used before the disk's; 0: none
  int cpus = 2;
  std::string cgroup = "v2";      // or "v1": which version has the memory controller
  std::vector<std::string> boot;  // further words of the kernel's command line

  bool operator==(const GuestSpec&) const = default;
};

struct Plan {
  std::string scenario;
  std::string title;
  std::string reference;
  std::vector<std::string> tags;
  std::string case_name;
  int repeat = 1;                // counts from 1
  std::string sandbox = "host";  // or "vm": `guest` tells which machine
  GuestSpec guest;
  /// The scenario names a machine (memory, swap, kernel, ...), which only a guest can be.
  bool needs_guest = false;
  SourceMark mark;  // of the case
  std::string scenario_dir;
  std::string run_dir;   // absolute; evidence, logs and ${dir} go below it
  std::string data_dir;  // ${dir}: an empty folder for the targets' files, below run_dir
  std::map<std::string, std::string> parameters;
  std::map<std::string, int> ports;  // what ${port} ("") and each ${port.NAME} stand for in this run
  std::vector<Setting> machine;
  std::vector<GroupPlan> groups;
  /// Folders by the names of images (containers/make-image); those that are used.
  std::map<std::string, std::string> images;
  /// The versions of the Debian packages that its commands require, as installed on this machine (a guest has
  /// the same).
  std::map<std::string, std::string> packages;
  std::vector<ProcessPlan> processes;
  std::vector<StepPlan> steps;
  std::vector<Expectation> expect;
  double timeout_s = 60;
  /// Why this host cannot run the plan (a missing package, a fault it cannot impose), with the remedy; the
  /// case is then inconclusive without being started.
  std::optional<std::string> not_runnable;
  std::string not_runnable_remedy;
  /// Why this cell of the matrix cannot exist ("6.12 has no memory controller of cgroup v1"): no failure, no
  /// remedy.
  std::optional<std::string> not_applicable;
};

}  // namespace brink
