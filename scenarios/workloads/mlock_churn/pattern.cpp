// SPDX-License-Identifier: MIT
#include "mlock_churn/pattern.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/checksum.h"
#include "common/failure.h"

namespace workload {
namespace {

std::vector<LockCall> EveryOther(std::uint64_t pages) {
  std::vector<LockCall> cycle;
  for (const bool lock : {true, false}) {
    for (const std::uint64_t parity : {0U, 1U}) {
      for (std::uint64_t page = parity; page < pages; page += 2) {
        cycle.push_back({.lock = lock, .first_page = page, .pages = 1});
      }
    }
  }
  return cycle;
}

std::vector<LockCall> RandomRanges(std::uint64_t pages, std::uint64_t max_range, std::uint64_t seed) {
  Random random(seed);
  std::vector<LockCall> cycle;
  for (std::uint64_t i = 0; i < pages; ++i) {
    const std::uint64_t first = random.Below(pages);
    const std::uint64_t length = 1 + random.Below(std::min(max_range, pages - first));
    cycle.push_back({.lock = true, .first_page = first, .pages = length});
  }
  std::vector<LockCall> unlocks = cycle;
  std::shuffle(unlocks.begin(), unlocks.end(), random);
  for (LockCall& call : unlocks) {
    call.lock = false;
  }
  cycle.insert(cycle.end(), unlocks.begin(), unlocks.end());
  return cycle;
}

std::vector<LockCall> GrowShrink(std::uint64_t pages, std::uint64_t step) {
  std::vector<LockCall> cycle;
  for (std::uint64_t first = 0; first < pages; first += step) {
    cycle.push_back({.lock = true, .first_page = first, .pages = std::min(step, pages - first)});
  }
  std::vector<LockCall> shrink(cycle.rbegin(), cycle.rend());
  for (LockCall& call : shrink) {
    call.lock = false;
  }
  cycle.insert(cycle.end(), shrink.begin(), shrink.end());
  return cycle;
}

}  // namespace

std::vector<LockCall> MakeCycle(const std::string& pattern, std::uint64_t pages, std::uint64_t max_range,
                                std::uint64_t seed) {
  if (pages == 0 || max_range == 0) {
    throw Failure(Exit::kUsage, "the region and the longest range must be at least one page");
  }
  if (pattern == "every-other") {
    return EveryOther(pages);
  }
  if (pattern == "random") {
    return RandomRanges(pages, max_range, seed);
  }
  if (pattern == "grow-shrink") {
    return GrowShrink(pages, max_range);
  }
  throw Failure(Exit::kUsage, fmt::format("no pattern is called {}", pattern));
}

}  // namespace workload
