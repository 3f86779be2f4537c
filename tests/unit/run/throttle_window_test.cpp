// SPDX-License-Identifier: MIT
#include "run/throttle_window.h"

#include <gtest/gtest.h>

namespace brink {
namespace {

using namespace std::chrono_literals;

TEST(ThrottleWindow, ThrottlingAtTheStartIsForgotten) {
  ThrottleWindow window;
  const auto start = Clock::now();
  for (auto at = 0ms; at <= 5s; at += 25ms) {
    window.Note(start + at, at < 500ms ? 10 : 700);
  }
  EXPECT_EQ(window.Growth(700), 0U);
}

TEST(ThrottleWindow, ThrottlingOfTheLastSecondCounts) {
  ThrottleWindow window;
  const auto start = Clock::now();
  std::uint64_t count = 0;
  for (auto at = 0ms; at <= 5s; at += 25ms) {
    window.Note(start + at, count);
    count += at >= 4500ms ? 3 : 0;
  }
  EXPECT_EQ(window.Growth(count), count);
  EXPECT_GT(count, 0U);
}

TEST(ThrottleWindow, OfAShortRunAllCounts) {
  ThrottleWindow window;
  const auto start = Clock::now();
  window.Note(start, 5);
  window.Note(start + 100ms, 9);
  EXPECT_EQ(window.Growth(12), 12U);
}

}  // namespace
}  // namespace brink
