// SPDX-License-Identifier: MIT
// What happened in the order of time: a limit is met, a call fails, the program complains, something ends.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/evidence.h"
#include "model/plan.h"
#include "model/verdict.h"

namespace brink {

/// Of the case's processes and of what its steps' commands came to: the first failing call of each kind (call
/// and errno), OOM kills, bad ends, the first line of each log pattern that was expected and found, the first
/// line that sounds like a failed call after one, and what the timeout cut short. Sorted by time; at most 24
/// links, of more the first and the last.
[[nodiscard]] std::vector<ChainLink> ChainOf(const Plan& plan, const Evidence& evidence,
                                             const std::map<std::string, ProcessVerdict>& processes);

}  // namespace brink
