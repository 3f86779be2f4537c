// SPDX-License-Identifier: MIT
// What cases can leave on a machine that others are to run on.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "kernel/roots.h"
#include "model/evidence.h"

namespace brink {

/// What is looked at, and what it read: the processes of programs, all writable values of /proc/sys, those of
/// /sys/kernel/mm (huge pages, ksm) and zswap, the processors that are on, modules, mounts, swap areas
/// and the most memory that zram may take, the clock (to the second), addresses and routes, System V's
/// segments, what lies in the tmpfs folders /dev/shm and /dev/mqueue, limits of the control groups that all
/// cases' own are below (each hierarchy's root, and brink's group in it) with the groups beside those, and
/// the number of files on the disk that holds everything else. Not looked at: contents of files that were
/// there before, packet filters and queues of the network, the cases' own groups (they are removed with
/// proof).
using MachineTraces = std::map<std::string, std::string>;

/// `disk` is a folder of the disk that holds all files that can be changed. Some 100 ms in an emulated guest.
[[nodiscard]] MachineTraces ReadTraces(const Roots& roots, const std::string& disk);

/// Up to twenty differences: "/proc/sys/vm/max_map_count was 65530, and is 3000; ..."; empty when there is
/// none.
[[nodiscard]] std::string DifferencesOf(const MachineTraces& before, const MachineTraces& after);

/// Why that case's machine counts as one that ran out of memory; empty when it did not. `oom_kills` is by how
/// much "oom_kill" of /proc/vmstat grew: kills of the whole machine and of memory cgroups alike, so it
/// decides only where the evidence may lack kills.
[[nodiscard]] std::string Exhaustion(const Evidence& evidence, std::uint64_t oom_kills);

}  // namespace brink
