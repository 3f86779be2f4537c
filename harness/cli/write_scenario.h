// SPDX-License-Identifier: MIT
#pragma once

#include <string>

#include "base/result.h"
#include "model/living.h"

namespace brink {

/// Writes a scenario that brink made to a new file and says on standard error what to do with it next. Fails
/// when the file is there already, or when what it would hold is no valid scenario.
[[nodiscard]] Status WriteScenario(const std::string& path, const std::string& text);

/// Of a living process, which is run under the name that it was started by where that is found: for some
/// programs their file alone says little, as links of other names lead to it.
[[nodiscard]] std::string ScenarioOfLiving(LivingProcess process, const std::string& name);

}  // namespace brink
