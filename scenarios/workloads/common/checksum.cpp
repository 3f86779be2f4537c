// SPDX-License-Identifier: MIT
#include "common/checksum.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace workload {
namespace {

// Each step is a bijection of the state for a given word and of the word for a given state: one changed word
// always shows.
std::uint64_t Mix(std::uint64_t state, std::uint64_t word) {
  state = (state ^ word) * 0x9fb21c651e98df25U;
  return state ^ (state >> 32U);
}

/// The word at `offset`; a short one at the end is padded with zeros.
std::uint64_t WordAt(std::span<const std::byte> data, std::size_t offset) {
  std::uint64_t word = 0;
  std::memcpy(&word, data.data() + offset, std::min(sizeof word, data.size() - offset));
  return word;
}

}  // namespace

std::uint64_t Checksum(std::span<const std::byte> data, std::uint64_t seed) {
  std::uint64_t state = Mix(seed ^ 0x2545f4914f6cdd1dU, data.size());
  for (std::size_t offset = 0; offset < data.size(); offset += sizeof(std::uint64_t)) {
    state = Mix(state, WordAt(data, offset));
  }
  return state;
}

std::string ChecksumText(std::uint64_t checksum) { return fmt::format("{:016x}", checksum); }

void FillPattern(std::span<std::byte> data, std::uint64_t seed) {
  Random random(seed);
  for (std::size_t offset = 0; offset < data.size(); offset += sizeof(std::uint64_t)) {
    const std::uint64_t word = random.Next();
    std::memcpy(data.data() + offset, &word, std::min(sizeof word, data.size() - offset));
  }
}

bool HoldsPattern(std::span<const std::byte> data, std::uint64_t seed) {
  Random random(seed);
  for (std::size_t offset = 0; offset < data.size(); offset += sizeof(std::uint64_t)) {
    const std::uint64_t word = random.Next();
    if (std::memcmp(data.data() + offset, &word, std::min(sizeof word, data.size() - offset)) != 0) {
      return false;
    }
  }
  return true;
}

}  // namespace workload
