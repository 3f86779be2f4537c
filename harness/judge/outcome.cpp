// SPDX-License-Identifier: MIT
#include "judge/outcome.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <utility>
#include <vector>

#include "judge/arguments.h"
#include "judge/death.h"
#include "judge/limits.h"
#include "judge/reason.h"
#include "judge/stall.h"
#include "judge/words.h"

namespace brink {
namespace {

/// A fault that this process should have lived under and did not.
const ImposedFault* MissingFault(const Plan& plan, const Evidence& evidence, const ProcessRecord& record) {
  const ProcessPlan* process = PlanOf(plan, record);
  const auto found =
      std::find_if(evidence.faults.begin(), evidence.faults.end(), [&](const ImposedFault& fault) {
        const bool here =
            fault.target == "machine" || fault.target == record.name ||
            (process != nullptr && (fault.target == process->name || fault.target == process->group));
        return here && !fault.in_force;
      });
  return found == evidence.faults.end() ? nullptr : &*found;
}

/// Signals that ask a process to end: the way brink stops it is not a failure.
bool IsStopSignal(const Plan& plan, const ProcessRecord& record) {
  const ProcessPlan* process = PlanOf(plan, record);
  return !record.signal || *record.signal == SIGKILL || *record.signal == SIGTERM ||
         (process != nullptr && *record.signal == process->stop_signal);
}

bool NeverReady(const Plan& plan, const ProcessRecord& record) {
  const ProcessPlan* process = PlanOf(plan, record);
  return record.kind == ProcessRecord::Kind::kProcess && process != nullptr && process->ready &&
         !record.ready;
}

/// brink had asked the child's parent to stop: what the child did then is part of that.
bool EndedWithParent(const Evidence& evidence, const ProcessRecord& record) {
  return record.kind == ProcessRecord::Kind::kChild && record.end_s &&
         std::any_of(evidence.signals.begin(), evidence.signals.end(), [&](const SignalSent& sent) {
           return sent.sender == "brink" && sent.process == record.parent && sent.t_s <= *record.end_s;
         });
}

/// A worker that its own parent asked to end did what was wanted of it. Any other signal of a parent is of
/// one that lost patience with it.
bool EndedByParent(const ProcessRecord& record, const Death& death) {
  return record.kind == ProcessRecord::Kind::kChild && record.signal == SIGTERM &&
         death.killed_by == "process " + record.parent;
}

/// It did what was wanted until brink ended it.
bool Stopped(const Plan& plan, const Evidence& evidence, const Finding& finding,
             const ProcessRecord& record) {
  const std::string& by = finding.death.killed_by;
  const bool alive_to_the_end =
      record.stopped_by_brink || record.alive_at_end || EndedWithParent(evidence, record);
  return alive_to_the_end && IsStopSignal(plan, record) &&
         (by.empty() || by == "brink" || by == "process " + record.parent);
}

/// Of a record that was started, was not the OOM killer's victim and did not hang.
void JudgeEnd(const Plan& plan, const Evidence& evidence, const ProcessRecord& record, Finding& finding) {
  const Death& death = finding.death;
  const bool stopped = Stopped(plan, evidence, finding, record);
  if (death.kind == Death::Kind::kUnknown && !stopped) {
    finding.outcome = Outcome::kInconclusive;
    finding.reason = HowItEnded(record, death);
  } else if (NeverReady(plan, record)) {
    const Ready& ready = *PlanOf(plan, record)->ready;
    finding.outcome = Outcome::kFailed;
    finding.reason = death.kind == Death::Kind::kAlive || stopped
                         ? fmt::format("was not ready within {:g} s", ready.timeout_s)
                         : HowItEnded(record, death) + " before it was ready";
  } else if (death.kind == Death::Kind::kAlive || stopped) {
    finding.outcome = Outcome::kSurvived;
    finding.reason = "survived";
  } else if (EndedByParent(record, death)) {
    finding.outcome = Outcome::kSurvived;
    finding.reason = fmt::format("survived until its parent, {}, ended it with SIGTERM at {}", record.parent,
                                 AtSeconds(*record.end_s));
  } else {
    const bool clean = record.exit_code == 0;
    finding.outcome = clean ? Outcome::kSurvived : Outcome::kFailed;
    finding.reason = clean ? "survived: " + HowItEnded(record, death) : HowItEnded(record, death);
  }
}

/// Its readiness ran out of time first, and nothing shows that a limit held it up: that is a failure to
/// start.
bool Hung(const Plan& plan, const Evidence& evidence, const ProcessRecord& record) {
  const bool held_up = evidence.timed_out || record.under_oom || WasThrottled(record);
  return record.timed_out && (held_up || !NeverReady(plan, record));
}

Finding JudgeRecord(const Plan& plan, const Evidence& evidence, const ProcessRecord& record) {
  Finding finding;
  finding.death = DeathOf(plan, evidence, record);
  finding.decided_s = record.end_s.value_or(evidence.duration_s);
  if (const ImposedFault* missing = MissingFault(plan, evidence, record)) {
    finding.outcome = Outcome::kInconclusive;
    finding.reason = DescribeFault(*missing);
  } else if (!record.started) {
    finding.outcome = record.start_remedy.empty() ? Outcome::kFailed : Outcome::kInconclusive;
    finding.reason = "did not start: " + record.start_error;
    finding.remedy = record.start_remedy;
    finding.decided_s = record.start_s;
  } else if (finding.death.kind == Death::Kind::kOomKilled) {
    finding.outcome = Outcome::kOomKilled;
    finding.reason =
        DescribeOom(evidence, record, finding.death, BindingOfOom(plan, evidence, record, finding.death));
    finding.decided_s = finding.death.oom != nullptr ? finding.death.oom->t_s : finding.decided_s;
  } else if (Hung(plan, evidence, record)) {
    finding.outcome = Outcome::kHung;
    finding.reason = DescribeHang(plan, evidence, record);
  } else {
    JudgeEnd(plan, evidence, record, finding);
  }
  return finding;
}

/// Of the failing call that tells most, with the words that say which call it was.
Binding OfFailures(const Evidence& evidence, const ProcessRecord& record, const Finding& finding) {
  auto [first, call, binding] = TellingFailureOf(evidence, record.name, finding.outcome == Outcome::kFailed);
  if (call == nullptr) {
    return binding;
  }
  binding.reason = fmt::format("{} failed with {}: {}", call->call, call->errno_name, binding.reason);
  const auto survived_s = finding.outcome == Outcome::kFailed ? SurvivedFor(evidence, record) : std::nullopt;
  if (survived_s) {
    binding.reason =
        fmt::format("of an earlier failure, {} before the end: {}", AtSeconds(*survived_s), binding.reason);
  }
  return binding;
}

Binding BindingOfRecord(const Plan& plan, const Evidence& evidence, const ProcessRecord& record,
                        const Finding& finding) {
  switch (finding.outcome) {
    case Outcome::kOomKilled:
      return BindingOfOom(plan, evidence, record, finding.death);
    case Outcome::kHung: {
      Binding hang = BindingOfHang(plan, evidence, record);
      return hang.limit ? hang : OfFailures(evidence, record, finding);
    }
    case Outcome::kFailed:
      if (KilledByOther(record, finding)) {
        return {.limit = std::nullopt, .reason = "no limit: " + finding.reason};
      }
      return OfFailures(evidence, record, finding);
    case Outcome::kInconclusive:
    case Outcome::kMachinePanicked:
    case Outcome::kNotApplicable:
      return {.limit = std::nullopt, .reason = finding.reason};
    case Outcome::kSurvived:
      break;
  }
  if (const auto stall = StallOf(plan, evidence, record);
      stall && FirstFailureOf(evidence, record.name) == nullptr) {
    return BindingOfStall(plan, evidence, record, *stall);
  }
  return OfFailures(evidence, record, finding);
}

std::optional<FirstFailure> ToFirstFailure(const FailedCall* call) {
  if (call == nullptr) {
    return std::nullopt;
  }
  return FirstFailure{.process = call->process,
                      .pid = call->pid,
                      .call = call->call,
                      .errno_name = call->errno_name,
                      .args = ArgumentsOf(*call),
                      .stack = call->stack,
                      .map_count = call->map_count,
                      .t_s = call->t_s};
}

/// All that one record decides.
void FillIn(const Plan& plan, const Evidence& evidence, const ProcessRecord& record, const Finding& finding,
            ProcessVerdict& verdict) {
  verdict.outcome = finding.outcome;
  verdict.child = record.kind == ProcessRecord::Kind::kChild;
  verdict.exit_code = record.exit_code;
  verdict.signal = record.signal;
  verdict.killed_by = finding.death.killed_by;
  verdict.first_failure = ToFirstFailure(FirstFailureOf(evidence, record.name));
  const Binding binding = BindingOfRecord(plan, evidence, record, finding);
  verdict.binding_limit = binding.limit;
  verdict.binding_reason = binding.reason;
  verdict.left_running = record.left_running;
  verdict.left_running_count = record.left_running_count;
  verdict.last_line = record.last_line;
  verdict.log = record.log;
  if (finding.outcome == Outcome::kSurvived || finding.outcome == Outcome::kHung) {
    verdict.stall = StallOf(plan, evidence, record);
    verdict.waits = WaitsOf(plan, evidence, record);
  }
  verdict.reason = Sentence(evidence, record, finding, binding, verdict.stall);
}

}  // namespace

int Severity(Outcome outcome) {
  switch (outcome) {
    case Outcome::kSurvived:
      return 0;
    case Outcome::kHung:
      return 1;
    case Outcome::kFailed:
      return 2;
    case Outcome::kOomKilled:
      return 3;
    case Outcome::kMachinePanicked:
      return 4;
    case Outcome::kInconclusive:
    case Outcome::kNotApplicable:
      break;
  }
  return 5;
}

std::optional<ProcessFinding> JudgeProcess(const Plan& plan, const Evidence& evidence,
                                           const std::string& name) {
  const ProcessRecord* worst_record = nullptr;
  Finding worst;
  ProcessVerdict verdict;
  for (const ProcessRecord& record : evidence.processes) {
    const bool begun = record.started || !record.start_error.empty();
    if (record.name != name || record.kind == ProcessRecord::Kind::kStep || !begun) {
      continue;
    }
    verdict.peak_memory_bytes = std::max(verdict.peak_memory_bytes, record.peak_memory_bytes);
    verdict.peak_map_count = std::max(verdict.peak_map_count, record.peak_map_count);
    Finding finding = JudgeRecord(plan, evidence, record);
    if (worst_record == nullptr || Severity(finding.outcome) > Severity(worst.outcome)) {
      worst_record = &record;
      worst = std::move(finding);
    }
  }
  if (worst_record == nullptr) {
    return std::nullopt;
  }
  FillIn(plan, evidence, *worst_record, worst, verdict);
  const OomKill* missed = worst.outcome == Outcome::kHung ? WaitsForKilled(evidence, *worst_record) : nullptr;
  return ProcessFinding{.verdict = std::move(verdict),
                        .decided_s = worst.decided_s,
                        .remedy = std::move(worst.remedy),
                        .hung_for = missed != nullptr ? missed->process : std::string()};
}

}  // namespace brink
