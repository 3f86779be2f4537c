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
  tail.Append("[ 4.1] Call Trace:\n");
  for (int i = 0; i < 100; ++i) {
    tail.Append("call " + std::to_string(i) + "\n");
  }
  const auto lines = tail.Lines();
  ASSERT_THAT(lines, SizeIs(46));
  EXPECT_EQ(lines[0], "[ 4.1] Kernel panic - not syncing: Out of memory");
  EXPECT_EQ(lines[1], "[ 4.1] Call Trace:");
  EXPECT_EQ(lines[15], "call 13");
  EXPECT_EQ(lines[16], "call 70");
}

TEST(ConsoleTail, NoLineIsToldTwiceWhileATraceComes) {
  ConsoleTail tail;
  tail.Append("Kernel panic - not syncing: x\n");
  for (int i = 1; i < 35; ++i) {
    tail.Append(std::to_string(i) + "\n");
  }
  const auto lines = tail.Lines();
  ASSERT_THAT(lines, SizeIs(35));
  EXPECT_EQ(lines[4], "4");
  EXPECT_EQ(lines[5], "5");
}

}  // namespace
}  // namespace brink
