// SPDX-License-Identifier: MIT
// The kernel's own account of what happens to the targets: one BPF program (watch.bpf.c) and its reader.
// Not thread-safe: one Watch per worker, used by that worker's poll loop.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.h"
#include "model/evidence.h"

namespace brink {

/// Stands for one process of a plan (or a step's command) in BPF maps; descendants inherit it. Never 0.
using WatchToken = std::uint32_t;

/// A tracked process came to be: a fork of a tracked one. (The root registers itself before exec and gives no
/// event.)
struct ForkSeen {
  WatchToken token = 0;
  int parent_pid = 0;
  int pid = 0;
  std::uint64_t at_ns = 0;
};
struct ExecSeen {
  WatchToken token = 0;
  int pid = 0;
  std::string comm;
  std::string path;  // as the call gave it; of a script: its interpreter
  std::uint64_t at_ns = 0;
};
struct ExitSeen {
  WatchToken token = 0;
  int pid = 0;
  std::string comm;
  std::optional<int> exit_code;
  std::optional<int> signal;
  std::uint64_t peak_rss_bytes = 0;  // hiwater, 0 when unknown
  std::uint64_t peak_map_count = 0;  // at its exit, 0 when unknown
  std::uint64_t at_ns = 0;
};
/// FailedCall without `process` and `t_s`, which the runner fills in; `machine`'s limits are read on arrival.
struct FailureSeen {
  WatchToken token = 0;
  FailedCall call;
  std::uint64_t at_ns = 0;
};
struct OomKillSeen {
  WatchToken token = 0;               // 0: the victim is not ours
  OomKill kill;                       // without process and t_s; cgroup only when it could be resolved
  std::uint64_t memory_group_id = 0;  // of the group whose limit was exhausted; 0 machine-wide or unknown
  std::uint64_t at_ns = 0;
};
struct SignalSeen {
  WatchToken token = 0;         // target
  WatchToken sender_token = 0;  // 0: not ours
  SignalSent sent;              // without names and t_s
  std::uint64_t at_ns = 0;
};
using WatchEvent = std::variant<ForkSeen, ExecSeen, ExitSeen, FailureSeen, OomKillSeen, SignalSeen>;

/// One living tracked process, read from the kernel; constant time whatever it has mapped.
struct TaskFigures {
  WatchToken token = 0;
  int pid = 0;
  int parent_pid = 0;
  std::string comm;
  std::uint64_t map_count = 0;
  std::uint64_t total_vm_bytes = 0;
  std::uint64_t locked_bytes = 0;
  std::uint64_t data_vm_bytes = 0;
};

struct FailureTotal {
  WatchToken token = 0;
  int pid = 0;
  std::string call;
  std::string errno_name;
  std::uint64_t count = 0;
};

class Watch {
 public:
  /// Loads and attaches. Fails, with what to do about it, where the kernel or the rights do not suffice; the
  /// caller then goes on with counters alone. Each further one takes 33 ms to load and costs every system
  /// call of the machine some 30 ns. Workers that run cases at a time have one each nevertheless: one for all
  /// would need its events, samples and totals handed out by token to loops that wait in different threads.
  [[nodiscard]] static Result<Watch> Load();
  Watch(Watch&&) noexcept;
  Watch& operator=(Watch&&) noexcept;
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  ~Watch();

  /// What could not be attached on this kernel although the rest works ("overcommit refusals: ..."); usually
  /// empty.
  [[nodiscard]] const std::vector<std::string>& Missing() const;

  /// For LaunchSpec: in the child, enters it into the map of tracked processes. `context` is a Registration*.
  struct Registration {
    int map_fd = -1;
    int known_fd = -1;
    WatchToken token = 0;
  };
  [[nodiscard]] Registration MakeRegistration(WatchToken token) const;
  static int RegisterSelf(int pid, void* context);  // async-signal-safe

  /// Readable when events wait.
  [[nodiscard]] int PollFd() const;
  /// Hands over every waiting event, in order. Bounded memory: only the first failures of each (process,
  /// call, errno) come as events, all are counted.
  void Drain(const std::function<void(const WatchEvent&)>& sink);
  /// Failures so far, counted in the kernel.
  [[nodiscard]] std::vector<FailureTotal> FailureTotals() const;
  [[nodiscard]] std::uint64_t EventsLost() const;
  /// All living tracked processes (thread group leaders).
  [[nodiscard]] Result<std::vector<TaskFigures>> Sample();
  /// The same by a walk over all tasks of the machine, which costs 0.5 us for each of them: what Sample()
  /// does before Linux 5.13, and when it does not know all tracked processes, as with more than 256.
  [[nodiscard]] Result<std::vector<TaskFigures>> SampleByWalk();
  /// Forgets everything of these tokens (a case is over).
  void Forget(const std::vector<WatchToken>& tokens);

 private:
  Watch();
  struct State;
  std::unique_ptr<State> state_;
};

/// Counts and sorts the lines of a /proc/PID/maps text.
[[nodiscard]] MapsSummary SummariseMaps(std::string_view maps_text);

}  // namespace brink
