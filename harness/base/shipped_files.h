// SPDX-License-Identifier: MIT
// Where the files that come with brink are: beside an installed program, else in the source tree.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace brink {

/// The folder of the running program; empty when it cannot be told.
[[nodiscard]] std::filesystem::path ProgramFolder();

/// The first of the folders that exists, in its shortest form; the last one when none does.
[[nodiscard]] std::string FirstFolder(const std::vector<std::filesystem::path>& candidates);

}  // namespace brink
