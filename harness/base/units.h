// SPDX-License-Identifier: MIT
// Sizes and durations as people write them.
#pragma once

#include <chrono>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"

namespace brink {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;

/// A number of bytes.
struct Bytes {
  std::uint64_t value = 0;
  auto operator<=>(const Bytes&) const = default;
};

/// Where a size that is a share (10%) or a number of pages gets its measure from.
struct SizeContext {
  std::uint64_t page_size = 4096;
  /// What 100% is: the machine's memory (MemTotal), in bytes; 0 forbids percentages.
  std::uint64_t whole = 0;
};

/// Parses "300MiB", "8KiB", "2GiB", "4096", "4096B", "16pages", "10%". Case matters. Refuses negative
/// numbers, unknown units (the message names the nearest: "MB" -> "MiB"), values beyond 2^63-1. A fraction is
/// allowed with a unit ("1.5GiB").
[[nodiscard]] Result<Bytes> ParseSize(std::string_view text, const SizeContext& context = {});

/// Parses "250ms", "10s", "2min", "0.5s". A unit is required; "0" alone is allowed.
[[nodiscard]] Result<std::chrono::milliseconds> ParseDuration(std::string_view text);

/// "300 MiB", "1.5 GiB", "512 B": for people, three significant digits.
[[nodiscard]] std::string FormatBytes(std::uint64_t bytes);

/// "65,530": for people.
[[nodiscard]] std::string FormatCount(std::uint64_t count);

/// Damerau-Levenshtein distance, for "did you mean".
[[nodiscard]] std::size_t EditDistance(std::string_view a, std::string_view b);

}  // namespace brink
