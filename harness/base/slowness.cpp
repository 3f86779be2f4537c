// SPDX-License-Identifier: MIT
#include "base/slowness.h"

#include <algorithm>
#include <atomic>

namespace brink {
namespace {

std::atomic<double> slowness{1};

}  // namespace

void SetSlowness(double times) { slowness = std::max(times, 1.0); }

Clock::duration Stretched(Seconds bound) {
  return std::chrono::duration_cast<Clock::duration>(bound * slowness.load());
}

}  // namespace brink
