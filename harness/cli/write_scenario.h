// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "base/result.h"

namespace brink {

/// Writes a scenario that brink made to a new file and says on standard error what to do with it next. Fails
/// when the file is there already, or when what it would hold is no valid scenario.
[[nodiscard]] Status WriteScenario(const std::string& path, const std::string& text);

}  // namespace brink
