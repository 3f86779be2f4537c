// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include "evidence/watch.h"

namespace brink {
namespace {

TEST(MapsSummary, CountsByKindCommonestFirst) {
  const auto summary = SummariseMaps(
      "55d0c0000000-55d0c0001000 r-xp 00001000 08:01 1234                       /usr/bin/redis server\n"
      "55d0c1000000-55d0c1021000 rw-p 00000000 00:00 0                          [heap]\n"
      "7f0000000000-7f0000002000 rw-p 00000000 00:00 0 \n"
      "7f0000003000-7f0000005000 rw-p 00000000 00:00 0 \n"
      "7f0000006000-7f0000007000 ---p 00000000 00:00 0 \n"
      "7ffd00000000-7ffd00021000 rw-p 00000000 00:00 0                          [stack]\n"
      "7ffd00030000-7ffd00032000 r-xp 00000000 00:00 0                          [vdso]\n");
  EXPECT_EQ(summary.mappings, 7U);
  EXPECT_EQ(summary.file_backed, 1U);
  EXPECT_EQ(summary.anonymous, 4U);
  EXPECT_EQ(summary.stacks_and_special, 2U);
  ASSERT_GE(summary.commonest.size(), 2U);
  EXPECT_EQ(summary.commonest[0].first, "rw-p 8 KiB anonymous");
  EXPECT_EQ(summary.commonest[0].second, 2U);
}

TEST(MapsSummary, NamesFilesByTheirLastPartBlanksIncluded) {
  const auto summary = SummariseMaps("1000-2000 r-xp 00001000 08:01 1234   /usr/bin/redis server");
  ASSERT_EQ(summary.commonest.size(), 1U);
  EXPECT_EQ(summary.commonest[0].first, "r-xp 4 KiB redis server");
}

TEST(MapsSummary, OfNothingIsEmpty) {
  const auto summary = SummariseMaps("");
  EXPECT_EQ(summary.mappings, 0U);
  EXPECT_TRUE(summary.commonest.empty());
}

TEST(MapsSummary, LinesThatAreNoMappingsDoNotCount) {
  const auto summary =
      SummariseMaps("nonsense\n-\n2000-1000 rw-p 0 0:0 0\nzz-yy rw-p 0 0:0 0\n1000-2000\n\n");
  EXPECT_EQ(summary.mappings, 0U);
}

TEST(MapsSummary, KeepsOnlyTheTenCommonestKinds) {
  std::string maps;
  for (int pages = 1; pages <= 20; ++pages) {
    maps += "100000000-1000" + std::to_string(10 + pages) + "000 rw-p 00000000 00:00 0 \n";
  }
  const auto summary = SummariseMaps(maps);
  EXPECT_EQ(summary.mappings, 20U);
  EXPECT_EQ(summary.commonest.size(), 10U);
}

}  // namespace
}  // namespace brink
