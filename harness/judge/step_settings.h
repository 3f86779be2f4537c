// SPDX-License-Identifier: MIT
// What the steps of a case do, so that cases can be compared by it.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "model/evidence.h"
#include "model/plan.h"

namespace brink {

/// Of each step, with every value in full: "run [install] [-d] [/tmp/1]", "start server". Left out is what
/// changes nothing of what is done: names, places in the file, timeouts, what the steps are expected to
/// print.
[[nodiscard]] std::vector<std::string> WhatStepsDo(const Plan& plan);

/// These in one text, without the waits at their end for what a process says or comes to, as they only see
/// how it went. A wait for plain time stays: it is how long a process had to go wrong.
[[nodiscard]] std::string JoinedSteps(std::vector<std::string> steps);

/// How many steps had begun by then.
[[nodiscard]] std::size_t StepsBegun(const Evidence& evidence, double until_s);

}  // namespace brink
