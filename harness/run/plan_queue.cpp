// SPDX-License-Identifier: MIT
#include "run/plan_queue.h"

#include <algorithm>
#include <set>

namespace brink {
namespace {

bool ChangesMachineOnTheWay(const Plan& plan) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [](const StepPlan& step) {
    const auto* set = std::get_if<SetStep>(&step.action);
    return set != nullptr && !set->machine.empty();
  });
}

bool MustRunAlone(const Plan& plan) { return plan.sandbox != "vm" && ChangesMachineOnTheWay(plan); }

std::string MachineValues(const Plan& plan) {
  std::set<std::string> parts;
  for (const Setting& setting : plan.machine) {
    parts.insert(setting.name + "=" + setting.value);
  }
  std::string values;
  for (const std::string& part : parts) {
    values += part + "\n";
  }
  return values;
}

}  // namespace

bool ChangesMachine(const Plan& plan) { return !plan.machine.empty() || ChangesMachineOnTheWay(plan); }

PlanQueue::PlanQueue(const std::vector<Plan>& plans, bool in_order)
    : plans_(plans), in_order_(in_order), taken_(plans.size()) {}

/// A guest is worth seconds; cases of the host with other values than those in force would only wait for
/// them.
bool PlanQueue::Fits(const Plan& plan, const std::optional<GuestSpec>& guest) const {
  if (guest) {
    return plan.sandbox == "vm" && plan.guest == *guest;
  }
  return in_order_ || (plan.sandbox != "vm" && MachineValues(plan) == host_values_);
}

std::optional<std::size_t> PlanQueue::Take(bool alone, const std::optional<GuestSpec>& guest) {
  const std::scoped_lock lock(mutex_);
  std::optional<std::size_t> first;
  for (std::size_t at = 0; at < plans_.size(); ++at) {
    if (taken_[at] || MustRunAlone(plans_[at]) != alone) {
      continue;
    }
    first = first.value_or(at);
    if (Fits(plans_[at], guest)) {
      first = at;
      break;
    }
  }
  if (first) {
    taken_[*first] = true;
    if (plans_[*first].sandbox != "vm") {
      host_values_ = MachineValues(plans_[*first]);
    }
  }
  return first;
}

}  // namespace brink
