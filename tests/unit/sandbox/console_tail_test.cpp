// SPDX-License-Identifier: MIT
#include "sandbox/console_tail.h"

#include <gmock/gmock.h>

namespace brink {
namespace {

using testing::ElementsAre;
using testing::SizeIs;

TEST(ConsoleTail, KeepsTheLastLines) {
  ConsoleTail tail;
  tail.Append("one\r\ntw");
  tail.Append("o\nthree");
  EXPECT_THAT(tail.Lines(), ElementsAre("one", "two", "three"));
  for (int i = 0; i < 100; ++i) {
    tail.Append("more\n");
  }
  EXPECT_THAT(tail.Lines(), SizeIs(30));
  EXPECT_EQ(tail.Lines().back(), "more");
  tail.Append(std::string(1000, 'x'));
  EXPECT_THAT(tail.Lines().back(), SizeIs(400));
}

TEST(ConsoleTail, WhyTheKernelPanickedStaysBeforeALongTrace) {
  ConsoleTail tail;
  tail.Append("earlier\n[ 4.1] Kernel panic - not syncing: Out of memory\n");
  for (int i = 0; i < 100; ++i) {
    tail.Append("[ 4.2]  ? vfs_read+0x1/0x2\n");
  }
  EXPECT_THAT(tail.Lines(), SizeIs(31));
  EXPECT_EQ(tail.Lines().front(), "[ 4.1] Kernel panic - not syncing: Out of memory");
}

}  // namespace
}  // namespace brink
