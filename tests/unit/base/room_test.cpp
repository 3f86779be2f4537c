// SPDX-License-Identifier: MIT
#include "base/room.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace brink {
namespace {

TEST(Room, IsThatOfWhatIsThereOfThePath) {
  EXPECT_EQ(RoomAt("/proc"), 0U);  // a file system without blocks
  EXPECT_EQ(RoomAt("/proc/not/there"), 0U);
  EXPECT_EQ(RoomInWords("/proc/not/there"), "0 B are free in /proc/not/there");
}

TEST(Room, IsMeasuredFromTheCurrentFolder) { EXPECT_GT(RoomAt("not/there"), 0U); }

}  // namespace
}  // namespace brink
