// SPDX-License-Identifier: MIT
#include "mlock_churn/pattern.h"

#include <gtest/gtest.h>

#include "common/failure.h"

namespace workload {
namespace {

/// Which pages are locked after the first `calls` calls; locks do not nest.
std::vector<bool> LockedAfter(const std::vector<LockCall>& cycle, std::size_t calls, std::uint64_t pages) {
  std::vector<bool> locked(pages, false);
  for (std::size_t i = 0; i < calls; ++i) {
    for (std::uint64_t page = 0; page < cycle[i].pages; ++page) {
      locked.at(cycle[i].first_page + page) = cycle[i].lock;
    }
  }
  return locked;
}

/// Mappings of a region whose neighbours with the same state merge.
std::size_t Runs(const std::vector<bool>& locked) {
  std::size_t runs = 1;
  for (std::size_t i = 1; i < locked.size(); ++i) {
    runs += locked[i] != locked[i - 1] ? 1 : 0;
  }
  return runs;
}

TEST(Cycle, OfEveryPatternStaysInTheRegionAndEndsUnlocked) {
  for (const char* pattern : {"every-other", "random", "grow-shrink"}) {
    for (const std::uint64_t pages : {1U, 2U, 7U, 64U}) {
      const auto cycle = MakeCycle(pattern, pages, 5, 1);
      ASSERT_FALSE(cycle.empty());
      EXPECT_EQ(LockedAfter(cycle, cycle.size(), pages), std::vector<bool>(pages, false))
          << pattern << " " << pages;
    }
  }
}

TEST(Cycle, EveryOtherMakesAMappingOfEachPageAndMergesThemAgain) {
  const auto cycle = MakeCycle("every-other", 64, 1, 1);
  EXPECT_EQ(Runs(LockedAfter(cycle, 32, 64)), 64U);
  EXPECT_EQ(Runs(LockedAfter(cycle, 64, 64)), 1U);
}

TEST(Cycle, GrowShrinkNeverHasMoreThanTwoMappings) {
  const auto cycle = MakeCycle("grow-shrink", 64, 5, 1);
  for (std::size_t calls = 0; calls <= cycle.size(); ++calls) {
    EXPECT_LE(Runs(LockedAfter(cycle, calls, 64)), 2U);
  }
}

TEST(Cycle, RandomDependsOnTheSeedAlone) {
  const auto first_pages = [](std::uint64_t seed) {
    std::vector<std::uint64_t> pages;
    for (const LockCall& call : MakeCycle("random", 64, 5, seed)) {
      pages.push_back(call.first_page);
    }
    return pages;
  };
  EXPECT_EQ(first_pages(1), first_pages(1));
  EXPECT_NE(first_pages(1), first_pages(2));
}

TEST(Cycle, RefusesAnUnknownPatternAndAnEmptyRegion) {
  EXPECT_THROW((void)MakeCycle("sideways", 8, 1, 1), Failure);
  EXPECT_THROW((void)MakeCycle("random", 0, 1, 1), Failure);
}

}  // namespace
}  // namespace workload
