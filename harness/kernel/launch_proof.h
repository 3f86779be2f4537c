// SPDX-License-Identifier: MIT
// The child's report (kernel/launch_child.h) in words.
#pragma once

#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/launch.h"
#include "kernel/rlimits.h"

namespace brink {

/// Appends what the child read of itself to `proof`. Fails with the fault's name and remedy when the child
/// gave up, and when the report ends before the child was ready for exec.
[[nodiscard]] Status ReadProof(const LaunchSpec& spec, const std::vector<RlimitRequest>& rlimits,
                               std::string_view report, std::vector<ImposedFault>& proof);

}  // namespace brink
