// SPDX-License-Identifier: MIT
// Small files of /proc as text, for the recorder. No errors: a process may be gone at any time, and then
// there is no text.
#pragma once

#include <cstddef>
#include <string>

namespace brink {

/// At most `cap` bytes of the file, with blanks for NULs; empty when it cannot be read.
[[nodiscard]] std::string ReadSmall(const std::string& path, std::size_t cap = 4096);
/// The process's name as the kernel has it, without the end of line. `proc`: where /proc is mounted.
[[nodiscard]] std::string ReadComm(const std::string& proc, int pid);

}  // namespace brink
