// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <string>

namespace brink {

/// Plan, evidence and verdict of the smallest case, without its logs.
constexpr std::uint64_t kLeastRoom = std::uint64_t{32} * 1024;

/// What this user may still write below a folder: of the file system that it, or what is there of its path,
/// is on. In bytes; the most there can be where that is not to be had.
[[nodiscard]] std::uint64_t RoomAt(const std::string& folder);

/// "12 KiB are free in /srv/out", for a message about a full disk; empty where that is not to be had.
[[nodiscard]] std::string RoomInWords(const std::string& folder);

}  // namespace brink
