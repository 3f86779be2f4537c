// SPDX-License-Identifier: MIT
// Runs a script that comes with brink: make-kernel, make-image.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"

namespace brink {

/// Runs the script to its end. Each line that it says on standard error goes to `progress` (may be empty).
/// When it fails, its complaint ("NAME: ...", the script's file name first) and remedy ("remedy: ...") are
/// the error's. It dies with the thread that called, and leaves nothing half made.
///
/// SIGINT, SIGTERM or SIGHUP end the script and all that it runs, and are then the error, with the code
/// EINTR. Where the caller has blocked them, one that is pending does, and stays so (cli/interrupts.h). Where
/// not, call it on one thread at a time.
[[nodiscard]] Status RunScript(const std::string& script, const std::vector<std::string>& arguments,
                               const std::function<void(const std::string&)>& progress);

}  // namespace brink
