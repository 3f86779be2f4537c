// SPDX-License-Identifier: MIT
// What a killed brink may have left on the machine.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <string>
#include <vector>

namespace brink::live {

/// Processes with that executable, whatever they call themselves.
[[nodiscard]] std::vector<pid_t> ProcessesOf(const std::string& executable);

/// Waits until no process of the brink program is left (the guardian works until it is done); false after
/// that time.
[[nodiscard]] bool AwaitGuardians(std::chrono::seconds time);

/// Groups of these brinks in any hierarchy.
[[nodiscard]] std::vector<std::string> GroupsOf(const std::vector<pid_t>& brinks);

/// Expects the machine as it was: sysctls and huge page settings, no group of `brinks`, no process of brink
/// or the victim, nothing in the journal.
void ExpectAsBefore(const std::map<std::string, std::string>& settings, const std::vector<pid_t>& brinks);

}  // namespace brink::live
