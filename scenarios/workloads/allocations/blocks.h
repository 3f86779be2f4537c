// SPDX-License-Identifier: MIT
// The blocks that one thread holds.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "allocations/source.h"
#include "common/checksum.h"

namespace workload {

/// How one thread allocates.
struct BlockLoad {
  std::uint64_t live = 8U << 20U;  // bytes that it holds at the height of a round
  std::uint64_t smallest = 64;     // bytes of a block, at least
  std::uint64_t largest = 4096;    // and at most
  std::uint64_t rounds = 1;        // how often it fills up and lets go
  std::uint64_t kept_percent = 1;  // of the blocks, chosen at random, that outlive a round
};

/// The blocks of one thread, each with the content that belongs to it.
class Blocks {
 public:
  Blocks(const BlockLoad& load, std::unique_ptr<BlockSource> source, std::uint64_t seed);
  Blocks(const Blocks&) = delete;
  Blocks& operator=(const Blocks&) = delete;
  ~Blocks();

  [[nodiscard]] bool Full() const { return bytes_ >= load_.live; }
  /// One more, written to. Throws Failure that names the call.
  void Allocate();
  /// Frees all but the share that is kept. Throws Failure with Exit::kCorrupt when a block has changed.
  void EndRound();
  /// Sum of the checksums of all blocks that were ever freed.
  [[nodiscard]] std::uint64_t ChecksumSum() const { return checksum_; }
  /// How often memory could not be given back.
  [[nodiscard]] std::uint64_t Failures() const { return source_->Failures(); }

 private:
  struct Block {
    std::span<std::byte> data;
    std::uint64_t seed = 0;
  };
  void CheckAndFree(const Block& block);

  const BlockLoad& load_;
  std::unique_ptr<BlockSource> source_;
  Random random_;
  std::vector<Block> blocks_;
  std::uint64_t bytes_ = 0;
  std::uint64_t checksum_ = 0;
};

}  // namespace workload
