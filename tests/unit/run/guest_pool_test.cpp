// SPDX-License-Identifier: MIT
#include "run/guest_pool.h"

#include <gtest/gtest.h>

#include <vector>

namespace brink {
namespace {

constexpr std::uint64_t kGiB = std::uint64_t{1} << 30;

TEST(WhyNoSuchMachine, OnlyAVersionThatTheKernelLacksRulesItOut) {
  GuestSpec spec;
  spec.kernel = "/boot/bzImage";
  spec.cgroup = "v1";
  GuestKernel kernel;
  EXPECT_EQ(WhyNoSuchMachine(spec, kernel),
            "/boot/bzImage is built without the memory controller of cgroup v1");
  kernel.cgroup_v1 = true;
  EXPECT_EQ(WhyNoSuchMachine(spec, kernel), "");
  spec.cgroup = "v2";
  kernel.cgroup_v1 = false;
  EXPECT_EQ(WhyNoSuchMachine(spec, kernel), "");
}

TEST(HasRoomFor, AFifthOfWhatIsAvailableStaysForOthers) {
  EXPECT_TRUE(HasRoomFor(4 * kGiB, {}, 5 * kGiB));
  EXPECT_FALSE(HasRoomFor(4 * kGiB + 1, {}, 5 * kGiB));
}

TEST(HasRoomFor, WhatRunningGuestsMayStillTakeIsSpokenFor) {
  const std::vector<GuestMemory> fresh{{.promised_bytes = 2 * kGiB, .taken_bytes = kGiB / 4}};
  EXPECT_FALSE(HasRoomFor(2 * kGiB, fresh, 4 * kGiB));
  EXPECT_TRUE(HasRoomFor(2 * kGiB, fresh, 5 * kGiB));
  const std::vector<GuestMemory> two{fresh[0], fresh[0]};
  EXPECT_FALSE(HasRoomFor(2 * kGiB, two, 5 * kGiB));
}

/// What they have taken is no longer available: it is not to be counted twice.
TEST(HasRoomFor, WhatTheyHaveTakenIsNotCountedAgain) {
  const std::vector<GuestMemory> full{{.promised_bytes = 2 * kGiB, .taken_bytes = 2 * kGiB}};
  EXPECT_TRUE(HasRoomFor(2 * kGiB, full, 5 * kGiB / 2));
}

TEST(HasRoomFor, OneThatTookMoreThanPromisedOwesNothing) {
  const std::vector<GuestMemory> over{{.promised_bytes = kGiB, .taken_bytes = 3 * kGiB}};
  EXPECT_TRUE(HasRoomFor(kGiB, over, 2 * kGiB));
}

}  // namespace
}  // namespace brink
