// SPDX-License-Identifier: MIT
// Lines of a stream of any length, in bounded memory.
#pragma once

#include <cstddef>
#include <functional>
#include <string_view>

#include "base/result.h"

namespace brink {

/// Calls `take` for each line up to the end of the stream, without its line break ("\n" or "\r\n"); the last
/// needs none. Of a line longer than `longest` bytes only so many are given. An error names the failing read.
[[nodiscard]] Status ReadLines(int fd, std::size_t longest,
                               const std::function<void(std::string_view)>& take);

}  // namespace brink
