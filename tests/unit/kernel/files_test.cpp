// SPDX-License-Identifier: MIT
#include "kernel/files.h"

#include "fake_tree.h"
#include "kernel/rlimits.h"

namespace brink {
namespace {

class FilesTest : public FakeTree {};

TEST_F(FilesTest, ReadsWithoutTheNewlineAndNamesAMissingFile) {
  Write("proc/x", "12\n");
  EXPECT_EQ(ReadSmallFile(roots_.proc + "/x").value(), "12");
  EXPECT_EQ(ReadNumber(roots_.proc + "/x"), 12U);
  const auto missing = ReadSmallFile(roots_.proc + "/none");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, ENOENT);
  EXPECT_NE(missing.error().message.find("/none"), std::string::npos);
}

TEST_F(FilesTest, NumbersAreWholeAndInRange) {
  EXPECT_EQ(ParseNumber("18446744073709551615"), UINT64_MAX);
  for (const char* text : {"", "max", "-1", "12 ", "1.5", "18446744073709551616"}) {
    EXPECT_FALSE(ParseNumber(text)) << text;
  }
}

TEST_F(FilesTest, FindsKeysOfEventsAndMeminfo) {
  const std::string text = "oom_kill_disable 0\nunder_oom 1\noom_kill 7\nMemTotal:   8 kB\nbad x";
  EXPECT_EQ(FindNumber(text, "oom_kill"), 7U);
  EXPECT_EQ(FindNumber(text, "oom_kill_disable"), 0U);
  EXPECT_EQ(FindNumber(text, "MemTotal"), 8U);
  EXPECT_FALSE(FindNumber(text, "bad"));
  EXPECT_FALSE(FindNumber(text, "none"));
}

TEST_F(FilesTest, SplitsWithoutEmptyParts) {
  const std::string text = "a  b c ";
  EXPECT_EQ(Split(text, ' '), (std::vector<std::string_view>{"a", "b", "c"}));
  EXPECT_EQ(Trim(" \t x y\n"), "x y");
}

TEST(Rlimits, ParsesNumbersAndNoLimitAndLeavesEmptyEnds) {
  const auto limit = ParseRlimit({.name = "RLIMIT_AS", .soft = "4096", .hard = "unlimited"});
  ASSERT_TRUE(limit);
  EXPECT_EQ(FormatRlimit(*limit), "4096:unlimited");
  const auto half = ParseRlimit({.name = "RLIMIT_AS", .soft = "4096", .hard = ""});
  ASSERT_TRUE(half);
  EXPECT_EQ(Resolve(*half, {.rlim_cur = 1, .rlim_max = 9}).rlim_max, 9U);
  EXPECT_TRUE(Matches(*half, {.rlim_cur = 4096, .rlim_max = 9}));
  EXPECT_FALSE(ParseRlimit({.name = "RLIMIT_NONE", .soft = "1", .hard = "1"}));
  EXPECT_FALSE(ParseRlimit({.name = "RLIMIT_AS", .soft = "1k", .hard = "1"}));
}

}  // namespace
}  // namespace brink
