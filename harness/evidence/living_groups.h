// SPDX-License-Identifier: MIT
// The levels of control groups above a living process.
#pragma once

#include "kernel/roots.h"
#include "model/living.h"

namespace brink {

/// Fills memory_groups, pids_groups, cgroup_v2 and groups_note of `process`, whose pid is set.
void ReadGroupLevels(const Roots& roots, LivingProcess& process);

/// Fills oom_groups, and the group of each of `processes`, which are set; after ReadGroupLevels().
void ReadOomGroups(const Roots& roots, LivingProcess& process);

}  // namespace brink
