// SPDX-License-Identifier: MIT
// The test program started again as a target: `live_kernel --victim MODE`.
#pragma once

#include <string>
#include <vector>

namespace brink::live {

/// The command line of a victim.
[[nodiscard]] std::vector<std::string> Victim(const std::string& mode);

/// Runs the mode; returns its exit status.
int RunVictim(const std::string& mode);

}  // namespace brink::live
