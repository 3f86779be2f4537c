// SPDX-License-Identifier: MIT
// Plan to evidence: the only step that touches the machine.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "evidence/watch.h"
#include "kernel/machine_guard.h"
#include "model/evidence.h"
#include "model/plan.h"
#include "run/case_groups.h"
#include "sandbox/host.h"

namespace brink {

struct CaseContext {
  HostSandbox* sandbox = nullptr;
  /// Null when BPF does not work here; `watch_missing` then says why.
  Watch* watch = nullptr;
  std::string watch_missing;
  MachineHold* hold = nullptr;
  /// Give the case shared memory of its own, where that can be had.
  bool own_shared_memory = false;
  /// What targets get when their plan names none; set when brink has protected itself with a lower one, which
  /// they would inherit otherwise.
  std::optional<int> default_oom_score_adj;
  /// Readable when the run is to be given up (Ctrl-C); -1: never.
  int cancel_fd = -1;
  /// Told of each step and event in words, for live progress; may be empty.
  std::function<void(const std::string& line)> progress;
};

struct CaseResult {
  Evidence evidence;
  /// The case's groups, without processes, for the caller to remove: the verdict need not wait for that.
  /// Absent when they could not be made.
  std::optional<CaseGroups> groups;
};

/// Runs the plan on this host and records what happens; writes logs below plan.run_dir. Never fails: what
/// goes wrong in brink itself is Evidence::harness_error. Afterwards no process of the case is left.
[[nodiscard]] CaseResult RunCase(const Plan& plan, std::vector<ImposedFault> machine_proof,
                                 const CaseContext& context);

}  // namespace brink
