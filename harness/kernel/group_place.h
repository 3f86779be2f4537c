// SPDX-License-Identifier: MIT
// Where the control group of a process that brink did not start is found, and what befell brink's own.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"
#include "kernel/cgroup.h"
#include "kernel/roots.h"

namespace brink {

/// A group's folder is `mount` + `path`.
struct GroupPlace {
  std::string mount;
  std::string path;  // "/" for the mount's root
  bool v2 = false;
};

/// The path of a process's group in one hierarchy, from the text of /proc/PID/cgroup; nothing when it is not
/// there. `controller` empty: that of cgroup v2.
[[nodiscard]] std::optional<std::string> GroupPathOf(std::string_view cgroup_text,
                                                     std::string_view controller);

/// The group of a process, from the text of its /proc/PID/cgroup. The error says what is hidden and from
/// where it can be seen.
[[nodiscard]] Result<GroupPlace> PlaceOfGroup(const Roots& roots, const CgroupHost& host,
                                              std::string_view controller, std::string_view cgroup_text);

/// How many processes OOM killers, the machine's too, have taken from the memory group that brink itself is
/// in (memory.events, or v1's memory.oom_control); nothing where the kernel does not tell, as of v2's root.
[[nodiscard]] std::optional<std::uint64_t> OwnOomKills(const Roots& roots);

}  // namespace brink
