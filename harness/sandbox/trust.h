// SPDX-License-Identifier: MIT
// Whether what lies in a folder that others may write to (a cache shared by users, mode 1777) can be booted
// or run: a machine's saved state or kernel of somebody else's would run that person's code in the guest, on
// which the folder of the run is mounted writable; an image of somebody else's, that person's programs on the
// host.
#pragma once

#include <sys/stat.h>

#include <string>

#include "base/result.h"

namespace brink {

/// Belongs to this user or root, can be written to by neither its group nor others, and is a file or folder.
[[nodiscard]] bool IsTrusted(const struct stat& status);

/// This file or folder alone. One that is not there counts as trusted. The error names it with its owner and
/// mode.
[[nodiscard]] Status CheckTrustedItself(const std::string& path);

/// The folder and all in it, except a folder of the name `except` right below it. What vanishes meanwhile
/// counts as trusted. The error names what is not, with its owner and mode.
[[nodiscard]] Status CheckTrusted(const std::string& folder, const std::string& except);

}  // namespace brink
