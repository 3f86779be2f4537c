// SPDX-License-Identifier: MIT
// What cases can leave on a machine that others are to run on.
#pragma once

#include <map>
#include <string>

#include "kernel/roots.h"

namespace brink {

/// What is looked at, and what it read: the writable values of /proc/sys/vm, kernel and fs, transparent huge
/// pages, mounts, swap, System V's segments, what lies in the tmpfs folders /dev/shm and /dev/mqueue, and the
/// number of files on the disk that holds everything else. Not looked at: contents of files that were there
/// before, and the network's settings.
using MachineTraces = std::map<std::string, std::string>;

/// `disk` is a folder of the disk that holds all files that can be changed. A few tens of milliseconds in an
/// emulated guest.
[[nodiscard]] MachineTraces ReadTraces(const Roots& roots, const std::string& disk);

/// The first difference: "/proc/sys/vm/max_map_count was 65530, and is 3000"; empty when there is none.
[[nodiscard]] std::string DifferenceOf(const MachineTraces& before, const MachineTraces& after);

}  // namespace brink
