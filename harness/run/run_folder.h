// SPDX-License-Identifier: MIT
// The folders and files that a case leaves.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "model/evidence.h"
#include "model/plan.h"
#include "model/verdict.h"

namespace brink {

/// Makes the run's folders. What an earlier run left in them goes: old data would be loaded, old logs
/// believed. Fails where data_dir holds what is not an earlier run's.
[[nodiscard]] Status MakeFolders(const Plan& plan);

/// Targets that run as somebody else own their data folder.
[[nodiscard]] Status GiveDataDir(const Plan& plan);

/// Writes the whole file, or leaves what was there. The error names path and remedy, and on a full disk what
/// is free.
[[nodiscard]] Status SaveFile(const std::string& path, const std::string& text);

/// verdict.json, as `brink run --format json` prints it for this case alone.
[[nodiscard]] Status SaveVerdict(const Verdict& verdict, const HostFacts& host);

/// plan.json, evidence.json and verdict.json: all, or of the latter two none, as a folder with some of them
/// would be taken for a whole one.
[[nodiscard]] Status SaveResults(const Plan& plan, const Evidence& evidence, const Verdict& verdict);

/// Removes what looks like the results of a case, as some of them could not be written. plan.json stays: it
/// marks the folder as a run's.
void DiscardResults(const std::string& run_dir);

/// The innermost folder below which all run_dirs of guests lie; empty when no plan is for a guest.
[[nodiscard]] std::string CommonFolder(const std::vector<Plan>& plans);

}  // namespace brink
