// SPDX-License-Identifier: MIT
#include "judge/step_settings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <string_view>
#include <variant>
#include <vector>

#include "judge/words.h"

namespace brink {
namespace {

/// So begins a wait for what a process says or comes to (Done()); one for plain time does not.
constexpr std::string_view kLook = "wait for ";

/// In brackets each, so that no two lists of words read alike.
std::string Words(const std::vector<std::string>& words) {
  return fmt::format("[{}]", fmt::join(words, "] ["));
}

std::string Assigned(const std::vector<Setting>& settings) {
  std::string text;
  for (const Setting& setting : settings) {
    text += fmt::format(" {}={}", setting.name, setting.value);
  }
  return text;
}

std::string Done(const RunStep& run) {
  std::string text = "run " + Words(run.argv);
  for (const auto& [name, value] : run.env) {
    text += fmt::format(" {}=[{}]", name, value);
  }
  text += run.image.empty() ? "" : " in image " + run.image;
  return text + (run.background ? " in the background" : "");
}
std::string Done(const SetStep& set) {
  std::string text = "set" + Assigned(set.machine);
  for (const SetStep::Target& target : set.targets) {
    text += fmt::format(" {}:{}", target.name, Assigned(target.cgroup));
    for (const RlimitSetting& limit : target.rlimits) {
      text += fmt::format(" {}={}:{}", limit.name, limit.soft, limit.hard);
    }
    text += target.oom_score_adj ? fmt::format(" oom_score_adj={}", *target.oom_score_adj) : "";
    text += target.nice ? fmt::format(" nice={}", *target.nice) : "";
  }
  return text;
}
std::string Done(const SignalStep& signal) {
  return fmt::format("send {} to {}", SignalName(signal.signal), signal.process);
}
std::string Done(const StartStep& start) { return "start " + start.process; }
std::string Done(const StopStep& stop) { return "stop " + stop.process; }
std::string Done(const WaitStep& wait) {
  if (wait.log_pattern) {
    return fmt::format("wait for [{}] of {}", *wait.log_pattern, wait.process);
  }
  if (wait.tcp) {
    return fmt::format("wait for port {}", *wait.tcp);
  }
  if (wait.exit) {
    return "wait for the end of " + wait.process;
  }
  if (wait.map_count_above) {
    return fmt::format("wait for more than {} mappings of {}", *wait.map_count_above, wait.process);
  }
  if (wait.memory_above) {
    return fmt::format("wait for more than {} bytes of {}", *wait.memory_above, wait.process);
  }
  return fmt::format("wait {} s", wait.duration_s.value_or(0));
}
std::string Done(const SqueezeStep& squeeze) {
  return fmt::format("squeeze {} to {} by {} bytes every {} s", squeeze.process, squeeze.to_bytes,
                     squeeze.by_bytes, squeeze.every_s);
}

}  // namespace

std::vector<std::string> WhatStepsDo(const Plan& plan) {
  std::vector<std::string> steps;
  for (const StepPlan& step : plan.steps) {
    steps.push_back(std::visit([](const auto& action) { return Done(action); }, step.action));
  }
  return steps;
}

std::string JoinedSteps(std::vector<std::string> steps) {
  while (!steps.empty() && steps.back().starts_with(kLook)) {
    steps.pop_back();
  }
  return fmt::format("{}", fmt::join(steps, "; "));
}

std::size_t StepsBegun(const Evidence& evidence, double until_s) {
  return static_cast<std::size_t>(
      std::count_if(evidence.steps.begin(), evidence.steps.end(),
                    [&](const StepRecord& step) { return !step.skipped && step.start_s <= until_s; }));
}

}  // namespace brink
