// SPDX-License-Identifier: MIT
// brink's own bounds (how long a killed group may take to end, a child to its exec) were chosen for real
// machines. An emulated one is ten times slower and more.
#pragma once

#include "base/clock.h"

namespace brink {

/// What is measured as slower still was measured at a bad moment.
inline constexpr double kSlowestTimes = 50;

/// How many times slower this machine is; 1 until set, and never less. For the whole process and the children
/// that it forks afterwards; any thread.
void SetSlowness(double times);

/// The bound as it is on this machine.
[[nodiscard]] Clock::duration Stretched(Seconds bound);

}  // namespace brink
