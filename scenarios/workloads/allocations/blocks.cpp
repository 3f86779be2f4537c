// SPDX-License-Identifier: MIT
#include "allocations/blocks.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "common/failure.h"

namespace workload {

Blocks::Blocks(const BlockLoad& load, std::unique_ptr<BlockSource> source, std::uint64_t seed)
    : load_(load), source_(std::move(source)), random_(seed) {
  // At once, and more than the average: a list that grew at the limit would ask for a mapping of its own.
  const std::uint64_t average = (load.smallest + load.largest) / 2;
  blocks_.reserve(load.live / average * 5 / 4 + 1);
}

Blocks::~Blocks() {
  for (const Block& block : blocks_) {
    source_->GiveBack(block.data);
  }
}

void Blocks::Allocate() {
  const std::uint64_t size = load_.smallest + random_.Below(load_.largest - load_.smallest + 1);
  const Block block{.data = source_->Take(size), .seed = random_.Next()};
  FillPattern(block.data, block.seed);
  blocks_.push_back(block);
  bytes_ += block.data.size();
}

void Blocks::EndRound() {
  std::shuffle(blocks_.begin(), blocks_.end(), random_);
  const std::size_t kept = blocks_.size() * load_.kept_percent / 100;
  while (blocks_.size() > kept) {
    const Block block = blocks_.back();
    blocks_.pop_back();
    CheckAndFree(block);
  }
}

void Blocks::CheckAndFree(const Block& block) {
  if (!HoldsPattern(block.data, block.seed)) {
    FailCorrupt(fmt::format("a block of {} bytes has changed", block.data.size()));
  }
  checksum_ += Checksum(block.data);
  bytes_ -= block.data.size();
  source_->GiveBack(block.data);
}

}  // namespace workload
