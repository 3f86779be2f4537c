// SPDX-License-Identifier: MIT
// Why a case as a whole proves nothing.
#pragma once

#include <optional>
#include <string>

#include "model/evidence.h"
#include "model/plan.h"

namespace brink {

struct Doubt {
  std::string reason;
  std::string remedy;  // may be empty
};

/// A fault that is not in force, brink's own failure, a step that needs evidence which there is not, a
/// relative limit that others moved; empty when the case may prove something.
[[nodiscard]] std::optional<Doubt> DoubtOfCase(const Plan& plan, const Evidence& evidence);

}  // namespace brink
