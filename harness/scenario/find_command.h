// SPDX-License-Identifier: MIT
// Where the commands of a plan are: on this machine or in an image.
#pragma once

#include <string>
#include <vector>

namespace brink {

/// The absolute path of a command; empty when there is none. One with a '/' is relative to `scenario_dir`,
/// others are looked for in the folders of `search_path`.
[[nodiscard]] std::string FindCommand(const std::string& command, const std::string& scenario_dir,
                                      const std::vector<std::string>& search_path);

/// The same inside an image, on Debian's usual path; absolute there. What lies in the scenario's folder is
/// this machine's, as processes in an image see that too.
[[nodiscard]] std::string FindCommandInImage(const std::string& command, const std::string& scenario_dir,
                                             const std::string& image);

}  // namespace brink
