// SPDX-License-Identifier: MIT
// The one poll loop of a case: kernel events, deaths, output, samples. Nothing else in a case waits.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "evidence/watch.h"
#include "kernel/cgroup.h"
#include "kernel/launch.h"
#include "model/plan.h"
#include "run/case_runner.h"
#include "run/log_sink.h"
#include "run/recorder.h"
#include "run/throttle_window.h"

namespace brink {

/// Something brink has started: a process of the plan, a step's command, or a readiness probe.
struct LiveTarget {
  static constexpr std::size_t kNoRecord = static_cast<std::size_t>(-1);

  std::string name;
  const ProcessPlan* plan = nullptr;  // null: a command
  std::size_t record = kNoRecord;     // kNoRecord: a probe, which leaves no evidence
  WatchToken token = 0;
  pid_t pid = 0;
  UniqueFd pidfd;
  UniqueFd output;
  LogSink log;
  Cgroup* group = nullptr;
  bool own_group = false;  // its group's counters are its own
  bool ended = false;
  ExitStatus status;
  ThrottleWindow throttled;
  std::optional<double> under_oom_at_s;  // when last sampled, if it was so then
};

class CaseLoop {
 public:
  /// Kernel figures are sampled this often; the contract asks for 20 Hz at least.
  static constexpr std::chrono::milliseconds kSampleEvery{25};
  /// While a young descendant may still take its name, and while a condition must be asked for, this often.
  static constexpr std::chrono::milliseconds kAskEvery{5};

  enum class Wake { kDone, kDeadline, kCaseTimeout, kCancelled };

  /// All arguments outlive the loop.
  CaseLoop(const Plan& plan, const CaseContext& context, Recorder& recorder);

  /// How a condition is noticed: by the events that the loop waits for anyway, or by asking every kAskEvery
  /// (a port).
  enum class Notice { kEvents, kAsking };
  /// Handles whatever happens until `done` holds, the deadline or the case's own passes, or the run is
  /// cancelled.
  Wake PumpUntil(Clock::time_point deadline, const std::function<bool()>& done,
                 Notice notice = Notice::kEvents);
  Wake PumpFor(std::chrono::duration<double> time, const std::function<bool()>& done,
               Notice notice = Notice::kEvents);
  /// Takes what is waiting without waiting itself.
  void PumpOnce() { PollOnce(Clock::now(), Notice::kEvents); }
  /// The case is ending: its own deadline no longer applies, nor does cancelling, so that targets are stopped
  /// in order.
  void LiftDeadline();

  LiveTarget& Add(std::unique_ptr<LiveTarget> target);
  [[nodiscard]] const std::deque<std::unique_ptr<LiveTarget>>& Targets() const { return targets_; }
  /// The newest target of that name that brink started, alive or not; null when there is none.
  [[nodiscard]] LiveTarget* Find(const std::string& name) const;
  /// Whose output holds the lines of that process: itself, or for a child its root.
  [[nodiscard]] LiveTarget* FindOutput(const std::string& name) const;
  [[nodiscard]] bool Alive(const std::string& name) const;
  /// Lines of all targets with that output that matched so far.
  [[nodiscard]] std::uint64_t MatchCount(const std::string& process, const std::string& pattern) const;
  /// Bytes charged to the group of that process now.
  [[nodiscard]] std::uint64_t MemoryOf(const std::string& process) const;

  [[nodiscard]] WatchToken NextToken();
  [[nodiscard]] const std::vector<WatchToken>& Tokens() const { return tokens_; }
  /// Called for each child that a rule recognises.
  std::function<void(const Recognised&)> on_recognised;

 private:
  void PollOnce(Clock::time_point until, Notice notice);
  void DrainWatch();
  void DrainOutput(LiveTarget& target);
  void OnDeath(LiveTarget& target);
  void Tick();
  /// What the machine has promised, beside `before` and another look at the case's processes.
  void SampleCommitments(const std::vector<TaskFigures>& before);
  void NoteUnderOom(LiveTarget& target, bool under_oom);

  const Plan& plan_;
  const CaseContext& context_;
  Recorder& recorder_;
  Clock::time_point case_deadline_;
  Clock::time_point next_sample_;
  bool cancelled_ = false;
  bool heed_cancel_ = true;
  std::deque<std::unique_ptr<LiveTarget>> targets_;
  std::vector<WatchToken> tokens_;
};

}  // namespace brink
