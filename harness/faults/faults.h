// SPDX-License-Identifier: MIT
// Imposing faults on what already exists, each with its proof. (Processes get theirs between fork and exec:
// kernel/launch.h; the machine gets its own through kernel/machine_guard.h.)
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/cgroup.h"
#include "kernel/roots.h"
#include "model/evidence.h"
#include "model/plan.h"

namespace brink {

/// Sets one value of a group and reads it back. Never fails: ImposedFault::in_force and ::error tell.
/// Values that v1 keeps in whole pages are in force when they differ by less than a page.
[[nodiscard]] ImposedFault ImposeOnGroup(Cgroup& group, const std::string& target, const Setting& setting);

/// Changes a running process: rlimits (prlimit), oom_score_adj, nice.
[[nodiscard]] std::vector<ImposedFault> ImposeOnProcess(const Roots& roots, int pid,
                                                        const std::string& target,
                                                        const SetStep::Target& change);

/// Whether this machine can impose a fault, found by trying it on a group and a process of brink's own
/// (machine-wide ones are only looked at).
struct FaultProbe {
  std::string name;
  bool can_impose = false;
  std::string
      reason;  // why not, or (can_impose) which values are refused here: "only up to the hard limit: ..."
  std::string remedy;
};
[[nodiscard]] std::vector<FaultProbe> ProbeFaults(const Roots& roots, const CgroupHost& cgroups);

}  // namespace brink
