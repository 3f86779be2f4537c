// SPDX-License-Identifier: MIT
#include "common/checksum.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace workload {
namespace {

TEST(Checksum, ShowsEverySingleBitFlip) {
  std::array<std::byte, 37> data{};
  FillPattern(data, 5);
  const std::uint64_t before = Checksum(data);
  for (std::size_t bit = 0; bit < data.size() * 8; ++bit) {
    data[bit / 8] ^= std::byte(1U << (bit % 8));
    EXPECT_NE(Checksum(data), before) << "bit " << bit;
    data[bit / 8] ^= std::byte(1U << (bit % 8));
  }
  EXPECT_EQ(Checksum(data), before);
}

TEST(Checksum, DependsOnLengthSeedAndOrder) {
  const std::array<std::byte, 16> zeros{};
  EXPECT_NE(Checksum(zeros), Checksum(std::span(zeros).first(15)));
  EXPECT_NE(Checksum(zeros, 1), Checksum(zeros, 2));
  std::array<std::byte, 16> one = zeros;
  std::array<std::byte, 16> other = zeros;
  one[0] = std::byte{1};
  other[8] = std::byte{1};
  EXPECT_NE(Checksum(one), Checksum(other));
}

TEST(Checksum, IsPrintedAsSixteenDigits) { EXPECT_EQ(ChecksumText(0x1fU), "000000000000001f"); }

TEST(Pattern, IsRecognisedAndAChangedByteIsNot) {
  std::vector<std::byte> data(4099);
  FillPattern(data, 42);
  EXPECT_TRUE(HoldsPattern(data, 42));
  EXPECT_FALSE(HoldsPattern(data, 43));
  data.back() ^= std::byte{1};
  EXPECT_FALSE(HoldsPattern(data, 42));
}

TEST(Random, RepeatsItselfForTheSameSeedAndStaysBelowItsBound) {
  Random one(7);
  Random same(7);
  for (int i = 0; i < 1000; ++i) {
    const std::uint64_t number = one.Below(10);
    EXPECT_LT(number, 10U);
    EXPECT_EQ(number, same.Below(10));
  }
}

}  // namespace
}  // namespace workload
