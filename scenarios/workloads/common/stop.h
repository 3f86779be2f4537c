// SPDX-License-Identifier: MIT
// SIGTERM and SIGINT mean: shut down cleanly.
#pragma once

#include <chrono>
#include <optional>

namespace workload {

/// Called once, before other threads exist. Throws Failure.
void InstallStopSignals();

[[nodiscard]] bool StopRequested();

/// Waits for the duration, or for a stop if that is earlier (without a duration, for a stop alone). Returns
/// whether a stop was requested. This paces a workload; it never orders one thread after another.
bool PauseFor(std::optional<std::chrono::nanoseconds> duration);

}  // namespace workload
