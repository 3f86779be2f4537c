// SPDX-License-Identifier: MIT
#include "sandbox/console_tail.h"

#include <utility>

namespace brink {
namespace {

constexpr std::size_t kMostLines = 30;
constexpr std::size_t kLongestLine = 400;
constexpr std::size_t kPanicLines = 16;
constexpr std::string_view kPanic = "Kernel panic - not syncing";

}  // namespace

void ConsoleTail::Append(std::string_view text) {
  for (const char letter : text) {
    if (letter == '\n') {
      End(std::exchange(line_, {}));
    } else if (letter != '\r' && line_.size() < kLongestLine) {
      line_ += letter;
    }
  }
}

void ConsoleTail::End(std::string line) {
  lines_.push_back(std::move(line));
  if (lines_.size() <= kMostLines) {
    return;
  }
  const bool is_panic = lines_.front().find(kPanic) != std::string::npos;
  if ((is_panic && panic_.empty()) || (!panic_.empty() && panic_.size() < kPanicLines)) {
    panic_.push_back(std::move(lines_.front()));
  }
  lines_.pop_front();
}

std::vector<std::string> ConsoleTail::Lines() const {
  std::vector<std::string> lines = panic_;
  lines.insert(lines.end(), lines_.begin(), lines_.end());
  if (!line_.empty()) {
    lines.push_back(line_);
  }
  return lines;
}

}  // namespace brink
