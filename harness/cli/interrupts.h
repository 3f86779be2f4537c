// SPDX-License-Identifier: MIT
#pragma once

#include "base/unique_fd.h"

namespace brink {

/// A descriptor that is readable once the user wants out. Blocks the signals for the whole process: call it
/// first. Not to be read from: others too see that a signal is pending (sandbox/run_script.h).
[[nodiscard]] UniqueFd CatchInterrupts();

}  // namespace brink
