// SPDX-License-Identifier: MIT
// A tree against the table of the format.
#pragma once

#include <set>
#include <utility>
#include <vector>

#include "base/units.h"
#include "model/scenario.h"
#include "scenario/load.h"
#include "scenario/schema.h"

namespace brink {

/// Line and column.
using Place = std::pair<int, int>;

struct CheckOptions {
  SizeContext size;
  /// False: only a part of a scenario is looked at, and what it lacks may stand elsewhere.
  bool whole = true;
  /// Values that somebody has complained about already: dropped without another word.
  const std::set<Place>* known_bad = nullptr;
  const NameChecks* names = nullptr;
};

/// Adds a complaint for everything in `tree` that the table does not have or allow. Scalars are brought into
/// the form that ValueType tells of, and what was complained about is removed, so that the decoder finds only
/// what it can read.
void CheckTree(Node& tree, const Section& section, const CheckOptions& options,
               std::vector<Complaint>& complaints);

}  // namespace brink
