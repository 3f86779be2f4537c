// SPDX-License-Identifier: MIT
#pragma once

#include <chrono>
#include <cstdint>

namespace brink {

/// CLOCK_MONOTONIC, the clock of bpf_ktime_get_ns(): times of the kernel and of brink compare directly.
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

[[nodiscard]] inline std::uint64_t MonotonicNs() {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now().time_since_epoch()).count());
}

}  // namespace brink
