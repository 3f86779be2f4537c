// SPDX-License-Identifier: MIT
#include "base/pattern.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

namespace brink {
namespace {

TEST(Pattern, IsSearchedAnywhereInALine) {
  const auto pattern = Pattern::Compile("ENOMEM|Cannot allocate");
  ASSERT_TRUE(pattern.has_value());
  EXPECT_TRUE(pattern->FoundIn("fork: Cannot allocate memory"));
  EXPECT_FALSE(pattern->FoundIn("all is well"));
  EXPECT_EQ(pattern->Text(), "ENOMEM|Cannot allocate");
}

TEST(Pattern, SaysWhatIsWrongWithAnExpression) {
  const auto pattern = Pattern::Compile("fork(");
  ASSERT_FALSE(pattern.has_value());
  EXPECT_THAT(pattern.error().message, testing::StartsWith("'fork(' is not a regular expression: "));
  EXPECT_FALSE(pattern.error().remedy.empty());
}

TEST(Pattern, TakesLongLinesAndOddBytes) {
  const auto pattern = Pattern::Compile("(a+)+b");
  ASSERT_TRUE(pattern.has_value());
  EXPECT_FALSE(pattern->FoundIn(std::string(1000000, 'a')));
  EXPECT_TRUE(pattern->FoundIn(std::string("\0\xff", 2) + "ab"));
}

}  // namespace
}  // namespace brink
