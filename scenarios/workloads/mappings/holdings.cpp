// SPDX-License-Identifier: MIT
#include "mappings/holdings.h"

#include <fmt/format.h>

#include "common/failure.h"
#include "common/mapping.h"

namespace workload {

std::unique_ptr<Holdings> MakeHoldings(const std::string& kind, std::size_t size, Guard guard) {
  if (size == 0 || size % kPageSize != 0) {
    throw Failure(Exit::kUsage, fmt::format("--size is {}; it must be whole pages of {}", size, kPageSize));
  }
  if (kind == "fibres") {
    return MakeFibreStacks(size, guard);
  }
  if (kind == "threads") {
    return MakeThreadStacks(size, guard);
  }
  if (kind == "buffers") {
    return MakeGrowingBuffers(size, true);
  }
  if (kind == "unchecked-buffers") {
    return MakeGrowingBuffers(size, false);
  }
  throw Failure(Exit::kUsage, fmt::format("nothing to hold is called {}", kind));
}

}  // namespace workload
