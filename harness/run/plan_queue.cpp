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

bool PlanQueue::IsBegun(const GuestSpec& guest) const {
  return std::find(begun_.begin(), begun_.end(), guest) != begun_.end();
}

/// How well a plan comes now, 0 best. A guest is worth seconds: its like comes first, and a machine that
/// another worker may have running last. Cases of the host with other values than those in force would only
/// wait for them.
int PlanQueue::Rank(const Plan& plan, const std::optional<GuestSpec>& guest) const {
  constexpr int kNow = 0;
  constexpr int kNext = 1;
  constexpr int kLast = 2;
  if (plan.sandbox == "vm") {
    if (guest && plan.guest == *guest) {
      return kNow;
    }
    return IsBegun(plan.guest) ? kLast : kNext;
  }
  return !guest && (in_order_ || MachineValues(plan) == host_values_) ? kNow : kNext;
}

void PlanQueue::Note(const Plan& plan) {
  if (plan.sandbox != "vm") {
    host_values_ = MachineValues(plan);
  } else if (!IsBegun(plan.guest)) {
    begun_.push_back(plan.guest);
  }
}

std::optional<std::size_t> PlanQueue::Take(bool alone, const std::optional<GuestSpec>& guest) {
  const std::scoped_lock lock(mutex_);
  std::optional<std::size_t> best;
  for (std::size_t at = 0; at < plans_.size(); ++at) {
    if (taken_[at] || MustRunAlone(plans_[at]) != alone) {
      continue;
    }
    if (!best || Rank(plans_[at], guest) < Rank(plans_[*best], guest)) {
      best = at;
    }
  }
  if (best) {
    taken_[*best] = true;
    Note(plans_[*best]);
  }
  return best;
}

}  // namespace brink
