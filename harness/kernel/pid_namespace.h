// SPDX-License-Identifier: MIT
#pragma once

#include "base/result.h"
#include "kernel/roots.h"

namespace brink {

/// Fails, with the remedy, in any PID namespace but the machine's first: there some processes of the machine
/// can't be seen, and process numbers are not the kernel's (pid_namespaces(7)).
[[nodiscard]] Status CheckPidNamespace(const Roots& roots);

}  // namespace brink
