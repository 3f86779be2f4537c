// SPDX-License-Identifier: MIT
// ${...} in the values of a scenario.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/scenario.h"
#include "scenario/check.h"
#include "scenario/load.h"

namespace brink {

/// What ${...} may stand for.
struct References {
  std::map<std::string, std::string> values;  // dir, scenario_dir and the parameters
  /// ${port} asks for "", ${port.NAME} for "NAME"; empty: there are no ports here.
  std::function<Result<int>(const std::string& name)> free_port;
};

struct Substituted {
  std::set<std::string> used;          // names that some reference stood for
  std::set<Place> bad;                 // values with a reference to nothing, left as they were
  std::optional<std::string> no_port;  // why no port could be had
};

/// Replaces references in every scalar of the tree but keys and the entry `parameters`. `$${` stands for a
/// literal `${`. A value that held a reference counts as not quoted, so that "${limit}" can be a number.
[[nodiscard]] Substituted Substitute(Node& tree, const References& references,
                                     std::vector<Complaint>& complaints);

}  // namespace brink
