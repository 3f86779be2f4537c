// SPDX-License-Identifier: MIT
#include "common/threads.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <array>
#include <system_error>

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

/// No machine has room for a thread's stack while it lives.
class NoRoomForThreads {
 public:
  NoRoomForThreads() {
    pthread_attr_init(&was_);
    pthread_getattr_default_np(&was_);
    pthread_attr_t huge;
    pthread_attr_init(&huge);
    pthread_attr_setstacksize(&huge, std::size_t{1} << 46U);
    pthread_setattr_default_np(&huge);
    pthread_attr_destroy(&huge);
  }
  NoRoomForThreads(const NoRoomForThreads&) = delete;
  NoRoomForThreads& operator=(const NoRoomForThreads&) = delete;
  ~NoRoomForThreads() {
    pthread_setattr_default_np(&was_);
    pthread_attr_destroy(&was_);
  }

 private:
  pthread_attr_t was_{};
};

TEST(RunInThreads, SaysSoWhereNotAllThreadsAreToBeHad) {
  std::atomic<bool> abandoned{false};
  bool too_few = false;
  const NoRoomForThreads no_room;
  const auto run = [&] {
    RunInThreads(
        2, abandoned, [](std::size_t) {}, [&] { too_few = true; });
  };
  EXPECT_THROW(run(), std::system_error);
  EXPECT_TRUE(abandoned);
  EXPECT_TRUE(too_few);
}

}  // namespace
}  // namespace workload
