// SPDX-License-Identifier: MIT
// A case laid over its scenario.
#pragma once

#include <string>
#include <vector>

#include "model/scenario.h"
#include "scenario/load.h"

namespace brink {

/// `over` laid over `base`: maps are merged key by key, lists and scalars replaced, an explicit null removes
/// what `base` has. A null with nothing to remove stays, so that the checker sees it.
[[nodiscard]] Node MergeNodes(Node base, const Node& over);

/// The cases of a file, each with its whole tree; one called `default` when there are none.
[[nodiscard]] std::vector<ScenarioCase> MakeCases(const Node& root, std::vector<Complaint>& complaints);

/// The file without its cases.
[[nodiscard]] Node WithoutCases(const Node& root);

}  // namespace brink
