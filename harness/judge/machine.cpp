// SPDX-License-Identifier: MIT
#include "judge/machine.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <utility>

#include "judge/prediction.h"
#include "model/json.h"

namespace brink {
namespace {

/// Something is expected of how the machine itself ends.
bool IsExpected(const Plan& plan) {
  return std::any_of(plan.expect.begin(), plan.expect.end(), [](const Expectation& expect) {
    return expect.subject == kMachineSubject && !expect.outcome.empty();
  });
}

std::string AnyOf(const std::vector<std::string>& names) {
  return fmt::format("{}", fmt::join(names, " or "));
}

bool Contains(const std::vector<std::string>& names, const std::string& name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

void CheckOutcome(const std::optional<MachineLoss>& loss, const std::vector<std::string>& expected,
                  Results& results) {
  const std::string found(Name(loss ? loss->outcome : Outcome::kSurvived));
  results.Add("outcome", AnyOf(expected), loss ? found + ": " + loss->reason : found,
              Contains(expected, found));
}

/// Why no victim is known, and whether that tells that there was none.
std::pair<std::string, Met> NoVictim(const Evidence& evidence) {
  if (const auto loss = LossOfMachine(evidence)) {
    return {loss->reason, std::nullopt};
  }
  if (!CallsWatched(evidence)) {
    return {fmt::format("the machine's OOM killer was not watched ({})", evidence.grade_reason),
            std::nullopt};
  }
  if (evidence.events_lost > 0) {
    return {fmt::format("nobody is known to have been taken, but {} of the kernel's events were lost",
                        evidence.events_lost),
            std::nullopt};
  }
  return {"the machine's OOM killer took nobody", false};
}

void CheckOomVictim(const Evidence& evidence, const std::vector<std::string>& expected, Results& results) {
  const OomKill* kill = FirstMachineKill(evidence);
  if (kill == nullptr) {
    auto [found, met] = NoVictim(evidence);
    return results.Add("oom_victim", AnyOf(expected), std::move(found), met);
  }
  results.Add("oom_victim", AnyOf(expected),
              kill->process.empty()
                  ? fmt::format("{} (pid {}), which is not of the case", kill->comm, kill->pid)
                  : kill->process,
              Contains(expected, kill->process));
}

void CheckPrediction(const Evidence& evidence, const std::vector<std::string>& expected, Results& results) {
  if (FirstMachineKill(evidence) == nullptr) {
    auto [found, met] = NoVictim(evidence);
    return results.Add("predicted_victim", AnyOf(expected), std::move(found), met);
  }
  const auto predicted = PredictedVictimOf(evidence);
  results.Add("predicted_victim", AnyOf(expected),
              predicted ? fmt::format("{} (oom_score {})", predicted->process, predicted->oom_score)
                        : "no oom_score was read in time",
              predicted ? Met(Contains(expected, predicted->process)) : std::nullopt);
}

std::string InWords(const std::string& lost) {
  return lost == "panicked"                         ? "the machine panicked"
         : lost == "hung"                           ? "the machine stopped answering"
         : lost == "reset"                          ? "the machine was reset"
         : lost == "powered_off"                    ? "the machine was powered off"
         : lost == "oom_killed" || lost == "killed" ? "the machine was killed on its host"
         : lost == "exited"                         ? "the machine ended"
                                                    : "the channel to the machine was cut";
}

std::string RemedyOf(const std::string& lost) {
  if (lost == "oom_killed") {
    return "run fewer guests at once (--jobs), or give brink's control group, or its host, more memory";
  }
  if (lost == "killed") {
    return "run it again; who on the host sent the signal is not known";
  }
  if (lost == "powered_off") {
    return "find out which step or process of the case does that; where it is meant, expect `failed` of the "
           "machine";
  }
  return "run it again; the machine's last words are its console's";
}

}  // namespace

bool LostByHost(const Evidence& evidence) {
  return evidence.guest && (!evidence.guest->host_disk_error.empty() ||
                            evidence.guest->lost == "oom_killed" || evidence.guest->lost == "killed");
}

std::optional<MachineLoss> LossOfMachine(const Evidence& evidence) {
  if (!evidence.guest || evidence.guest->lost.empty()) {
    return std::nullopt;
  }
  const GuestRecord& guest = *evidence.guest;
  MachineLoss loss;
  loss.outcome = guest.lost == "panicked" ? Outcome::kMachinePanicked
                 : guest.lost == "hung"   ? Outcome::kHung
                                          : Outcome::kFailed;
  loss.reason = InWords(guest.lost) + (guest.lost_detail.empty() ? "" : ": " + guest.lost_detail);
  loss.remedy = RemedyOf(guest.lost);
  return loss;
}

void CheckMachine(const Evidence& evidence, const Expectation& expect, Results& results) {
  if (!expect.outcome.empty()) {
    CheckOutcome(LossOfMachine(evidence), expect.outcome, results);
  }
  if (!expect.predicted_victim.empty()) {
    CheckPrediction(evidence, expect.predicted_victim, results);
  }
  if (!expect.oom_victim.empty()) {
    CheckOomVictim(evidence, expect.oom_victim, results);
  }
}

void JudgeLoss(const Plan& plan, const MachineLoss& loss, Verdict& verdict) {
  const bool expected = IsExpected(plan);
  const bool proves = expected || loss.outcome != Outcome::kFailed;
  verdict.outcome = proves ? loss.outcome : Outcome::kInconclusive;
  verdict.reason = loss.reason;
  verdict.remedy = proves ? "" : loss.remedy;
  verdict.first_failure.reset();
  verdict.binding_limit.reset();
  verdict.binding_reason = loss.reason;
  for (auto& [name, process] : verdict.processes) {
    process.outcome = Outcome::kInconclusive;
    process.reason = loss.reason;
  }
  // What steps do of themselves was not asked for.
  std::erase_if(verdict.expectations, [&](const ExpectationResult& result) {
    return std::none_of(plan.expect.begin(), plan.expect.end(),
                        [&](const Expectation& expect) { return expect.subject == result.subject; });
  });
  for (ExpectationResult& result : verdict.expectations) {
    if (result.subject != kMachineSubject) {
      result.found = loss.reason;
      result.met.reset();
    }
  }
  if (proves && !expected) {
    Results results(std::string(kMachineSubject), plan.mark);
    results.Add("outcome", "survived, as nothing else is expected of it",
                fmt::format("{}: {}", Name(loss.outcome), loss.reason), false);
    for (ExpectationResult& result : results.Take()) {
      verdict.expectations.push_back(std::move(result));
    }
  }
}

}  // namespace brink
