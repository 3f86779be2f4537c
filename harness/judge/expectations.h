// SPDX-License-Identifier: MIT
// What the plan expects against what was found.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/evidence.h"
#include "model/plan.h"
#include "model/verdict.h"

namespace brink {

/// One result per thing looked at, in the plan's order; then those of steps whose own expectation failed,
/// that timed out or could not be done.
[[nodiscard]] std::vector<ExpectationResult> CheckExpectations(
    const Plan& plan, const Evidence& evidence, const std::map<std::string, ProcessVerdict>& processes);

}  // namespace brink
