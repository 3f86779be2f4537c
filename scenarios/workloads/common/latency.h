// SPDX-License-Identifier: MIT
// Latency percentiles in fixed memory: a workload that measures memory must not grow with what it measures.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>

namespace workload {

/// Counts durations in buckets whose width is at most 1/16 of their value, from 1 ns to the full range. Not
/// thread-safe: one per thread, merged when they are told.
class Latency {
 public:
  void Record(std::chrono::nanoseconds duration);
  void Merge(const Latency& other);
  [[nodiscard]] std::uint64_t Count() const { return count_; }
  [[nodiscard]] std::chrono::nanoseconds Max() const { return std::chrono::nanoseconds(max_ns_); }
  /// The smallest bucket bound that at least `share` (0 to 1) of the durations do not exceed; 0 when there
  /// are none.
  [[nodiscard]] std::chrono::nanoseconds Percentile(double share) const;
  /// {"count": N, "p50": .., "p95": .., "p99": .., "max": ..}, in microseconds.
  [[nodiscard]] nlohmann::json ToJson() const;

 private:
  static constexpr unsigned kSubBits = 4;
  static constexpr std::size_t kBuckets = (64 - kSubBits + 1) << kSubBits;
  [[nodiscard]] static std::size_t BucketOf(std::uint64_t ns);
  [[nodiscard]] static std::uint64_t UpperBound(std::size_t bucket);
  std::array<std::uint64_t, kBuckets> counts_{};
  std::uint64_t count_ = 0;
  std::uint64_t max_ns_ = 0;
};

/// Records the time from its making to its end.
class Timed {
 public:
  explicit Timed(Latency& latency) : latency_(latency), begin_(std::chrono::steady_clock::now()) {}
  Timed(const Timed&) = delete;
  Timed& operator=(const Timed&) = delete;
  ~Timed() { latency_.Record(std::chrono::steady_clock::now() - begin_); }

 private:
  Latency& latency_;
  std::chrono::steady_clock::time_point begin_;
};

}  // namespace workload
