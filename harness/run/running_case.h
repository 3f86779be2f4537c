// SPDX-License-Identifier: MIT
// A case while it runs. Internal to case_runner: how it goes is in case_runner.cpp, how processes start in
// case_start.cpp, how they end and what is recorded then in case_end.cpp.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "run/case_groups.h"
#include "run/case_loop.h"
#include "run/case_runner.h"
#include "run/recorder.h"
#include "run/steps.h"

namespace brink {

class CaseRunner : public CaseActions {
 public:
  CaseRunner(const Plan& plan, const CaseContext& context)
      : plan_(plan),
        context_(context),
        recorder_(plan, context.sandbox->SystemRoots()),
        loop_(plan, context, recorder_) {
    loop_.on_recognised = [this](const Recognised& child) { OnRecognised(child); };
  }

  CaseResult Run(std::vector<ImposedFault> machine_proof);

  Status StartProcess(const ProcessPlan& process) override;
  void StopProcess(LiveTarget& target) override;
  Result<LiveTarget*> StartCommand(const std::string& name, const RunStep& run, const std::string& log_name,
                                   const std::vector<std::string>& patterns) override;
  Cgroup* GroupOf(const std::string& name) override;
  void Imposed(ImposedFault fault) override;

 private:
  void Grade();
  Status MakeGroups();
  void MakeSharedMemory();
  Status RunTargets();
  Status WaitReady(const ProcessPlan& process, LiveTarget& target);
  bool ProbeExec(const ProcessPlan& process, LiveTarget*& probe);
  void OnRecognised(const Recognised& child);
  void RecordMissedChildren();
  Status WatchPatterns(LiveTarget& target) const;
  Result<Launched> LaunchInto(LaunchSpec spec, Cgroup& group, WatchToken token, const std::string& name);
  void RecordTimeout();
  /// What a target started and the kernel has not told the end of; without its root.
  [[nodiscard]] std::vector<int> LivingOf(const LiveTarget& target);
  void RecordLeftRunning();
  void EndProcesses();
  void RecordGroups();
  void RecordLogs();
  [[nodiscard]] bool GroupIsShared(const std::string& group) const;

  Evidence& Record() { return recorder_.Record(); }

  const Plan& plan_;
  const CaseContext& context_;
  Recorder recorder_;
  CaseLoop loop_;
  std::optional<CaseGroups> groups_;
  std::optional<SharedMemorySpace> shared_memory_;
  std::uint64_t lost_before_ = 0;      // events that were lost in earlier cases of the same watch
  std::map<std::string, int> starts_;  // how often each process was started
};

}  // namespace brink
