// SPDX-License-Identifier: MIT
// How near a living process is to each limit. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "model/living.h"

namespace brink {

struct LimitRow {
  std::string limit;       // as verdicts name it: "vm.max_map_count", "RLIMIT_AS", "memory.max"
  std::string group = {};  // whose limit it is, where a group's
  std::optional<std::uint64_t> use = {};
  std::uint64_t of = kNoLimit;
  std::string unit;          // "bytes", "mappings", "tasks", "descriptors"
  std::string reached;       // what happens then, in one clause
  std::string note = {};     // what the figures don't show
  std::string stall = {};    // how its group is held up at it, in one clause
  bool enforced = true;      // false: it does not bind this process now, the note says why
  std::string unknown = {};  // why `use` or `of` is not known
  std::string remedy = {};
};

/// Use as a share of the limit; nothing where there is no limit, or it is not known.
[[nodiscard]] std::optional<double> ShareOf(const LimitRow& row);

/// All limits, the nearest first; then those that don't bind, that are unknown, and that are not set.
[[nodiscard]] std::vector<LimitRow> NearnessOf(const LivingProcess& process);

}  // namespace brink
