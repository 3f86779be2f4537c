// SPDX-License-Identifier: MIT
#pragma once

#include <cstddef>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace brink {

/// The last 30 lines of a console, each cut to 400 letters; before them the line in which the kernel told why
/// it panicked (kernel/panic.c) and the calls behind it, as a long trace and registers push those out.
class ConsoleTail {
 public:
  void Append(std::string_view text);
  [[nodiscard]] std::vector<std::string> Lines() const;

 private:
  void End(std::string line);

  std::deque<std::string> lines_;
  std::string line_;                // the one that has not ended
  std::vector<std::string> panic_;  // that line and the next, as far as they are no longer among lines_
};

}  // namespace brink
