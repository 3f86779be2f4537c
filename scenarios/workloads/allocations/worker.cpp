// SPDX-License-Identifier: MIT
#include "allocations/worker.h"

#include "common/stop.h"

namespace workload {
namespace {

constexpr std::uint64_t kTimedEvery = 64;

bool GivenUp(const std::atomic<bool>& abandoned) {
  return StopRequested() || abandoned.load(std::memory_order_relaxed);
}

}  // namespace

void Worker::Run(const std::atomic<bool>& abandoned, const BlockDone& block_done) {
  for (std::uint64_t round = 0; round < load_.rounds && !GivenUp(abandoned); ++round) {
    FillUp(abandoned, block_done);
    blocks_.EndRound();
  }
}

void Worker::FillUp(const std::atomic<bool>& abandoned, const BlockDone& block_done) {
  while (!blocks_.Full() && !GivenUp(abandoned)) {
    if (allocated_ % kTimedEvery == 0) {
      block_done(TimedAllocation());
    } else {
      blocks_.Allocate();
    }
    ++allocated_;
  }
}

std::chrono::steady_clock::time_point Worker::TimedAllocation() {
  const auto begin = std::chrono::steady_clock::now();
  blocks_.Allocate();
  const auto end = std::chrono::steady_clock::now();
  const std::lock_guard lock(latency_mutex_);
  latency_.Record(end - begin);
  return end;
}

Latency Worker::BlockLatency() const {
  const std::lock_guard lock(latency_mutex_);
  return latency_;
}

}  // namespace workload
