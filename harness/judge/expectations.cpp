// SPDX-License-Identifier: MIT
#include "judge/expectations.h"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <utility>

#include "judge/machine.h"
#include "judge/needs.h"
#include "judge/process_expectations.h"
#include "judge/step_expectations.h"

namespace brink {
namespace {

/// Some of it is asked of a process, whichever of the two the name stands for.
bool AsksProcess(const Expectation& expect) {
  return !expect.outcome.empty() || expect.signal || expect.killed_by || expect.failure ||
         expect.no_failures || expect.binding_limit || !expect.log.empty() || !expect.log_absent.empty() ||
         expect.oom_scope || expect.peak_memory_bytes || expect.peak_map_count || expect.stalled ||
         expect.may_stall || expect.first_failure || expect.reason || expect.left_charged_bytes;
}

const StepRecord* FindStep(const Evidence& evidence, const std::string& as) {
  const auto found = std::find_if(evidence.steps.begin(), evidence.steps.end(),
                                  [&](const StepRecord& step) { return !as.empty() && step.as == as; });
  return found == evidence.steps.end() ? nullptr : &*found;
}

void CheckOne(const Plan& plan, const Evidence& evidence, const Expectation& expect,
              const std::map<std::string, ProcessVerdict>& processes, Results& results) {
  const StepRecord* step = FindStep(evidence, expect.subject);
  const auto process = processes.find(expect.subject);
  // A step and a child may share a name ("snapshot"); `exit` is the step's unless something is asked of the
  // process.
  if (step != nullptr && step->skipped) {
    results.Add("step", "done", "skipped", false);
    step = nullptr;
  }
  const bool asks_process = AsksProcess(expect);
  Expectation of_step = expect;
  Expectation of_process = expect;
  (step != nullptr && !asks_process ? of_process.exit : of_step.exit).clear();
  if (step != nullptr) {
    CheckStep(of_step, *step, results);
  }
  if (process != processes.end()) {
    CheckProcess(plan, evidence, of_process, process->second, results);
  } else if (!CallsWatched(evidence) && IsChild(plan, expect.subject)) {
    if (asks_process || step == nullptr) {
      results.Add("process", "to be started",
                  fmt::format("children are not seen without kernel evidence ({})", evidence.grade_reason),
                  std::nullopt);
    }
  } else if (asks_process || step == nullptr) {
    results.Add("process", "to be started", "it was never started", false);
  }
}

std::string NameOfStep(const StepRecord& step) {
  return step.as.empty() ? fmt::format("step {}", step.index + 1) : step.as;
}

void Append(std::vector<ExpectationResult>& all, Results& results) {
  for (ExpectationResult& result : results.Take()) {
    all.push_back(std::move(result));
  }
}

}  // namespace

std::vector<ExpectationResult> CheckExpectations(const Plan& plan, const Evidence& evidence,
                                                 const std::map<std::string, ProcessVerdict>& processes) {
  std::vector<ExpectationResult> all;
  for (const Expectation& expect : plan.expect) {
    Results results(expect.subject, expect.mark);
    if (expect.subject == kMachineSubject) {
      CheckMachine(evidence, expect, results);
      Append(all, results);
      continue;
    }
    CheckOne(plan, evidence, expect, processes, results);
    Append(all, results);
  }
  for (const StepRecord& step : evidence.steps) {
    if (const auto index = static_cast<std::size_t>(step.index); index < plan.steps.size()) {
      Results results(NameOfStep(step), plan.steps[index].mark);
      const bool expected_elsewhere = std::any_of(
          plan.expect.begin(), plan.expect.end(),
          [&](const Expectation& expect) { return !step.as.empty() && expect.subject == step.as; });
      CheckOwn(plan.steps[index], step, expected_elsewhere, results);
      Append(all, results);
    }
  }
  return all;
}

}  // namespace brink
