// SPDX-License-Identifier: MIT
// Scenario files to start from: every line explained, valid as they are. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "explain/oom_log.h"
#include "model/living.h"

namespace brink {

/// A name that scenarios and processes may have: what it must not hold becomes '-'.
[[nodiscard]] std::string NameFrom(std::string_view text);

/// Text as a double-quoted scalar that means itself: "${" is no reference.
[[nodiscard]] std::string QuotedScalar(std::string_view text);

/// A scenario that holds the limits of a living process: its command, working directory, resource limits, the
/// lowest limit of each kind of its groups, oom_score_adj, and what of the machine is not as Linux has it by
/// default. Its environment is not in it: it may hold secrets. `own_uid`: of whoever will run it.
[[nodiscard]] std::string ScenarioOf(const LivingProcess& process, const std::string& name,
                                     std::uint64_t own_uid);

/// A scenario that runs a command, with limits to choose from.
[[nodiscard]] std::string ScenarioOf(const std::vector<std::string>& command, const std::string& name);

/// A scenario of an OOM kill that the kernel logged: its group's limit or the machine's memory and swap, and
/// what it knew of the victim. `memory_here`: the most that a guest of this machine can have.
[[nodiscard]] std::string ScenarioOf(const LoggedOomKill& kill, const std::string& name,
                                     std::uint64_t memory_here);

}  // namespace brink
