// SPDX-License-Identifier: MIT
// What became of the machine itself: only a guest can be lost and the verdict still be given.
#pragma once

#include <optional>
#include <string>

#include "judge/results.h"
#include "model/evidence.h"
#include "model/plan.h"
#include "model/verdict.h"

namespace brink {

/// The subject of expectations of the machine.
inline constexpr std::string_view kMachineSubject = "machine";

struct MachineLoss {
  /// kMachinePanicked; kHung: it stopped answering; kFailed: it was reset, ended, or cut off.
  Outcome outcome = Outcome::kFailed;
  std::string reason;  // "the machine panicked: Kernel panic - not syncing: ..."
  std::string remedy;  // should nobody have expected it
};

/// The host, not the case, is to blame: it killed the machine's QEMU, or could not keep what it wrote.
[[nodiscard]] bool LostByHost(const Evidence& evidence);

/// Nothing when the machine lived on.
[[nodiscard]] std::optional<MachineLoss> LossOfMachine(const Evidence& evidence);

/// Of `expect: {machine: {...}}`.
void CheckMachine(const Evidence& evidence, const Expectation& expect, Results& results);

/// The machine was lost: settles the case's outcome and reason, and makes its processes' inconclusive. What
/// was lost other than by a panic or a hang proves nothing, unless something is expected of the machine.
void JudgeLoss(const Plan& plan, const MachineLoss& loss, Verdict& verdict);

}  // namespace brink
