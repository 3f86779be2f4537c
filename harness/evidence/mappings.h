// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <vector>

#include "base/result.h"
#include "kernel/process_mappings.h"

namespace brink {

/// ReadProcessMappings(), and where that may not read a process, map_count of every process by BPF, which
/// needs no right over them. The error is the former's.
[[nodiscard]] Result<std::vector<ProcessMappings>> CountProcessMappings(const Roots& roots,
                                                                        std::uint64_t least);

/// The BPF way alone: every process of the machine that has memory of its own.
[[nodiscard]] Result<std::vector<ProcessMappings>> CountProcessMappingsByKernel();

}  // namespace brink
