// SPDX-License-Identifier: MIT
// The control group that this process is in, as a program finds it that wants to watch its own limit.
#pragma once

#include <filesystem>

namespace workload {

/// Its folder in the tree of cgroup v2. Throws Failure where that is not mounted.
[[nodiscard]] std::filesystem::path OwnCgroupV2();
/// Its folder in cgroup v1's tree of the memory controller. Throws Failure where that is not mounted.
[[nodiscard]] std::filesystem::path OwnMemoryCgroupV1();

}  // namespace workload
