// SPDX-License-Identifier: MIT
#include "kernel/swaps.h"

#include <gmock/gmock.h>

#include "base/units.h"
#include "fake_tree.h"

namespace brink {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

constexpr const char* kHeadings = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";

class SwapsTest : public FakeTree {};

TEST_F(SwapsTest, TheAreaThatIsUsedFirstComesFirst) {
  Write("proc/swaps", std::string(kHeadings) +
                          "/dev/vdb                                partition\t1048572\t\t0\t\t-3\n"
                          "/dev/zram0                              partition\t524284\t\t4096\t\t-2\n");
  const auto areas = ReadSwaps(roots_);
  ASSERT_EQ(areas.size(), 2U);
  EXPECT_EQ(areas[0].device, "/dev/zram0");
  EXPECT_EQ(areas[0].bytes, 512 * kMiB - 4096);
  EXPECT_EQ(areas[0].priority, -2);
  EXPECT_EQ(areas[1].device, "/dev/vdb");
  EXPECT_EQ(areas[1].priority, -3);
}

TEST_F(SwapsTest, AMachineWithoutSwapHasNoAreas) {
  EXPECT_THAT(ReadSwaps(roots_), IsEmpty());
  Write("proc/swaps", kHeadings);
  EXPECT_THAT(ReadSwaps(roots_), IsEmpty());
  Write("proc/swaps", std::string(kHeadings) + "/dev/vdb partition max 0 -2\n/dev/vdb partition 8\n");
  EXPECT_THAT(ReadSwaps(roots_), IsEmpty());
}

TEST_F(SwapsTest, WhatAllZramTakesIsAddedUp) {
  Write("proc/meminfo", "MemTotal: 524288 kB\nSwapFree: 2048 kB\n");
  Write("sys/block/zram0/mm_stat", "  4096000  4200000  4300800        0  5000000  7  0  1000 1000\n");
  Write("sys/block/zram1/mm_stat", "      1000      300     4096        0     4096  0  0     0\n");
  const std::vector<SwapArea> areas{
      {.device = "/dev/zram0"}, {.device = "/dev/vdb"}, {.device = "/dev/zram1"}};
  const auto figures = ReadZram(roots_, areas);
  ASSERT_TRUE(figures);
  EXPECT_EQ(figures->stored_bytes, 4097000U);
  EXPECT_EQ(figures->memory_bytes, 4304896U);
  EXPECT_EQ(figures->swap_free_bytes, 2 * kMiB);
}

TEST_F(SwapsTest, WithoutZramThereAreNoFigures) {
  EXPECT_FALSE(ReadZram(roots_, std::vector<SwapArea>{{.device = "/dev/vdb"}}));
  EXPECT_FALSE(ReadZram(roots_, std::vector<SwapArea>{{.device = "/dev/zram0"}}));
  Write("sys/block/zram0/mm_stat", "none\n");
  EXPECT_FALSE(ReadZram(roots_, std::vector<SwapArea>{{.device = "/dev/zram0"}}));
}

TEST(CheckSwaps, AGuestHasTheSwapThatItWasToHave) {
  const SwapArea zram{.device = "/dev/zram0", .bytes = 512 * kMiB - 4096, .priority = -2};
  const SwapArea disk{.device = "/dev/vdb", .bytes = 256 * kMiB - 4096, .priority = -3};
  GuestSpec spec;
  EXPECT_TRUE(CheckSwaps(spec, {}));
  spec.zram_bytes = 512 * kMiB;
  EXPECT_TRUE(CheckSwaps(spec, std::vector{zram}));
  spec.swap_bytes = 256 * kMiB;
  EXPECT_TRUE(CheckSwaps(spec, std::vector{zram, disk}));
  spec.zram_bytes = 0;
  EXPECT_TRUE(CheckSwaps(spec, std::vector{disk}));
}

TEST(CheckSwaps, OneThatLacksItOrUsesTheDiskFirstIsRefused) {
  const SwapArea zram{.device = "/dev/zram0", .bytes = 512 * kMiB - 4096, .priority = -3};
  const SwapArea disk{.device = "/dev/vdb", .bytes = 512 * kMiB - 4096, .priority = -2};
  GuestSpec spec;
  spec.zram_bytes = 512 * kMiB;
  EXPECT_THAT(CheckSwaps(spec, {}).error().message,
              HasSubstr("512 MiB of swap in zram, and /proc/swaps has nothing"));
  EXPECT_FALSE(CheckSwaps(spec, std::vector{disk}));
  spec.zram_bytes = 64 * kMiB;
  EXPECT_FALSE(CheckSwaps(spec, std::vector{zram})) << "of another size";
  spec.zram_bytes = spec.swap_bytes = 512 * kMiB;
  EXPECT_THAT(CheckSwaps(spec, std::vector{disk, zram}).error().message,
              HasSubstr("/dev/vdb of 512 MiB with priority -2, /dev/zram0 of 512 MiB with priority -3"));
}

}  // namespace
}  // namespace brink
