// SPDX-License-Identifier: MIT
// What was expected of one step.
#pragma once

#include "judge/results.h"
#include "model/plan.h"

namespace brink {

/// What a case expects of the step by its name.
void CheckStep(const Expectation& expect, const StepRecord& step, Results& results);

/// The step's own `expect`, and whether it could be done at all. A command of which nothing is expected
/// anywhere must succeed: a load that never ran looks like a proven cure.
void CheckOwn(const StepPlan& plan, const StepRecord& step, bool expected_elsewhere, Results& results);

}  // namespace brink
