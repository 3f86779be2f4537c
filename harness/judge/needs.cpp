// SPDX-License-Identifier: MIT
#include "judge/needs.h"

#include <algorithm>
#include <variant>

namespace brink {
namespace {

/// Limits of a group can be set without knowing who is in it.
bool ChangesProcess(const SetStep::Target& target) {
  return !target.rlimits.empty() || target.oom_score_adj || target.nice;
}

std::string ChildOf(const Plan& plan, const StepPlan& step) {
  std::string child;
  const auto look_at = [&](const std::string& name) { child = IsChild(plan, name) ? name : child; };
  if (const auto* wait = std::get_if<WaitStep>(&step.action)) {
    look_at(wait->process);
  } else if (const auto* signal = std::get_if<SignalStep>(&step.action)) {
    look_at(signal->process);
  } else if (const auto* set = std::get_if<SetStep>(&step.action)) {
    for (const SetStep::Target& target : set->targets) {
      if (ChangesProcess(target)) {
        look_at(target.name);
      }
    }
  }
  return child;
}

}  // namespace

bool IsChild(const Plan& plan, const std::string& name) {
  return std::any_of(plan.processes.begin(), plan.processes.end(), [&](const ProcessPlan& process) {
    return std::any_of(process.children.begin(), process.children.end(),
                       [&](const ChildRule& rule) { return rule.name == name; });
  });
}

std::string NeedsKernelEvidence(const Plan& plan, const StepPlan& step) {
  const auto* wait = std::get_if<WaitStep>(&step.action);
  if (wait != nullptr && wait->map_count_above) {
    return "mappings are counted with kernel evidence only";
  }
  const std::string child = ChildOf(plan, step);
  return child.empty() ? std::string() : child + " is a child: children are seen with kernel evidence only";
}

}  // namespace brink
