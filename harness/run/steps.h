// SPDX-License-Identifier: MIT
// Carries out a plan's steps, one after the other.
#pragma once

#include <map>
#include <string>
#include <utility>

#include "model/plan.h"
#include "run/case_loop.h"
#include "run/recorder.h"

namespace brink {

/// What steps need of the runner: starting and stopping, and the groups by name.
class CaseActions {
 public:
  virtual ~CaseActions() = default;
  /// Starts a process of the plan and waits until it is ready.
  virtual Status StartProcess(const ProcessPlan& process) = 0;
  /// Ends a process: its stop signal, then SIGKILL.
  virtual void StopProcess(LiveTarget& target) = 0;
  /// Starts a command beside the targets.
  virtual Result<LiveTarget*> StartCommand(const std::string& name, const RunStep& run,
                                           const std::string& log_name,
                                           const std::vector<std::string>& patterns) = 0;
  /// The group of a process, or a shared group by its name; null when there is none.
  virtual Cgroup* GroupOf(const std::string& name) = 0;
  virtual void Imposed(ImposedFault fault) = 0;
};

class StepRunner {
 public:
  StepRunner(const Plan& plan, const CaseContext& context, Recorder& recorder, CaseLoop& loop,
             CaseActions& actions);

  /// Runs all steps; stops early when one times out, the case's time is up or the run is cancelled. Steps not
  /// reached are recorded as skipped.
  void RunAll();
  /// Waits for background commands that are still running.
  void FinishBackground();

 private:
  enum class Next { kGoOn, kGiveUp };

  Next RunOne(const StepPlan& step, StepRecord& record);
  Next Do(const RunStep& run, const StepPlan& step, StepRecord& record);
  Next Do(const SetStep& set, const StepPlan& step, StepRecord& record);
  Next Do(const SignalStep& signal, const StepPlan& step, StepRecord& record);
  Next Do(const StartStep& start, const StepPlan& step, StepRecord& record);
  Next Do(const StopStep& stop, const StepPlan& step, StepRecord& record);
  Next Do(const WaitStep& wait, const StepPlan& step, StepRecord& record);
  Next Do(const SqueezeStep& squeeze, const StepPlan& step, StepRecord& record);

  void FinishCommand(LiveTarget& target, const StepPlan& step, StepRecord& record);
  [[nodiscard]] std::vector<std::string> OutputPatterns(const StepPlan& step) const;

  const Plan& plan_;
  const CaseContext& context_;
  Recorder& recorder_;
  CaseLoop& loop_;
  CaseActions& actions_;
  /// Lines that earlier waits have used up, by process and pattern.
  std::map<std::pair<std::string, std::string>, std::uint64_t> used_lines_;
  struct Background {
    LiveTarget* target = nullptr;
    const StepPlan* step = nullptr;
    std::size_t record = 0;
  };
  std::vector<Background> background_;
};

/// "run redis-cli -p 1234 bgsave": for people.
[[nodiscard]] std::string DescribeStep(const StepPlan& step);
/// Whether something accepts connections on that loopback port now.
[[nodiscard]] bool PortAccepts(int port);

}  // namespace brink
