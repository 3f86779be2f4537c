// SPDX-License-Identifier: MIT
#include "run/case_runner.h"

#include <fmt/format.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <string>
#include <utility>

#include "base/room.h"
#include "faults/faults.h"
#include "model/json.h"
#include "run/running_case.h"
#include "sandbox/images.h"

namespace brink {

CaseResult CaseRunner::Run(std::vector<ImposedFault> machine_proof) {
  Record().host = context_.sandbox->Facts();
  for (const auto& [name, folder] : plan_.images) {
    Record().images.push_back(ReadImage(name, folder));
  }
  Grade();
  for (ImposedFault& fault : machine_proof) {
    Imposed(std::move(fault));
  }
  MakeSharedMemory();
  Status status = MakeGroups();
  const bool in_force = std::all_of(Record().faults.begin(), Record().faults.end(),
                                    [](const ImposedFault& fault) { return fault.in_force; });
  if (status && in_force) {
    status = RunTargets();
  }
  if (!status) {
    Record().harness_error = status.error().message;
    if (!status.error().remedy.empty()) {
      Record().harness_error += " (" + status.error().remedy + ")";
    }
  }
  for (const std::string& folder : {plan_.run_dir, plan_.data_dir}) {
    if (Record().disk_full.empty() && RoomAt(folder) < kLeastRoom) {
      Record().disk_full = RoomInWords(folder);
    }
  }
  EndProcesses();
  loop_.PumpOnce();
  if (context_.watch != nullptr) {
    recorder_.SetFailureTotals(context_.watch->FailureTotals());
    Record().events_lost = context_.watch->EventsLost() - lost_before_;
    context_.watch->Forget(loop_.Tokens());
  }
  RecordMissedChildren();
  RecordGroups();
  RecordLogs();
  Record().duration_s = recorder_.Now();
  return CaseResult{.evidence = std::move(Record()), .groups = std::move(groups_)};
}

void CaseRunner::Grade() {
  if (context_.watch != nullptr) {
    Record().grade = EvidenceGrade::kKernel;
    lost_before_ = context_.watch->EventsLost();
    return;
  }
  const bool counters = context_.sandbox->Cgroups().MemoryVersion() != CgroupVersion::kNone;
  Record().grade = counters ? EvidenceGrade::kCounters : EvidenceGrade::kNone;
  Record().grade_reason = context_.watch_missing;
}

void CaseRunner::MakeSharedMemory() {
  if (!context_.own_shared_memory) {
    return;
  }
  if (auto space = SharedMemorySpace::Make()) {
    shared_memory_ = *std::move(space);
  } else {
    spdlog::warn("{}: what its processes leave in /dev/shm stays there: {}", plan_.scenario,
                 space.error().message);
  }
}

Status CaseRunner::MakeGroups() {
  // Unique within this brink: cases of one name may run side by side (--repeat with --jobs).
  const std::string path =
      fmt::format("{}/{}.{}", context_.sandbox->GroupRoot(),
                  SafeName(plan_.scenario + "." + plan_.case_name).substr(0, 120), loop_.NextToken());
  auto made = CaseGroups::Make(context_.sandbox->Cgroups(), path, plan_.groups);
  if (!made) {
    return tl::unexpected(made.error());
  }
  groups_ = std::move(*made);
  recorder_.AddGroup(groups_->Case().MemoryId(), groups_->Case().Path());
  for (const GroupPlan& group : plan_.groups) {
    Cgroup& owned = *groups_->Find(group.name);
    recorder_.AddGroup(owned.MemoryId(), owned.Path());
    for (const Setting& setting : group.settings) {
      Imposed(ImposeOnGroup(owned, group.name, setting));
    }
  }
  return {};
}

Status CaseRunner::RunTargets() {
  if (const auto committed = recorder_.Committed()) {
    recorder_.OnCommitments(*committed, {}, {});
  }
  StepRunner steps(plan_, context_, recorder_, loop_, *this);
  bool running = true;
  for (const ProcessPlan& process : plan_.processes) {
    if (!process.autostart || !running) {
      continue;
    }
    // A target that dies or does not become ready is a finding, told by its record; the steps would only
    // repeat it.
    auto started = StartProcess(process);
    const LiveTarget* target = loop_.Find(process.name);
    if (!started && target == nullptr) {
      return started;
    }
    running = started && Record().processes[target->record].ready;
  }
  if (!running) {
    return {};
  }
  if (plan_.steps.empty()) {
    const auto all_ended = [&] {
      return std::all_of(loop_.Targets().begin(), loop_.Targets().end(),
                         [](const auto& target) { return target->ended; });
    };
    const auto wake = loop_.PumpUntil(Clock::time_point::max(), all_ended);
    Record().timed_out = wake == CaseLoop::Wake::kCaseTimeout;
    Record().interrupted = wake == CaseLoop::Wake::kCancelled;
  } else {
    steps.RunAll();
    steps.FinishBackground();
    const auto wake = loop_.PumpFor(Seconds(0), [] { return false; });
    Record().timed_out = wake == CaseLoop::Wake::kCaseTimeout;
    Record().interrupted = wake == CaseLoop::Wake::kCancelled;
  }
  RecordTimeout();
  return {};
}

Cgroup* CaseRunner::GroupOf(const std::string& name) {
  for (const ProcessPlan& process : plan_.processes) {
    const bool child = std::any_of(process.children.begin(), process.children.end(),
                                   [&](const ChildRule& rule) { return rule.name == name; });
    if (process.name == name || child) {
      return groups_->Find(process.group);
    }
  }
  return groups_->Find(name);
}

void CaseRunner::Imposed(ImposedFault fault) {
  if (fault.target.empty()) {
    return;  // of a step's command: nothing was asked of it
  }
  fault.t_s = recorder_.Now();
  Record().faults.push_back(std::move(fault));
}

void CaseRunner::OnRecognised(const Recognised& child) {
  if (context_.progress) {
    context_.progress(fmt::format("{} seen, pid {}", child.name, child.pid));
  }
  if (!child.rule->oom_score_adj) {
    return;
  }
  SetStep::Target change;
  change.name = child.name;
  change.oom_score_adj = child.rule->oom_score_adj;
  for (ImposedFault& fault :
       ImposeOnProcess(context_.sandbox->SystemRoots(), child.pid, child.name, change)) {
    Imposed(std::move(fault));
  }
}

/// A child that was never seen alive lived without what its rule asks for; the case must not be judged as if
/// it had been in force.
void CaseRunner::RecordMissedChildren() {
  const bool all_forks_seen = context_.watch != nullptr && Record().events_lost == 0;
  for (const ChildRule* rule : recorder_.MissedRules(all_forks_seen)) {
    ImposedFault fault;
    fault.name = "oom_score_adj";
    fault.target = rule->name;
    fault.requested = std::to_string(*rule->oom_score_adj);
    fault.error = context_.watch == nullptr
                      ? "children are recognised with kernel evidence only: " + context_.watch_missing
                      : "no such child was seen in time";
    Imposed(std::move(fault));
  }
}

CaseResult RunCase(const Plan& plan, std::vector<ImposedFault> machine_proof, const CaseContext& context) {
  return CaseRunner(plan, context).Run(std::move(machine_proof));
}

}  // namespace brink
