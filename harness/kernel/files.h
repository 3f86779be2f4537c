// SPDX-License-Identifier: MIT
// Reading and writing the small files of /proc, /sys and cgroup mounts.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"

namespace brink {

/// The whole file without its trailing newline. The error names the path.
[[nodiscard]] Result<std::string> ReadSmallFile(const std::string& path);

/// One write(2) of the value: kernel files take each write as one command. The error names path and value.
[[nodiscard]] Status WriteSmallFile(const std::string& path, std::string_view value);

/// A whole decimal number, nothing around it.
[[nodiscard]] std::optional<std::uint64_t> ParseNumber(std::string_view text);

/// The file's content as a number; nothing when the file is absent or holds something else.
[[nodiscard]] std::optional<std::uint64_t> ReadNumber(const std::string& path);

/// The number after `key` in a file of "key value" lines (memory.events, memory.oom_control, /proc/vmstat; a
/// colon after the key as in /proc/meminfo is accepted, a unit after the number ignored).
[[nodiscard]] std::optional<std::uint64_t> FindNumber(std::string_view text, std::string_view key);

/// The parts of `text` between separators; empty parts are left out.
[[nodiscard]] std::vector<std::string_view> Split(std::string_view text, char separator);
/// The parts are views: a temporary string would be gone before them.
std::vector<std::string_view> Split(std::string&& text, char separator) = delete;

[[nodiscard]] std::string_view Trim(std::string_view text);

}  // namespace brink
