// SPDX-License-Identifier: MIT
#include "judge/outcome.h"

#include <fmt/format.h>

#include <algorithm>
#include <csignal>
#include <utility>
#include <vector>

#include "base/units.h"
#include "judge/death.h"
#include "judge/limits.h"
#include "judge/needs.h"
#include "judge/words.h"

namespace brink {
namespace {

/// One record judged by itself.
struct Finding {
  Outcome outcome = Outcome::kSurvived;
  std::string reason;  // a clause, without the process's name
  Death death;
  double decided_s = 0;
};

std::string WithNote(std::string text, const std::string& note) {
  return note.empty() ? text : fmt::format("{} ({})", std::move(text), note);
}

std::string DescribeFault(const ImposedFault& fault) {
  std::string text = fmt::format("{}={} of {} is not in force", fault.name, fault.requested, fault.target);
  if (!fault.read_back.empty() && fault.read_back != fault.requested) {
    text += fmt::format(" (it reads {})", fault.read_back);
  }
  return fault.error.empty() ? text : text + ": " + fault.error;
}

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

std::string HowItEnded(const ProcessRecord& record, const Death& death) {
  const std::string at = record.end_s ? " at " + AtSeconds(*record.end_s) : "";
  if (record.exit_code) {
    return WithNote(fmt::format("exited with {}{}", *record.exit_code, at), death.note);
  }
  if (!record.signal) {
    return WithNote("ended" + at, death.note);
  }
  const std::string name = SignalName(*record.signal);
  if (death.killed_by == "self") {
    return WithNote(fmt::format("died of its own {}{}", name, at), death.note);
  }
  const std::string by = death.killed_by.empty()
                             ? ""
                             : " from " + (death.killed_by == "kernel" ? "the kernel" : death.killed_by);
  return WithNote(fmt::format("was killed by {}{}{}", name, by, at), death.note);
}

/// "was killed by the OOM killer of memory cgroup /a/b at 0.70 s with 190 MiB of 190 MiB (memory.max); it
/// held ..."
std::string DescribeOom(const ProcessRecord& record, const Death& death, const Binding& binding) {
  const std::string figures = binding.limit ? " with " + UseOfNamedLimit(*binding.limit) : "";
  if (death.oom == nullptr) {
    const std::string at = AtSeconds(record.end_s.value_or(0));
    return WithNote(fmt::format("was killed by the OOM killer at {}{}", at, figures), death.note);
  }
  const OomKill& kill = *death.oom;
  std::string who = kill.scope == "machine" ? "the machine's OOM killer" : "the OOM killer";
  if (kill.scope != "machine" && !kill.cgroup.empty()) {
    who += " of memory cgroup " + kill.cgroup;
  }
  return fmt::format("was killed by {} at {}{}; it held {} of anonymous memory at oom_score_adj {}", who,
                     AtSeconds(kill.t_s), figures, FormatBytes(kill.anon_rss_bytes), kill.oom_score_adj);
}

std::string DescribeHang(const Plan& plan, const ProcessRecord& record) {
  std::string text = fmt::format("was alive when the timeout of {:g} s passed", plan.timeout_s);
  if (record.under_oom) {
    return text + ", waiting: its group is out of memory and nothing is killed there";
  }
  if (record.throttled_high > 0) {
    return text + fmt::format(", throttled {} for being above memory.high", Times(record.throttled_high));
  }
  if (record.state == "D") {
    return text + ", waiting in the kernel" +
           (record.wait_channel.empty() ? std::string() : " (" + record.wait_channel + ")");
  }
  return text + (record.state == "R" ? ", running: just slow" : ", idle or just slow");
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
  } else {
    const bool clean = record.exit_code == 0;
    finding.outcome = clean ? Outcome::kSurvived : Outcome::kFailed;
    finding.reason = clean ? "survived: " + HowItEnded(record, death) : HowItEnded(record, death);
  }
}

/// Its readiness ran out of time first, and nothing shows that a limit held it up: that is a failure to
/// start.
bool Hung(const Plan& plan, const Evidence& evidence, const ProcessRecord& record) {
  const bool held_up = evidence.timed_out || record.under_oom || record.throttled_high > 0;
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
    finding.outcome = Outcome::kFailed;
    finding.reason = "did not start: " + record.start_error;
    finding.decided_s = record.start_s;
  } else if (finding.death.kind == Death::Kind::kOomKilled) {
    finding.outcome = Outcome::kOomKilled;
    finding.reason = DescribeOom(record, finding.death, BindingOfOom(plan, evidence, record, finding.death));
    finding.decided_s = finding.death.oom != nullptr ? finding.death.oom->t_s : finding.decided_s;
  } else if (Hung(plan, evidence, record)) {
    finding.outcome = Outcome::kHung;
    finding.reason = DescribeHang(plan, record);
  } else {
    JudgeEnd(plan, evidence, record, finding);
  }
  return finding;
}

/// Somebody else's signal ended it: no limit did. (brink's own, to one that failed before, is not meant.)
bool KilledByOther(const ProcessRecord& record, const Finding& finding) {
  const std::string& by = finding.death.killed_by;
  const bool by_other = !by.empty() && by != "self" && !(by == "brink" && record.stopped_by_brink);
  return finding.outcome == Outcome::kFailed && finding.death.kind == Death::Kind::kSignalled && by_other;
}

