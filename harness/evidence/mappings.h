// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/process_mappings.h"

namespace brink {

/// ReadProcessMappings(), and where that may not read a process, map_count of every process by BPF, which
/// needs no right over them. The error is the former's. One that neither way tells of is named in a warning.
[[nodiscard]] Result<std::vector<ProcessMappings>> CountProcessMappings(const Roots& roots,
                                                                        std::uint64_t least);

/// The processes that were counted and have at least `least` mappings, and those that were left out, as they
/// stand in /proc: some machines keep their first process out of the kernel's list of tasks. `untold` gets
/// those that could have as many and cannot be read.
[[nodiscard]] Result<std::vector<ProcessMappings>> AddLeftOut(const Roots& roots, std::uint64_t least,
                                                              std::vector<ProcessMappings> counted,
                                                              std::vector<std::string>& untold);

/// The BPF way alone: every process of the machine that has memory of its own.
[[nodiscard]] Result<std::vector<ProcessMappings>> CountProcessMappingsByKernel();

}  // namespace brink
