// SPDX-License-Identifier: MIT
#include "base/room.h"

#include <fmt/format.h>

#include <filesystem>
#include <system_error>

#include "base/units.h"

namespace brink {

std::uint64_t RoomAt(const std::string& folder) {
  std::error_code code;
  std::filesystem::path there = std::filesystem::absolute(folder, code);
  while (!std::filesystem::exists(there, code) && there.has_relative_path()) {
    there = there.parent_path();
  }
  const auto space = std::filesystem::space(there, code);
  return code || space.capacity == 0 ? UINT64_MAX : space.available;  // ramfs has no blocks to count
}

std::string RoomInWords(const std::string& folder) {
  const std::uint64_t bytes = RoomAt(folder);
  return bytes == UINT64_MAX ? "" : fmt::format("{} are free in {}", FormatBytes(bytes), folder);
}

}  // namespace brink
