// SPDX-License-Identifier: MIT
#include "base/shipped_files.h"

#include <system_error>

namespace brink {

std::filesystem::path ProgramFolder() {
  std::error_code code;
  const auto program = std::filesystem::read_symlink("/proc/self/exe", code);
  return code ? std::filesystem::path() : program.parent_path();
}

std::string FirstFolder(const std::vector<std::filesystem::path>& candidates) {
  for (const auto& candidate : candidates) {
    std::error_code code;
    if (std::filesystem::is_directory(candidate, code)) {
      return std::filesystem::weakly_canonical(candidate, code).string();
    }
  }
  return candidates.back().string();
}

}  // namespace brink
