// SPDX-License-Identifier: MIT
// Ending what lives below a group, and taking the group away. Shared by Cgroup, the guardian and `brink
// restore`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/cgroup.h"

namespace brink {

/// Refuses a path that brink cannot have made: it must begin with "brink-" and have no empty, "." or ".."
/// component.
[[nodiscard]] Status CheckOwnPath(std::string_view path);

/// The directories of this group that exist, one per hierarchy.
[[nodiscard]] std::vector<std::string> GroupDirectories(const CgroupHost& host, std::string_view path);

/// `directory` and all groups below it, the deepest first.
[[nodiscard]] std::vector<std::string> Descendants(const std::string& directory);

/// Processes of these directories and all below, each once, in ascending order.
[[nodiscard]] std::vector<int> ProcessesBelow(const std::vector<std::string>& directories);

/// Kills all that is in the group and below, in every hierarchy. Leaves pids.max at 0 and v1's OOM killer
/// enabled.
[[nodiscard]] Status KillGroup(const CgroupHost& host, std::string_view path, double timeout_s);

}  // namespace brink
