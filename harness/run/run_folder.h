// SPDX-License-Identifier: MIT
// The folders and files that a case leaves.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/plan.h"

namespace brink {

/// Makes the run's folders. What an earlier run left in them goes: old data would be loaded, old logs
/// believed. Fails where data_dir holds what is not an earlier run's.
[[nodiscard]] Status MakeFolders(const Plan& plan);

/// Targets that run as somebody else own their data folder.
[[nodiscard]] Status GiveDataDir(const Plan& plan);

/// Writes the whole file. The error names path and remedy.
[[nodiscard]] Status SaveFile(const std::string& path, const std::string& text);

/// The innermost folder below which all run_dirs of guests lie; empty when no plan is for a guest.
[[nodiscard]] std::string CommonFolder(const std::vector<Plan>& plans);

}  // namespace brink