Binding BindingOfRecord(const Plan& plan, const Evidence& evidence, const ProcessRecord& record,
                        const Finding& finding) {
  switch (finding.outcome) {
    case Outcome::kOomKilled:
      return BindingOfOom(plan, evidence, record, finding.death);
    case Outcome::kHung: {
      Binding hang = BindingOfHang(plan, evidence, record);
      return hang.limit ? hang : BindingOfFailures(evidence, record.name, /*died=*/false);
    }
    case Outcome::kFailed:
      if (KilledByOther(record, finding)) {
        return {.limit = std::nullopt, .reason = "no limit: " + finding.reason};
      }
      return BindingOfFailures(evidence, record.name, /*died=*/true);
    case Outcome::kInconclusive:
    case Outcome::kMachinePanicked:
    case Outcome::kNotApplicable:
      return {.limit = std::nullopt, .reason = finding.reason};
    case Outcome::kSurvived:
      break;
  }
  return BindingOfFailures(evidence, record.name, /*died=*/false);
}

std::optional<FirstFailure> ToFirstFailure(const FailedCall* call) {
  if (call == nullptr) {
    return std::nullopt;
  }
  return FirstFailure{.process = call->process,
                      .pid = call->pid,
                      .call = call->call,
                      .errno_name = call->errno_name,
                      .args = call->args,
                      .stack = call->stack,
                      .map_count = call->map_count,
                      .t_s = call->t_s};
}

/// "munmap failed with ENOMEM 6,023 times, first at 0.41 s with 4,000 of 4,000 mappings (vm.max_map_count):
/// ..."
std::string DescribeFailure(const Evidence& evidence, const FailedCall& call) {
  std::uint64_t count = 0;
  for (const FailureCount& each : evidence.failure_counts) {
    if (each.process == call.process && each.call == call.call && each.errno_name == call.errno_name) {
      count += each.count;
    }
  }
  count = std::max<std::uint64_t>(count, 1);
  const std::string when = (count == 1 ? " at " : ", first at ") + AtSeconds(call.t_s);
  const Binding binding = BindingOf(call);
  return fmt::format("{} failed with {} {}{}{}{}", call.call, call.errno_name, Times(count), when,
                     binding.limit ? " with " : "; ", binding.reason);
}

/// The failing call that the sentence should tell: of the same kind of limit as the verdict's, else the
/// first.
const FailedCall* TellingFailure(const Evidence& evidence, const std::string& name, const Binding& binding) {
  for (const FailedCall& call : evidence.failed_calls) {
    if (call.process == name && binding.limit) {
      const Binding each = BindingOf(call);
      if (each.limit && each.limit->name == binding.limit->name) {
        return &call;
      }
    }
  }
  return FirstFailureOf(evidence, name);
}

std::string Sentence(const Evidence& evidence, const ProcessRecord& record, const Finding& finding,
                     const Binding& binding) {
  const FailedCall* call = TellingFailure(evidence, record.name, binding);
  const bool held_up = finding.outcome == Outcome::kHung && binding.limit &&
                       (call == nullptr || record.under_oom || record.throttled_high > 0);
  if (held_up) {
    return fmt::format("{}; {}", finding.reason, binding.reason);
  }
  const bool explained = finding.outcome == Outcome::kOomKilled ||
                         finding.outcome == Outcome::kInconclusive || KilledByOther(record, finding);
  if (call == nullptr || explained) {
    return finding.reason;
  }
  const char* glue = finding.outcome == Outcome::kSurvived ? ", although " : "; ";
  return finding.reason + glue + DescribeFailure(evidence, *call);
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
  verdict.outcome = worst.outcome;
  verdict.child = worst_record->kind == ProcessRecord::Kind::kChild;
  verdict.exit_code = worst_record->exit_code;
  verdict.signal = worst_record->signal;
  verdict.killed_by = worst.death.killed_by;
  verdict.first_failure = ToFirstFailure(FirstFailureOf(evidence, name));
  const Binding binding = BindingOfRecord(plan, evidence, *worst_record, worst);
  verdict.binding_limit = binding.limit;
  verdict.binding_reason = binding.reason;
  verdict.reason = Sentence(evidence, *worst_record, worst, binding);
  return ProcessFinding{.verdict = std::move(verdict), .decided_s = worst.decided_s};
}

namespace {

/// A step that could not be done for want of kernel evidence: what the targets did then is not what was asked
/// for.
std::optional<Doubt> DoubtOfSteps(const Plan& plan, const Evidence& evidence) {
  for (const StepRecord& step : evidence.steps) {
    const auto index = static_cast<std::size_t>(step.index);
    if (evidence.grade == EvidenceGrade::kKernel || step.skipped || index >= plan.steps.size()) {
      continue;
    }
    const std::string need = NeedsKernelEvidence(plan, plan.steps[index]);
    if (!need.empty()) {
      return Doubt{.reason = fmt::format("step {}: {}: {}", index + 1, step.text, need),
                   .remedy = "get kernel evidence: " + evidence.grade_reason};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Doubt> DoubtOfCase(const Plan& plan, const Evidence& evidence) {
  if (plan.not_runnable) {
    return Doubt{.reason = *plan.not_runnable, .remedy = plan.not_runnable_remedy};
  }
  if (!evidence.harness_error.empty()) {
    return Doubt{.reason = "brink itself failed: " + evidence.harness_error, .remedy = ""};
  }
  if (evidence.interrupted) {
    return Doubt{.reason = "the run was interrupted before the case ended", .remedy = "run it again"};
  }
  for (const ImposedFault& fault : evidence.faults) {
    if (!fault.in_force) {
      return Doubt{.reason = DescribeFault(fault),
                   .remedy = "`brink doctor` tells what this machine can impose"};
    }
  }
  return DoubtOfSteps(plan, evidence);
}

}  // namespace brink
