// SPDX-License-Identifier: MIT
// What was expected of one process or child.
#pragma once

#include "judge/results.h"
#include "model/plan.h"

namespace brink {

void CheckProcess(const Plan& plan, const Evidence& evidence, const Expectation& expect,
                  const ProcessVerdict& verdict, Results& results);

}  // namespace brink
