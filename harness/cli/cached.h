// SPDX-License-Identifier: MIT
// Kernels and images, which brink keeps in its caches, as commands speak of them.
#pragma once

#include <string>

#include "base/result.h"
#include "scenario/load.h"

namespace brink {

/// Names of kernels and images that brink can fetch or make, or that this machine has.
[[nodiscard]] NameChecks NamesKnownHere();

/// The first line of a list of what a cache holds: its folder, that of all users (may be empty), and what
/// chooses another.
[[nodiscard]] std::string CacheInWords(const std::string& folder, const std::string& machine);

/// Tells why one of them could not be made or fetched; gives the exit status, as the user may have
/// interrupted it.
[[nodiscard]] int PrintFailure(const Error& error);

}  // namespace brink
