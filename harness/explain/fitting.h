// SPDX-License-Identifier: MIT
// Which documented incidents a living process may be on its way to. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "catalogue/entry.h"
#include "explain/nearness.h"

namespace brink {

struct FittingIncident {
  std::size_t entry = 0;  // index in the catalogue
  std::string why;        // "runs redis-server; RLIMIT_AS at 91%"
};

/// Those of limits that hold it up now or are near (at least kNearShare), of the same program first and then
/// of others, the nearest first; then those of the same program alone; at most kMostFitting.
[[nodiscard]] std::vector<FittingIncident> FittingIncidents(const LivingProcess& process,
                                                            std::span<const LimitRow> rows,
                                                            std::span<const CatalogueEntry> catalogue);

inline constexpr double kNearShare = 0.7;
inline constexpr std::size_t kMostFitting = 8;

}  // namespace brink
