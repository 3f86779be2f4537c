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
  std::string remedy;  // of an inconclusive outcome; may be empty
  /// It hung for a child of this name that the OOM killer had taken; empty: it didn't.
  std::string hung_for;
};

/// All records of that name together: the worst outcome counts, peaks are maxima. Nothing when there is none
/// that was ever begun (a process whose `start` step never came).
[[nodiscard]] std::optional<ProcessFinding> JudgeProcess(const Plan& plan, const Evidence& evidence,
                                                         const std::string& name);

/// inconclusive > oom_killed > failed > hung > survived.
[[nodiscard]] int Severity(Outcome outcome);

}  // namespace brink
