// SPDX-License-Identifier: MIT
#include "judge/step_expectations.h"

#include <fmt/format.h>

#include <variant>

#include "judge/words.h"

namespace brink {
namespace {

/// The last line that is not empty: where a command says what went wrong.
std::string LastLine(const std::string& output) {
  const auto end = output.find_last_not_of(" \r\n\t");
  if (end == std::string::npos) {
    return "(no output)";
  }
  const auto begin = output.find_last_of('\n', end);
  const std::string line = output.substr(begin == std::string::npos ? 0 : begin + 1,
                                         end - (begin == std::string::npos ? 0 : begin + 1) + 1);
  return line.size() > 200 ? line.substr(0, 200) + "..." : line;
}

void CheckDuration(double max_s, const StepRecord& step, Results& results) {
  results.Add("max_duration_s", fmt::format("at most {:g} s", max_s),
              fmt::format("{:.3g} s", step.duration_s), step.duration_s <= max_s);
}

}  // namespace

void CheckStep(const Expectation& expect, const StepRecord& step, Results& results) {
  if (!expect.exit.empty()) {
    CheckExit(expect.exit, step.exit_code, step.signal, {}, results);
  }
  if (expect.output) {
    const auto found = step.patterns.find(*expect.output);
    results.Add("output", *expect.output, LastLine(step.output),
                found != step.patterns.end() && found->second);
  }
  if (expect.max_duration_s) {
    CheckDuration(*expect.max_duration_s, step, results);
  }
}

void CheckOwn(const StepPlan& plan, const StepRecord& step, bool expected_elsewhere, Results& results) {
  const CommandExpect& expect = plan.expect;
  const bool expects = !expect.exit.empty() || expect.output || expect.max_duration_s;
  if (step.skipped) {
    if (expects) {
      results.Add("step", "done", "skipped: " + step.text, false);
    }
    return;
  }
  if (!step.error.empty()) {
    return results.Add("step", "done", fmt::format("{}: {}", step.text, step.error), false);
  }
  if (step.timed_out) {
    return results.Add("step", fmt::format("done within {:g} s", plan.timeout_s), step.text + ": timed out",
                       false);
  }
  if (!expect.exit.empty()) {
    CheckExit(expect.exit, step.exit_code, step.signal, ": " + LastLine(step.output), results);
  }
  if (expect.output) {
    results.Add("output", *expect.output, LastLine(step.output), step.output_matched);
  }
  if (expect.max_duration_s) {
    CheckDuration(*expect.max_duration_s, step, results);
  }
  if (!expects && !expected_elsewhere && std::holds_alternative<RunStep>(plan.action) &&
      step.exit_code != 0) {
    results.Add("exit", "0, as nothing else is expected of it",
                DescribeEnd(step.exit_code, step.signal) + ": " + LastLine(step.output), false);
  }
}

}  // namespace brink
