// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>

namespace brink {

/// a + b, UINT64_MAX when it doesn't fit: limits and uses come from the kernel or from a hostile target, and
/// "no limit" is UINT64_MAX.
[[nodiscard]] constexpr std::uint64_t SaturatingSum(std::uint64_t a, std::uint64_t b) {
  return a > UINT64_MAX - b ? UINT64_MAX : a + b;
}

/// a - b, 0 when b is more: figures that the kernel tells one after another need not fit each other.
[[nodiscard]] constexpr std::uint64_t SaturatingDifference(std::uint64_t a, std::uint64_t b) {
  return a > b ? a - b : 0;
}

}  // namespace brink
