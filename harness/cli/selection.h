// SPDX-License-Identifier: MIT
// Which cases of the scenarios `brink run` takes, how often and in which order.
#pragma once

#include <vector>

#include "base/result.h"
#include "cli/matrix.h"
#include "cli/plans.h"
#include "model/scenario.h"

namespace brink {

/// Borrows from the scenarios and cells that it was chosen of.
struct Chosen {
  const Scenario* scenario = nullptr;
  const ScenarioCase* scenario_case = nullptr;
  const Cell* cell = nullptr;
  int repeat = 1;
};

/// What --case, --tag, --repeat and --shard let through, in each cell, shuffled where that is wanted (it
/// tells the seed). Fails where nothing is left, or the share is none.
[[nodiscard]] Result<std::vector<Chosen>> Select(const std::vector<Scenario>& scenarios,
                                                 const std::vector<Cell>& cells, const RunChoice& choice);

}  // namespace brink
