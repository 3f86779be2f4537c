// SPDX-License-Identifier: MIT
#include "common/latency.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <nlohmann/json.hpp>

namespace workload {

// Values below 2^kSubBits have a bucket each; above, every power of two is cut into 2^kSubBits buckets.
std::size_t Latency::BucketOf(std::uint64_t ns) {
  if (ns < (1U << kSubBits)) {
    return ns;
  }
  const auto shift = static_cast<unsigned>(std::bit_width(ns)) - 1 - kSubBits;
  return ((shift + 1U) << kSubBits) + ((ns >> shift) & ((1U << kSubBits) - 1));
}

std::uint64_t Latency::UpperBound(std::size_t bucket) {
  if (bucket < (1U << kSubBits)) {
    return bucket;
  }
  const std::size_t shift = (bucket >> kSubBits) - 1;
  const std::uint64_t low = (1U << kSubBits) + (bucket & ((1U << kSubBits) - 1));
  return (low << shift) + ((std::uint64_t{1} << shift) - 1);
}

void Latency::Record(std::chrono::nanoseconds duration) {
  const auto ns = static_cast<std::uint64_t>(std::max<std::int64_t>(duration.count(), 0));
  ++counts_[BucketOf(ns)];
  ++count_;
  max_ns_ = std::max(max_ns_, ns);
}

void Latency::Merge(const Latency& other) {
  for (std::size_t i = 0; i < kBuckets; ++i) {
    counts_[i] += other.counts_[i];
  }
  count_ += other.count_;
  max_ns_ = std::max(max_ns_, other.max_ns_);
}

std::chrono::nanoseconds Latency::Percentile(double share) const {
  const auto wanted = static_cast<std::uint64_t>(std::ceil(share * static_cast<double>(count_)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < kBuckets && count_ > 0; ++i) {
    seen += counts_[i];
    if (seen >= std::max<std::uint64_t>(wanted, 1)) {
      return std::chrono::nanoseconds(std::min(UpperBound(i), max_ns_));
    }
  }
  return std::chrono::nanoseconds(0);
}

nlohmann::json Latency::ToJson() const {
  const auto us = [](std::chrono::nanoseconds ns) { return static_cast<double>(ns.count()) / 1000.0; };
  return {{"count", count_},
          {"p50", us(Percentile(0.50))},
          {"p95", us(Percentile(0.95))},
          {"p99", us(Percentile(0.99))},
          {"max", us(Max())}};
}

}  // namespace workload
