// SPDX-License-Identifier: MIT
#pragma once

#include "base/unique_fd.h"

namespace brink {

/// A descriptor that is readable once the user wants out. Blocks the signals for the whole process: call it
/// first.
[[nodiscard]] UniqueFd CatchInterrupts();

}  // namespace brink
