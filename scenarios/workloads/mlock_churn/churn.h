// SPDX-License-Identifier: MIT
// One region whose pages are locked and unlocked, or otherwise set apart, in cycles; its data must not change
// meanwhile.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <mutex>
#include <vector>

#include "common/latency.h"
#include "common/mapping.h"
#include "mlock_churn/page_calls.h"
#include "mlock_churn/pattern.h"

namespace workload {

class Churn {
 public:
  /// Takes a region of the given pages and fills it. `cycle` must fit into it. Throws Failure.
  Churn(std::uint64_t pages, std::vector<LockCall> cycle, const PageCalls& calls, std::uint64_t seed);

  /// Runs whole cycles until `calls` calls are made, a stop is requested or `abandoned` is set; the data is
  /// checked between cycles and at the end. `cycle_done` is called after each cycle, with the time. Throws
  /// Failure: "mlock: Cannot allocate memory (ENOMEM)", or Exit::kCorrupt.
  using CycleDone = std::function<void(std::chrono::steady_clock::time_point)>;
  void Run(std::uint64_t calls, const std::atomic<bool>& abandoned, const CycleDone& cycle_done);

  /// Of whole cycles; safe from other threads.
  [[nodiscard]] std::uint64_t Calls() const { return calls_; }
  /// Time spent in cycles, without the checks between them.
  [[nodiscard]] std::chrono::nanoseconds CallTime() const { return call_time_; }
  [[nodiscard]] std::uint64_t ChecksumSum() const { return checksum_; }
  /// Of every 64th call: measuring each would slow the course down. Safe from other threads.
  [[nodiscard]] Latency CallLatency() const;

 private:
  /// Returns the time at its end.
  std::chrono::steady_clock::time_point RunCycle();
  void TimedCall(const LockCall& call);
  void Call(const LockCall& call) const;
  /// Fills the region anew where the calls have emptied pages, and checks it.
  void Check();

  Mapping region_;
  std::vector<LockCall> cycle_;
  const PageCalls& page_calls_;
  std::uint64_t seed_;
  std::uint64_t expected_;
  std::atomic<std::uint64_t> calls_{0};
  std::uint64_t next_check_ = 0;
  std::uint64_t checksum_ = 0;
  std::chrono::nanoseconds call_time_{0};
  mutable std::mutex latency_mutex_;
  Latency latency_;
};

}  // namespace workload
