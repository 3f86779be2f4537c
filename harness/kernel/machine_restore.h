// SPDX-License-Identifier: MIT
// Undoing what the journal tells. Shared by MachineHold, the guardian and `brink restore`.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/journal.h"
#include "kernel/roots.h"

namespace brink {

/// Sentences about what was done, and about values that somebody else changed.
struct RestoreNotes {
  std::vector<std::string> restored;
  std::vector<std::string> foreign;
  bool in_use = false;  // nothing was done: a case or a transition has the machine, and its brink restores it
};

/// The error for values of which somebody must decide what they should be.
[[nodiscard]] tl::unexpected<Error> ForeignValues(const RestoreNotes& notes);

/// Puts back what machine.json holds, verifies it and removes the journal. The caller holds `users`
/// exclusively. A value that is neither the old one nor one that brink set is left as it is and noted. On an
/// error the journal stays.
[[nodiscard]] Result<RestoreNotes> RestoreMachine(const Roots& roots);

/// The same for `brink restore`, a new start and the guardian: does nothing while a case holds the machine,
/// or while a transition goes on, whose brink will restore it. With `users_timeout_s` it tries again for so
/// long while the machine seems held: a child that a killed brink had forked holds its locks until it runs
/// next, and then execs or dies.
[[nodiscard]] Result<RestoreNotes> RestoreMachineIfUnused(const Roots& roots, double gate_timeout_s,
                                                          double users_timeout_s = 0);

}  // namespace brink
