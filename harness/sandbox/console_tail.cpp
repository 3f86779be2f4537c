// SPDX-License-Identifier: MIT
#include "sandbox/console_tail.h"

#include <utility>

namespace brink {
namespace {

constexpr std::size_t kMostLines = 30;
constexpr std::size_t kLongestLine = 400;
constexpr std::string_view kPanic = "Kernel panic - not syncing";

}  // namespace

void ConsoleTail::Append(std::string_view text) {
  for (const char letter : text) {
    if (letter == '\n') {
      lines_.push_back(std::exchange(line_, {}));
      if (lines_.size() > kMostLines) {
        if (lines_.front().find(kPanic) != std::string::npos) {
          panic_ = lines_.front();
        }
        lines_.pop_front();
      }
    } else if (letter != '\r' && line_.size() < kLongestLine) {
      line_ += letter;
    }
  }
}

std::vector<std::string> ConsoleTail::Lines() const {
  std::vector<std::string> lines;
  if (!panic_.empty()) {
    lines.push_back(panic_);
  }
  lines.insert(lines.end(), lines_.begin(), lines_.end());
  if (!line_.empty()) {
    lines.push_back(line_);
  }
  return lines;
}

}  // namespace brink
