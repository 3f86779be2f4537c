// SPDX-License-Identifier: MIT
// How much a counter that only grows has grown of late.
#pragma once

#include <cstdint>

#include "base/clock.h"
#include "base/slowness.h"

namespace brink {

/// Of the times a group was throttled (memory.events "high"): a target that was throttled once at its start
/// does not hang because of that. Two marks, at least a second apart (more in a slow guest), so that the
/// older one lies one to two seconds back.
class ThrottleWindow {
 public:
  /// Call it with every sample.
  void Note(Clock::time_point now, std::uint64_t count) {
    if (now - later_.at >= Stretched(Seconds(1))) {
      earlier_ = later_;
      later_ = {.at = now, .count = count};
    }
  }
  /// The growth up to `count` since the older mark; all of it when there are no two yet.
  [[nodiscard]] std::uint64_t Growth(std::uint64_t count) const { return count - earlier_.count; }

 private:
  struct Mark {
    Clock::time_point at;
    std::uint64_t count = 0;
  };
  Mark earlier_;
  Mark later_;
};

}  // namespace brink
