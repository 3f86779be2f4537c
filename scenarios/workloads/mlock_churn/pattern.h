// SPDX-License-Identifier: MIT
// Courses of mlock and munlock calls over a region, made before the clock starts.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace workload {

/// One call on `pages` pages from `first_page` on.
struct LockCall {
  bool lock = true;
  std::uint64_t first_page = 0;
  std::uint64_t pages = 1;
};

/// A cycle that begins and ends with nothing locked:
///   every-other  locks every other page (each call splits a mapping in three), then the rest (each call
///   merges three
///                into one), then unlocks in the same order
///   random       locks random ranges of up to `max_range` pages one by one, overlapping, then unlocks each
///   grow-shrink  locks from the region's start on, `max_range` more pages at a time, then gives back from
///   its end: one
///                boundary moves through the region and the number of mappings stays the same
/// Throws Failure with Exit::kUsage for another name.
[[nodiscard]] std::vector<LockCall> MakeCycle(const std::string& pattern, std::uint64_t pages,
                                              std::uint64_t max_range, std::uint64_t seed);

}  // namespace workload
