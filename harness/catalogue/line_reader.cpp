// SPDX-License-Identifier: MIT
#include "catalogue/line_reader.h"

#include <unistd.h>

#include <cstring>
#include <string>

namespace brink {
namespace {

constexpr std::size_t kChunk = 256UL * 1024;

class LineSplitter {
 public:
  LineSplitter(std::size_t longest, const std::function<void(std::string_view)>& take)
      : longest_(longest), take_(take) {}

  void Add(std::string_view chunk) {
    while (!chunk.empty()) {
      const std::size_t end = chunk.find('\n');
      const std::string_view part = chunk.substr(0, end);
      if (end == std::string_view::npos) {
        Hold(part);
        return;
      }
      if (held_any_) {
        Hold(part);
        Flush();
      } else {
        Give(part);
      }
      chunk.remove_prefix(end + 1);
    }
  }

  /// The last line, when no line break ended it.
  void Flush() {
    if (held_any_) {
      Give(held_);
      held_.clear();
      held_any_ = false;
    }
  }

 private:
  void Hold(std::string_view part) {
    held_any_ = true;
    held_ += part.substr(0, longest_ - held_.size());
  }

  void Give(std::string_view line) {
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    take_(line.substr(0, longest_));
  }

  std::size_t longest_;
  const std::function<void(std::string_view)>& take_;
  std::string held_;  // the begin of a line that a chunk cut in two
  bool held_any_ = false;
};

}  // namespace

Status ReadLines(int fd, std::size_t longest, const std::function<void(std::string_view)>& take) {
  std::string buffer(kChunk, '\0');
  LineSplitter splitter(longest, take);
  for (;;) {
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return FailErrno("read");
    }
    if (count == 0) {
      splitter.Flush();
      return {};
    }
    splitter.Add(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
  }
}

}  // namespace brink
