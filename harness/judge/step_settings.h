// SPDX-License-Identifier: MIT
// What the steps of a case do, so that cases can be compared by it.
#pragma once

#include <string>

#include "model/plan.h"

namespace brink {

/// One line for each step, with every value in full: "run [install] [-d] [/tmp/1]; start server; ...". Left
/// out is what changes nothing of what is done: names, places in the file, timeouts, what the steps are
/// expected to print, and the waits at the end for what a process says or comes to, as they only see how it
/// went. A wait for plain time stays: it is how long a process had to go wrong.
[[nodiscard]] std::string WhatStepsDo(const Plan& plan);

}  // namespace brink
