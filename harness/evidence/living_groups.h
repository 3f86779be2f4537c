// SPDX-License-Identifier: MIT
// The levels of control groups above a living process. Internal to living.cpp.
#pragma once

#include "kernel/roots.h"
#include "model/living.h"

namespace brink {

/// Fills memory_groups, pids_groups, cgroup_v2 and groups_note of `process`, whose pid is set.
void ReadGroupLevels(const Roots& roots, LivingProcess& process);

/// The path of its group in one hierarchy, from the text of /proc/PID/cgroup; nothing when it is not there.
/// `controller` empty: that of cgroup v2.
[[nodiscard]] std::optional<std::string> GroupPathOf(std::string_view cgroup_text,
                                                     std::string_view controller);

}  // namespace brink
