// SPDX-License-Identifier: MIT
#include "common/threads.h"

#include <gtest/gtest.h>

#include <array>

#include "common/failure.h"

namespace workload {
namespace {

TEST(RunInThreads, CallsEveryIndexOnce) {
  std::array<std::atomic<int>, 8> calls{};
  std::atomic<bool> abandoned{false};
  RunInThreads(calls.size(), abandoned, [&](std::size_t i) { ++calls[i]; });
  for (const auto& count : calls) {
    EXPECT_EQ(count, 1);
  }
  EXPECT_FALSE(abandoned);
}

TEST(RunInThreads, PassesOnAFailureOnceTheOthersHaveSeenIt) {
  std::atomic<bool> abandoned{false};
  std::atomic<int> ended{0};
  const auto work = [&](std::size_t index) {
    if (index == 0) {
      throw Failure(Exit::kFailed, "the first one");
    }
    abandoned.wait(false);
    ++ended;
  };
  const auto notifying = [&](std::size_t index) {
    // The library sets the flag without notifying: its own loops poll it. A test that waits must be woken.
    try {
      work(index);
    } catch (...) {
      abandoned = true;
      abandoned.notify_all();
      throw;
    }
  };
  EXPECT_THROW(RunInThreads(4, abandoned, notifying), Failure);
  EXPECT_TRUE(abandoned);
  EXPECT_EQ(ended, 3);
}

}  // namespace
}  // namespace workload
