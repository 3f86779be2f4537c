// SPDX-License-Identifier: MIT
#include "common/latency.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace workload {
namespace {

using std::chrono::nanoseconds;

TEST(Latency, OfNothingIsZero) {
  const Latency latency;
  EXPECT_EQ(latency.Count(), 0U);
  EXPECT_EQ(latency.Percentile(0.99), nanoseconds(0));
  EXPECT_EQ(latency.Max(), nanoseconds(0));
}

TEST(Latency, PercentilesAreWithinASixteenthOfTheTruth) {
  Latency latency;
  for (int i = 1; i <= 100'000; ++i) {
    latency.Record(nanoseconds(i));
  }
  for (const double share : {0.01, 0.5, 0.95, 0.99}) {
    const double truth = share * 100'000;
    const auto found = static_cast<double>(latency.Percentile(share).count());
    EXPECT_GE(found, truth - 1) << share;
    EXPECT_LE(found, truth * (1 + 1.0 / 16)) << share;
  }
  EXPECT_EQ(latency.Percentile(1.0), nanoseconds(100'000));
  EXPECT_EQ(latency.Max(), nanoseconds(100'000));
}

TEST(Latency, TakesTheSmallestAndTheLargestDuration) {
  Latency latency;
  latency.Record(nanoseconds(0));
  latency.Record(nanoseconds(-5));  // a clock that went backwards counts as no time
  latency.Record(nanoseconds::max());
  EXPECT_EQ(latency.Count(), 3U);
  EXPECT_EQ(latency.Percentile(0.5), nanoseconds(0));
  EXPECT_EQ(latency.Percentile(1.0), nanoseconds::max());
}

TEST(Latency, MergedIsAsIfRecordedTogether) {
  Latency one;
  Latency other;
  Latency both;
  for (int i = 1; i <= 1000; ++i) {
    (i % 3 == 0 ? one : other).Record(nanoseconds(i * 977));
    both.Record(nanoseconds(i * 977));
  }
  one.Merge(other);
  EXPECT_EQ(one.ToJson(), both.ToJson());
}

TEST(Latency, JsonIsInMicroseconds) {
  Latency latency;
  latency.Record(nanoseconds(15));
  EXPECT_EQ(latency.ToJson(),
            (nlohmann::json{{"count", 1}, {"p50", 0.015}, {"p95", 0.015}, {"p99", 0.015}, {"max", 0.015}}));
}

TEST(Timed, RecordsOnceAtItsEnd) {
  Latency latency;
  {
    const Timed timed(latency);
    EXPECT_EQ(latency.Count(), 0U);
  }
  EXPECT_EQ(latency.Count(), 1U);
}

}  // namespace
}  // namespace workload
