// SPDX-License-Identifier: MIT
#include "base/units.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace brink {
namespace {

constexpr SizeContext kHost{.page_size = 4096, .whole = 1000000};

std::uint64_t Size(std::string_view text) {
  const auto size = ParseSize(text, kHost);
  EXPECT_TRUE(size.has_value()) << text;
  return size ? size->value : 0;
}

std::string SizeError(std::string_view text, const SizeContext& context = kHost) {
  const auto size = ParseSize(text, context);
  return size ? "none" : size.error().message + " (" + size.error().remedy + ")";
}

TEST(ParseSize, KnowsEveryUnit) {
  EXPECT_EQ(Size("0"), 0U);
  EXPECT_EQ(Size("4096"), 4096U);
  EXPECT_EQ(Size("4096B"), 4096U);
  EXPECT_EQ(Size("8KiB"), 8192U);
  EXPECT_EQ(Size("300MiB"), 300U << 20);
  EXPECT_EQ(Size("2GiB"), 2ULL << 30);
  EXPECT_EQ(Size("1.5GiB"), 3ULL << 29);
  EXPECT_EQ(Size("16pages"), 65536U);
  EXPECT_EQ(Size("16 pages"), 65536U);
  EXPECT_EQ(Size("10%"), 100000U);
}

TEST(ParseSize, NamesTheNearestUnit) {
  EXPECT_EQ(SizeError("5MB"), "'5MB' has the unknown unit 'MB' (did you mean MiB?)");
  EXPECT_EQ(SizeError("5kib"), "'5kib' has the unknown unit 'kib' (did you mean KiB?)");
  EXPECT_EQ(SizeError("5x"), "'5x' has the unknown unit 'x' (use KiB, MiB, GiB, pages or %)");
}

TEST(ParseSize, RefusesWhatIsNoSize) {
  for (const char* text :
       {"", "MiB", "-1", "-1MiB", "+1", "max", "nan", "nanMiB", "inf", "infGiB", ".5GiB", " 1"}) {
    EXPECT_THAT(SizeError(text), testing::HasSubstr("does not start with a non-negative number")) << text;
  }
  EXPECT_THAT(SizeError("1.5"), testing::HasSubstr("is not a whole number of bytes"));
  EXPECT_THAT(SizeError("9223372036854775808"), testing::HasSubstr("more than 2^63-1"));
  EXPECT_THAT(SizeError("99999999999GiB"), testing::HasSubstr("more than 2^63-1"));
  EXPECT_THAT(SizeError(std::string(400, '9')), testing::HasSubstr("out of range"));
  EXPECT_THAT(SizeError("10%", {}), testing::HasSubstr("a share is not allowed here"));
}

TEST(ParseDuration, KnowsEveryUnit) {
  EXPECT_EQ(ParseDuration("250ms").value().count(), 250);
  EXPECT_EQ(ParseDuration("10s").value().count(), 10000);
  EXPECT_EQ(ParseDuration("0.5s").value().count(), 500);
  EXPECT_EQ(ParseDuration("2min").value().count(), 120000);
  EXPECT_EQ(ParseDuration("0").value().count(), 0);
}

TEST(ParseDuration, RefusesWhatIsNoDuration) {
  EXPECT_EQ(ParseDuration("60").error().message, "'60' has no unit");
  EXPECT_EQ(ParseDuration("1h").error().message, "'1h' has the unknown unit 'h'");
  EXPECT_EQ(ParseDuration("99999999999s").error().message, "'99999999999s' is too long");
  for (const char* text : {"", "s", "-1s", "nans", "infs", "max"}) {
    EXPECT_FALSE(ParseDuration(text).has_value()) << text;
  }
}

TEST(Format, IsForPeople) {
  EXPECT_EQ(FormatBytes(512), "512 B");
  EXPECT_EQ(FormatBytes(300ULL << 20), "300 MiB");
  EXPECT_EQ(FormatBytes(3ULL << 29), "1.5 GiB");
  EXPECT_EQ(FormatCount(0), "0");
  EXPECT_EQ(FormatCount(999), "999");
  EXPECT_EQ(FormatCount(65530), "65,530");
  EXPECT_EQ(FormatCount(1234567890), "1,234,567,890");
}

TEST(EditDistance, CountsSlipsOfTheFinger) {
  EXPECT_EQ(EditDistance("", ""), 0U);
  EXPECT_EQ(EditDistance("", "abc"), 3U);
  EXPECT_EQ(EditDistance("memory.max", "memory.max"), 0U);
  EXPECT_EQ(EditDistance("memroy.max", "memory.max"), 1U);  // two letters exchanged are one slip
  EXPECT_EQ(EditDistance("timout", "timeout"), 1U);
  EXPECT_EQ(EditDistance("kitten", "sitting"), 3U);
}

}  // namespace
}  // namespace brink
