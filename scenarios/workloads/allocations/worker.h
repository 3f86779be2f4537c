// SPDX-License-Identifier: MIT
// One thread's rounds of allocating and freeing.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>

#include "allocations/blocks.h"
#include "common/latency.h"

namespace workload {

class Worker {
 public:
  Worker(const BlockLoad& load, std::unique_ptr<BlockSource> source, std::uint64_t seed)
      : load_(load), blocks_(load, std::move(source), seed) {}

  /// Called after every 64th block, with the time.
  using BlockDone = std::function<void(std::chrono::steady_clock::time_point)>;
  /// Runs all rounds, or until a stop is requested or `abandoned` is set. What is kept stays. Throws Failure.
  void Run(const std::atomic<bool>& abandoned, const BlockDone& block_done);

  /// So far; safe from other threads.
  [[nodiscard]] std::uint64_t Allocated() const { return allocated_; }
  /// Of every 64th allocation, the writing to it included; safe from other threads.
  [[nodiscard]] Latency BlockLatency() const;
  [[nodiscard]] std::uint64_t ChecksumSum() const { return blocks_.ChecksumSum(); }
  [[nodiscard]] std::uint64_t Failures() const { return blocks_.Failures(); }

 private:
  void FillUp(const std::atomic<bool>& abandoned, const BlockDone& block_done);
  std::chrono::steady_clock::time_point TimedAllocation();

  const BlockLoad& load_;
  Blocks blocks_;
  std::atomic<std::uint64_t> allocated_{0};
  mutable std::mutex latency_mutex_;
  Latency latency_;
};

}  // namespace workload
