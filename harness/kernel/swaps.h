// SPDX-License-Identifier: MIT
// The machine's swap: what there is, and what swap in memory itself (zram) takes.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/result.h"
#include "kernel/roots.h"
#include "model/evidence.h"
#include "model/plan.h"

namespace brink {

/// The areas of /proc/swaps, the one that is used first coming first; none where that cannot be read.
[[nodiscard]] std::vector<SwapArea> ReadSwaps(const Roots& roots);

/// What those of the areas that are zram hold now, without the time; nothing when none is. Its source is
/// /sys/block/zramN/mm_stat (the kernel's admin-guide/blockdev/zram.rst).
[[nodiscard]] std::optional<ZramFigures> ReadZram(const Roots& roots, std::span<const SwapArea> areas);

/// That a guest has the swap that it was to have, and uses zram before the disk. `areas` as ReadSwaps() gives
/// them. The error tells what /proc/swaps has instead.
[[nodiscard]] Status CheckSwaps(const GuestSpec& spec, std::span<const SwapArea> areas);

}  // namespace brink
