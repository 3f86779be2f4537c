// SPDX-License-Identifier: MIT
// What a killed brink may have left on the machine.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "kernel/machine_lock.h"

namespace brink::live {

struct MachineState {
  std::map<std::string, std::string> settings;
  std::vector<std::string> mounts;  // sorted lines of /proc/self/mountinfo
};

/// The machine as it is.
[[nodiscard]] MachineState MachineNow();

/// Processes with that executable, whatever they call themselves.
[[nodiscard]] std::vector<pid_t> ProcessesOf(const std::string& executable);

/// Waits until no process of the brink program is left (the guardian works until it is done); false after
/// that time.
[[nodiscard]] bool AwaitGuardians(std::chrono::seconds time);

/// Groups of these brinks in any hierarchy.
[[nodiscard]] std::vector<std::string> GroupsOf(const std::vector<pid_t>& brinks);

/// The machine without any brink's values in force, until the end of its life. Somebody else may use brink
/// here too: what they impose meanwhile is no leftover of ours.
class QuietMachine {
 public:
  /// Waits for all others, for a bounded time; a test failure when they go on for longer.
  QuietMachine();

 private:
  std::optional<MachineLocks> locks_;
};

/// Expects the machine as it was: sysctls and huge page settings, mounts, no group of `brinks`, no process of
/// brink or the victim, nothing in the journal.
void ExpectAsBefore(const MachineState& before, const std::vector<pid_t>& brinks);

}  // namespace brink::live
