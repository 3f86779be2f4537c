// SPDX-License-Identifier: MIT
// The host as a place where plans run: its cgroups, the guardian, and the rule that machine-wide values are
// changed only on request. The vm sandbox will stand beside it.
#pragma once

#include <memory>
#include <string>

#include "base/result.h"
#include "kernel/cgroup.h"
#include "kernel/machine_guard.h"
#include "kernel/roots.h"
#include "model/evidence.h"
#include "model/plan.h"

namespace brink {

/// The facts of this machine that evidence carries.
[[nodiscard]] HostFacts ReadHostFacts(const Roots& roots, const CgroupHost& cgroups);

class HostSandbox {
 public:
  /// Starts the guardian and makes the run's root group. Call once, while the process has one thread. Without
  /// rights to make groups it fails with the remedy.
  [[nodiscard]] static Result<HostSandbox> Start(const Roots& roots);

  [[nodiscard]] const Roots& SystemRoots() const { return roots_; }
  [[nodiscard]] const CgroupHost& Cgroups() const { return *cgroups_; }
  [[nodiscard]] const HostFacts& Facts() const { return facts_; }
  /// "brink-PID-START": cases make their groups below it.
  [[nodiscard]] const std::string& GroupRoot() const { return guard_->GroupRoot(); }

  /// Removes the root group and dismisses the guardian.
  [[nodiscard]] Status Finish();

 private:
  Roots roots_;
  std::unique_ptr<CgroupHost> cgroups_;
  std::unique_ptr<RunGuard> guard_;
  std::unique_ptr<Cgroup> root_group_;
  HostFacts facts_;
};

}  // namespace brink
