// SPDX-License-Identifier: MIT
#include "base/slowness.h"

#include <gtest/gtest.h>

namespace brink {
namespace {

TEST(Slowness, StretchesBoundsAndNeverShortensThem) {
  const Seconds bound(2);
  EXPECT_EQ(Stretched(bound), std::chrono::seconds(2));
  SetSlowness(12.5);
  EXPECT_EQ(Stretched(bound), std::chrono::seconds(25));
  SetSlowness(0.5);
  EXPECT_EQ(Stretched(bound), std::chrono::seconds(2));
}

}  // namespace
}  // namespace brink
