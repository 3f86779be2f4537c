// SPDX-License-Identifier: MIT
// Where each plan runs: on this host, or in a guest; and the cells of a matrix of kernels and cgroup
// versions.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/plan.h"
#include "scenario/make_plan.h"

namespace brink {

/// One column of the matrix. What is empty is the scenario's choice.
struct Cell {
  std::string kernel;  // a name of `brink guest list`, or an absolute path
  std::string cgroup;  // "v1" or "v2"
  /// The cell's folder below the case's: "debian-12-v1", with the axes alone that have several values; empty
  /// where there is one cell.
  std::string folder;
};

/// The cells of --kernel A,B,... and --cgroup v1,v2, kernels outermost; one of the scenario's choice when
/// both are empty. Complains of a doubled value, a name or a path that is no kernel's, and a version that is
/// none.
[[nodiscard]] Result<std::vector<Cell>> MakeCells(const std::vector<std::string>& kernels,
                                                  const std::vector<std::string>& cgroups);

/// The user's word on where plans run.
struct SandboxChoice {
  std::string sandbox = "auto";  // "auto", "host" or "vm"
  bool matrix = false;           // --kernel or --cgroup were given: everything runs in guests
  bool groups = true;            // brink may make control groups here
  /// This machine is itself a guest (sandbox/guest.h): it may become whatever a plan wants.
  bool in_guest = false;
};

/// "host" or "vm". auto: a guest for what changes the machine or needs another one, or where brink has no
/// rights here; in a guest's shell, that guest.
[[nodiscard]] std::string ChooseSandbox(const Plan& plan, const SandboxChoice& choice);

/// Settles plan.sandbox and plan.guest for the cell; a version of cgroups that the case cannot have makes the
/// plan not_applicable (what a kernel lacks, the session tells: run/guest_pool.h), a host that cannot be what
/// the plan needs makes it not_runnable.
void FitToCell(Plan& plan, const CgroupDemand& demand, const Cell& cell, const SandboxChoice& choice);

}  // namespace brink
