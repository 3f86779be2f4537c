// SPDX-License-Identifier: MIT
// Puts the verdict together.
#include "judge/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/units.h"
#include "judge/chain.h"
#include "judge/commitments.h"
#include "judge/doubt.h"
#include "judge/expectations.h"
#include "judge/limits.h"
#include "judge/machine.h"
#include "judge/outcome.h"
#include "judge/pairs.h"
#include "judge/prediction.h"
#include "judge/reason.h"
#include "judge/results.h"
#include "judge/slowdown.h"
#include "judge/step_settings.h"
#include "model/json.h"

namespace brink {
namespace {

using Findings = std::map<std::string, ProcessFinding>;

Findings JudgeProcesses(const Plan& plan, const Evidence& evidence) {
  Findings findings;
  for (const ProcessRecord& record : evidence.processes) {
    if (record.kind == ProcessRecord::Kind::kStep || findings.contains(record.name)) {
      continue;
    }
    if (auto finding = JudgeProcess(plan, evidence, record.name)) {
      findings.emplace(record.name, std::move(*finding));
    }
  }
  return findings;
}

/// Killed for memory, and what its parent came to for that is told instead.
bool MadeItsParentHang(const Findings& findings, const std::string& name) {
  return findings.at(name).verdict.outcome == Outcome::kOomKilled &&
         std::any_of(findings.begin(), findings.end(),
                     [&](const auto& each) { return each.first != name && each.second.hung_for == name; });
}

/// The name of the process that decides the case: of the worst outcome, the first in time; but a worker whose
/// death made its parent hang leaves it to that. Empty without processes.
std::string Decisive(const Findings& findings) {
  std::string decisive;
  for (const auto& [name, finding] : findings) {
    if (MadeItsParentHang(findings, name)) {
      continue;
    }
    if (decisive.empty()) {
      decisive = name;
      continue;
    }
    const ProcessFinding& best = findings.at(decisive);
    const int more = Severity(finding.verdict.outcome) - Severity(best.verdict.outcome);
    if (more > 0 || (more == 0 && finding.decided_s < best.decided_s)) {
      decisive = name;
    }
  }
  return decisive;
}

/// The process whose limit is the case's: the first fatal one whose limit can be named, else the first fatal
/// one; where all survived, the one that had the case's first failure, or was held up.
std::string OwnerOfLimit(const Findings& findings, const std::optional<FirstFailure>& first) {
  std::string owner;
  for (const auto& [name, finding] : findings) {
    if (finding.verdict.outcome == Outcome::kSurvived) {
      continue;
    }
    const auto rank = [](const ProcessFinding& each) {
      return std::pair(!each.verdict.binding_limit.has_value(), each.decided_s);
    };
    if (owner.empty() || rank(finding) < rank(findings.at(owner))) {
      owner = name;
    }
  }
  if (owner.empty() && first && findings.contains(first->process)) {
    owner = first->process;
  }
  const auto stalled = std::find_if(findings.begin(), findings.end(),
                                    [](const auto& each) { return each.second.verdict.stall; });
  if (owner.empty() && stalled != findings.end()) {
    owner = stalled->first;
  }
  return owner;
}

std::optional<FirstFailure> EarliestFailure(const Findings& findings) {
  std::optional<FirstFailure> earliest;
  for (const auto& [name, finding] : findings) {
    const auto& failure = finding.verdict.first_failure;
    if (failure && (!earliest || failure->t_s < earliest->t_s)) {
      earliest = failure;
    }
  }
  return earliest;
}

std::vector<std::string> NamesOf(const Findings& findings) {
  std::vector<std::string> names;
  for (const auto& [name, finding] : findings) {
    names.push_back(name);
  }
  return names;
}

/// What hangs beside a worse end is often its consequence, and is what the user sees.
std::string OthersThatHung(const Findings& findings, const std::string& decisive) {
  std::string text;
  for (const auto& [name, finding] : findings) {
    if (name != decisive && finding.verdict.outcome == Outcome::kHung) {
      text += fmt::format("; {}: {}", name, finding.verdict.reason);
    }
  }
  return text;
}

std::string WhatHappened(const Findings& findings, const Evidence& evidence,
                         const std::optional<FirstFailure>& first) {
  const std::string decisive = Decisive(findings);
  if (decisive.empty()) {
    return evidence.processes.empty() ? "no process was started" : "no process of the plan was started";
  }
  const ProcessVerdict& verdict = findings.at(decisive).verdict;
  if (verdict.outcome != Outcome::kSurvived) {
    return fmt::format("{}: {}", decisive, verdict.reason) + OthersThatHung(findings, decisive);
  }
  if (first) {
    return fmt::format("{}: {}", first->process, findings.at(first->process).verdict.reason);
  }
  const auto stalled = std::find_if(findings.begin(), findings.end(),
                                    [](const auto& each) { return each.second.verdict.stall; });
  if (stalled != findings.end()) {
    return fmt::format("{}: {}", stalled->first, stalled->second.verdict.reason);
  }
  const std::string who = findings.size() == 1 ? decisive + " survived"
                                               : fmt::format("all {} processes survived", findings.size());
  return evidence.grade == EvidenceGrade::kKernel
             ? who + "; " + NoFailure(evidence, NamesOf(findings), "")
             : fmt::format("{}; whether memory calls failed is unknown ({})", who, evidence.grade_reason);
}

/// What it was, and what some process left behind if that is not yet told.
std::string CaseReason(const Findings& findings, const Evidence& evidence,
                       const std::optional<FirstFailure>& first) {
  std::string text = WhatHappened(findings, evidence, first);
  for (const auto& [name, finding] : findings) {
    const ProcessVerdict& process = finding.verdict;
    if (process.left_running_count == 0) {
      continue;
    }
    const std::string remark = DescribeLeftRunning(process.left_running, process.left_running_count,
                                                   process.outcome == Outcome::kSurvived);
    if (text.find(remark) == std::string::npos) {
      text += fmt::format("; {}: {}", name, remark);
    }
  }
  return text;
}

/// Files' pages outlive the processes that wrote or read them, and stay charged. Nearly every program leaves
/// some in the page cache: they are told of from a quarter of the group's limit on.
std::vector<HeldByNobody> HeldByNobodyOf(const Evidence& evidence) {
  std::vector<HeldByNobody> held;
  for (const GroupRecord& group : evidence.groups) {
    const std::uint64_t shared = group.left_shmem_bytes.value_or(0);
    const std::uint64_t cache = group.left_file_bytes.value_or(0);
    const bool much_cache = cache >= kMiB && cache >= group.memory_limit_bytes.value_or(kNoLimit) / 4;
    if (shared >= kMiB || much_cache) {
      held.push_back({.group = group.name, .bytes = shared, .file_bytes = cache});
    }
  }
  return held;
}

std::string DescribeHeldByNobody(const HeldByNobody& held) {
  std::vector<std::string> parts;
  if (held.bytes >= kMiB) {
    parts.push_back(FormatBytes(held.bytes) + " of shared memory or tmpfs files");
  }
  if (held.file_bytes >= kMiB) {
    parts.push_back(FormatBytes(held.file_bytes) + " of page cache, which can be reclaimed,");
  }
  return fmt::format("the group of {} stays charged with {} after all processes ended", held.group,
                     Join(parts, " and "));
}

void NameLimit(const Evidence& evidence, const Findings& findings, Verdict& verdict) {
  if (const std::string owner = OwnerOfLimit(findings, verdict.first_failure); !owner.empty()) {
    verdict.binding_limit = findings.at(owner).verdict.binding_limit;
    verdict.binding_process = verdict.binding_limit ? owner : std::string();
    verdict.binding_reason = fmt::format("{}: {}", owner, findings.at(owner).verdict.binding_reason);
  } else if (findings.empty()) {
    verdict.binding_reason = "nothing was run";
  } else if (evidence.grade == EvidenceGrade::kKernel) {
    verdict.binding_reason = NoFailure(evidence, NamesOf(findings), "") + "; nothing was killed for memory";
  } else {
    verdict.binding_reason = fmt::format("failing calls were not watched ({})", evidence.grade_reason);
  }
}

/// Of a case whose outcome nobody knows; may be empty.
std::string RemedyOf(const Evidence& evidence, const Findings& findings, const std::string& decisive) {
  if (!decisive.empty() && !findings.at(decisive).remedy.empty()) {
    return findings.at(decisive).remedy;
  }
  if (evidence.grade == EvidenceGrade::kKernel) {
    return "";
  }
  return evidence.grade_reason.empty() ? "`brink doctor` tells how to get kernel evidence"
                                       : "get kernel evidence: " + evidence.grade_reason;
}

void JudgeCase(const Plan& plan, const Evidence& evidence, const Findings& findings, Verdict& verdict) {
  verdict.first_failure = EarliestFailure(findings);
  NameLimit(evidence, findings, verdict);
  if (auto doubt = DoubtOfCase(plan, evidence)) {
    verdict.outcome = Outcome::kInconclusive;
    verdict.reason = std::move(doubt->reason);
    verdict.remedy = std::move(doubt->remedy);
    return;
  }
  const std::string decisive = Decisive(findings);
  verdict.outcome = decisive.empty() ? Outcome::kInconclusive : findings.at(decisive).verdict.outcome;
  verdict.reason = CaseReason(findings, evidence, verdict.first_failure);
  if (verdict.predicted_victim) {
    verdict.reason += "; " + DescribePrediction(*verdict.predicted_victim, evidence);
  }
  for (const HeldByNobody& held : verdict.held_by_nobody) {
    verdict.reason += "; " + DescribeHeldByNobody(held);
  }
  if (const auto drift = CommitDriftOf(evidence)) {
    verdict.reason += "; " + DescribeDrift(*drift) + ", which does not change the outcome";
  }
  if (verdict.outcome == Outcome::kInconclusive) {
    verdict.remedy = RemedyOf(evidence, findings, decisive);
  }
  if (verdict.outcome == Outcome::kFailed || verdict.outcome == Outcome::kOomKilled) {
    verdict.steps_until_failure = StepsBegun(evidence, findings.at(decisive).decided_s);
  } else if (verdict.outcome == Outcome::kSurvived && verdict.first_failure) {
    verdict.steps_until_failure = StepsBegun(evidence, verdict.first_failure->t_s);
  }
}

/// A plan that expects nothing of its processes expects them to survive, and not to be held up.
void ExpectSurvival(const Plan& plan, Verdict& verdict) {
  const bool survived = verdict.outcome == Outcome::kSurvived && !Stalled(verdict);
  if (plan.expect.empty() && !survived && verdict.outcome != Outcome::kInconclusive) {
    verdict.expectations.push_back(
        {.subject = "case",
         .what = "outcome",
         .expected = "survived, as the file expects nothing else",
         .found = Stalled(verdict) ? "stalled" : std::string(Name(verdict.outcome)),
         .met = false,
         .mark = {}});
  }
}

std::optional<bool> ExpectedMet(const Verdict& verdict) {
  if (verdict.outcome == Outcome::kInconclusive) {
    return std::nullopt;
  }
  const auto any = [&](std::optional<bool> met) {
    return std::any_of(verdict.expectations.begin(), verdict.expectations.end(),
                       [&](const ExpectationResult& result) { return result.met == met; });
  };
  if (any(false)) {
    return false;
  }
  return any(std::nullopt) ? std::nullopt : std::optional(true);
}

/// Programs fail for want of room on their disk, too, and that is not what the case is about.
void DoubtForAFullDisk(const Evidence& evidence, Verdict& verdict) {
  if (evidence.disk_full.empty() || verdict.expected_met != false) {
    return;
  }
  verdict.outcome = Outcome::kInconclusive;
  verdict.expected_met = std::nullopt;
  verdict.reason =
      fmt::format("the disk ran full ({}), which may be why: {}", evidence.disk_full, verdict.reason);
  verdict.remedy = "make room, or give --out a folder on another disk, and run it again";
}

/// The cell of a matrix: also of a guest that never came up, where the evidence tells of the host.
void DescribeGuest(const Plan& plan, const Evidence& evidence, Verdict& verdict) {
  verdict.guest_kernel = plan.guest.kernel;
  if (!evidence.guest) {
    verdict.kernel.clear();
  }
  if (!evidence.guest || verdict.cgroup_version.empty()) {
    verdict.cgroup_version = plan.guest.cgroup;
  }
}

/// What was run, and where.
Verdict OfRun(const Plan& plan, const Evidence& evidence) {
  Verdict verdict;
  verdict.scenario = plan.scenario;
  verdict.title = plan.title;
  verdict.case_name = plan.case_name;
  verdict.repeat = plan.repeat;
  verdict.sandbox = plan.sandbox;
  verdict.kernel = evidence.host.kernel;
  verdict.cgroup_version = evidence.host.cgroup_version;
  verdict.guest = evidence.guest;
  verdict.images = evidence.images;
  verdict.packages = plan.packages;
  verdict.grade = evidence.grade;
  verdict.duration_s = evidence.duration_s;
  verdict.run_dir = plan.run_dir;
  verdict.faults = evidence.faults;
  verdict.left_out = evidence.left_out;
  verdict.settings = SettingsOf(plan);
  verdict.steps = StepsOf(plan);
  if (plan.sandbox == "vm") {
    DescribeGuest(plan, evidence, verdict);
  }
  return verdict;
}

/// What happened to the plan's processes, each by itself.
void AddProcesses(const Plan& plan, const Evidence& evidence, const Findings& findings, Verdict& verdict) {
  for (const auto& [name, finding] : findings) {
    verdict.processes.emplace(name, finding.verdict);
  }
  std::copy_if(evidence.failure_counts.begin(), evidence.failure_counts.end(),
               std::back_inserter(verdict.failures),
               [&](const FailureCount& each) { return findings.contains(each.process); });
  std::copy_if(evidence.oom_kills.begin(), evidence.oom_kills.end(), std::back_inserter(verdict.oom_kills),
               [](const OomKill& each) { return !each.process.empty() || each.scope == "machine"; });
  verdict.predicted_victim = PredictedVictimOf(evidence);
  verdict.held_by_nobody = HeldByNobodyOf(evidence);
  verdict.durations_s = DurationsOf(evidence);
  verdict.chain = ChainOf(plan, evidence, verdict.processes);
}

}  // namespace

Verdict Judge(const Plan& plan, const Evidence& evidence) {
  Verdict verdict = OfRun(plan, evidence);
  if (plan.not_applicable) {
    verdict.outcome = Outcome::kNotApplicable;
    verdict.reason = *plan.not_applicable;
    verdict.binding_reason = "nothing was run";
    return verdict;
  }
  const Findings findings = JudgeProcesses(plan, evidence);
  AddProcesses(plan, evidence, findings, verdict);
  JudgeCase(plan, evidence, findings, verdict);
  verdict.expectations = CheckExpectations(plan, evidence, verdict.processes);
  const auto loss = LossOfMachine(evidence);
  if (loss && !LostByHost(evidence)) {
    JudgeLoss(plan, *loss, verdict);
  }
  ExpectSurvival(plan, verdict);
  verdict.expected_met = ExpectedMet(verdict);
  DoubtForAFullDisk(evidence, verdict);
  return verdict;
}

}  // namespace brink
