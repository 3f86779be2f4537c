// SPDX-License-Identifier: MIT
#include "judge/machine.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "model/json.h"

namespace brink {
namespace {

bool IsExpected(const Plan& plan) {
  return std::any_of(plan.expect.begin(), plan.expect.end(),
                     [](const Expectation& expect) { return expect.subject == kMachineSubject; });
}

std::string InWords(const std::string& lost) {
  return lost == "panicked" ? "the machine panicked"
         : lost == "hung"   ? "the machine stopped answering"
         : lost == "reset"  ? "the machine was reset"
         : lost == "exited" ? "the machine ended"
                            : "the channel to the machine was cut";
}

}  // namespace

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
  return loss;
}

void CheckMachine(const Evidence& evidence, const Expectation& expect, Results& results) {
  const auto loss = LossOfMachine(evidence);
  const std::string found(Name(loss ? loss->outcome : Outcome::kSurvived));
  results.Add("outcome", fmt::format("{}", fmt::join(expect.outcome, " or ")),
              loss ? found + ": " + loss->reason : found,
              std::find(expect.outcome.begin(), expect.outcome.end(), found) != expect.outcome.end());
}

void JudgeLoss(const Plan& plan, const MachineLoss& loss, Verdict& verdict) {
  const bool expected = IsExpected(plan);
  const bool proves = expected || loss.outcome != Outcome::kFailed;
  verdict.outcome = proves ? loss.outcome : Outcome::kInconclusive;
  verdict.reason = loss.reason;
  verdict.remedy = proves ? "" : "run it again; the machine's last words are its console's";
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
