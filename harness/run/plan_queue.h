// SPDX-License-Identifier: MIT
// Which plan runs next: those that share a machine's values, or a guest, follow each other.
#pragma once

#include <cstddef>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "model/plan.h"

namespace brink {

/// True when the plan, or a step of it, sets values of the whole machine.
[[nodiscard]] bool ChangesMachine(const Plan& plan);

class PlanQueue {
 public:
  /// `plans` must outlive it. With `in_order`, plans of the host keep their order.
  PlanQueue(const std::vector<Plan>& plans, bool in_order);

  /// The index of a plan that nobody has taken; nothing when none is left. `alone`: only plans of the host
  /// whose steps change the machine on the way, which nothing may run beside; else only the others. `guest`:
  /// the machine that the caller has running; its like is preferred, and one that others may have running
  /// comes last, so that each is booted once where there is other work.
  [[nodiscard]] std::optional<std::size_t> Take(bool alone, const std::optional<GuestSpec>& guest);

 private:
  [[nodiscard]] int Rank(const Plan& plan, const std::optional<GuestSpec>& guest) const;
  [[nodiscard]] bool IsBegun(const GuestSpec& guest) const;
  void Note(const Plan& plan);

  const std::vector<Plan>& plans_;
  bool in_order_;
  std::mutex mutex_;
  std::vector<bool> taken_;
  std::string host_values_;       // of the plan of the host that was taken last
  std::vector<GuestSpec> begun_;  // machines of plans that were taken
};

}  // namespace brink
