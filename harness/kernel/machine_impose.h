// SPDX-License-Identifier: MIT
// Writing machine-wide values with proof of each. Internal to machine_guard: the caller holds the machine
// exclusively (kernel/machine_lock.h).
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/journal.h"
#include "kernel/roots.h"
#include "model/evidence.h"
#include "model/plan.h"

namespace brink {

/// Reads it now; in force when it is `expected`.
[[nodiscard]] ImposedFault ProofOf(const Roots& roots, const Setting& requested, const std::string& expected);

/// Journals one setting on disk, and after that writes it and reads it back.
[[nodiscard]] Status Impose(const Roots& roots, const Setting& requested, MachineJournal& journal,
                            ImposedFault& proof);

/// The kernel may derive one value from another: what was proven when it was written need not hold once the
/// last is. Reads all of the journal's again, and corrects the proof of those that changed, which is an
/// error. What became of them counts as brink's doing, and is restored.
[[nodiscard]] Status ProveStill(const Roots& roots, MachineJournal& journal,
                                std::vector<ImposedFault>& proof);

}  // namespace brink
