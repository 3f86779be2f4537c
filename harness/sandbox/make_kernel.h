// SPDX-License-Identifier: MIT
// Runs containers/guest/make-kernel.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace brink {

/// Runs the script to its end. Each line that it says goes to `progress` (may be empty). When it fails, its
/// complaint and remedy are the error's. It dies with the thread that called, and leaves nothing half made.
[[nodiscard]] Status RunMakeKernel(const std::string& script, const std::vector<std::string>& arguments,
                                   const std::function<void(const std::string&)>& progress);

}  // namespace brink
