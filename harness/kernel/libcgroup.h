// SPDX-License-Identifier: MIT
// The adapter to libcgroup 2.0. Its traps stay in here: ECGROUPNOTCOMPILED's text stands for success too, so
// only the number counts; it keeps process-wide state, so calls are serialised.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"

namespace brink {

/// Makes the group in all these controllers; on v2 enables them in the parents' cgroup.subtree_control. A
/// group that exists is no error for libcgroup: check before.
[[nodiscard]] Status LibcgroupCreate(const std::string& path, const std::vector<std::string>& controllers);

/// Writes one value of a group. Error::code is the kernel's errno where libcgroup passes it on.
[[nodiscard]] Status LibcgroupSet(const std::string& path, const std::string& controller,
                                  const std::string& file, const std::string& value);

}  // namespace brink
