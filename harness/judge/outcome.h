// SPDX-License-Identifier: MIT
// What became of one process or child, and which limit did it.
#pragma once

#include <optional>
#include <string>

#include "model/evidence.h"
#include "model/plan.h"
#include "model/verdict.h"

namespace brink {

struct ProcessFinding {
  ProcessVerdict verdict;
  /// When it was decided: the OOM kill, the end, or the end of the case. Seconds since the case started.
  double decided_s = 0;
};

/// All records of that name together: the worst outcome counts, peaks are maxima. Nothing when there is none
/// that was ever begun (a process whose `start` step never came).
[[nodiscard]] std::optional<ProcessFinding> JudgeProcess(const Plan& plan, const Evidence& evidence,
                                                         const std::string& name);

/// inconclusive > oom_killed > failed > hung > survived.
[[nodiscard]] int Severity(Outcome outcome);

/// Why the case as a whole proves nothing (a fault that is not in force, brink's own failure); empty when it
/// may.
struct Doubt {
  std::string reason;
  std::string remedy;
};
[[nodiscard]] std::optional<Doubt> DoubtOfCase(const Plan& plan, const Evidence& evidence);

}  // namespace brink
