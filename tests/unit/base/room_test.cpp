// SPDX-License-Identifier: MIT
#include "base/room.h"

#include <gmock/gmock.h>

namespace brink {
namespace {

TEST(Room, IsThatOfWhatIsThereOfThePath) {
  const std::string folder = testing::TempDir() + "not/there";
  EXPECT_THAT(RoomInWords(folder), testing::EndsWith("iB are free in " + folder));
}

TEST(Room, IsNotKnownWhereAFileSystemCountsNoBlocks) {
  EXPECT_EQ(RoomAt("/proc"), UINT64_MAX);
  EXPECT_EQ(RoomInWords("/proc/not/there"), "");
}

TEST(Room, IsMeasuredFromTheCurrentFolder) { EXPECT_GT(RoomAt("not/there"), 0U); }

}  // namespace
}  // namespace brink
