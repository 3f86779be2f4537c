// SPDX-License-Identifier: MIT
// Checksums and test data. Every workload sums what it processed, so that silent corruption shows.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

namespace workload {

/// A 64-bit checksum. Any change within one 8-byte word changes it. Not cryptographic. Checksums of parts may
/// be added up: the sum doesn't depend on the order in which threads processed the parts.
[[nodiscard]] std::uint64_t Checksum(std::span<const std::byte> data, std::uint64_t seed = 0);

/// Sixteen hexadecimal digits, as reports print checksums.
[[nodiscard]] std::string ChecksumText(std::uint64_t checksum);

/// SplitMix64: the same numbers on every machine for the same seed.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  [[nodiscard]] std::uint64_t Next() {
    state_ += 0x9e3779b97f4a7c15U;
    std::uint64_t z = state_;
    z = (z ^ (z >> 30U)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27U)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31U);
  }
  /// Uniform enough in [0, bound); `bound` is at least 1.
  [[nodiscard]] std::uint64_t Below(std::uint64_t bound) { return Next() % bound; }

  // What std::shuffle asks of a generator.
  using result_type = std::uint64_t;
  [[nodiscard]] static constexpr result_type min() { return 0; }
  [[nodiscard]] static constexpr result_type max() { return UINT64_MAX; }
  result_type operator()() { return Next(); }

 private:
  std::uint64_t state_;
};

/// Fills `data` with the bytes that belong to `seed`.
void FillPattern(std::span<std::byte> data, std::uint64_t seed);

/// Whether `data` still holds what FillPattern wrote.
[[nodiscard]] bool HoldsPattern(std::span<const std::byte> data, std::uint64_t seed);

}  // namespace workload
