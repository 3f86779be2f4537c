// SPDX-License-Identifier: MIT
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "base/pattern.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "model/evidence.h"

namespace brink {

/// A pattern looked for in every line of one output.
struct WatchedPattern {
  Pattern pattern;
  std::uint64_t count = 0;
  std::string first_line;  // at most 500 bytes
  double first_s = 0;
};

/// Takes what a process prints: keeps its beginning and its end on disk, searches its lines, and never grows.
/// On disk, each at most kFileCap bytes: NAME.log (the beginning), NAME.tail.log and NAME.tail.1.log (the
/// end).
class LogSink {
 public:
  static constexpr std::uint64_t kFileCap = 4ULL << 20;
  /// Longer lines are searched in pieces of this size.
  static constexpr std::size_t kLineCap = 8192;
  /// So many lines that sound like a lack of memory are kept, the first ones.
  static constexpr std::size_t kComplaintsCap = 16;
  /// Of the output, this much of its beginning and of its end is kept in memory for Excerpt().
  static constexpr std::size_t kExcerptHalf = 8192;

  /// `path_without_suffix` + ".log" is created; the folder must exist.
  [[nodiscard]] static Result<LogSink> Open(std::string path_without_suffix);

  /// Looks for `text` in every line from now on; a text watched already is not added again.
  [[nodiscard]] Status Watch(const std::string& text);
  void Write(std::string_view chunk, double t_s);
  /// The output has ended: a last line without a line feed is searched too.
  void Finish(double t_s);

  /// How many lines matched so far; 0 for a text that is not watched.
  [[nodiscard]] std::uint64_t MatchCount(const std::string& text) const;
  [[nodiscard]] const std::deque<WatchedPattern>& Patterns() const { return patterns_; }
  /// Lines with the text of an errno that a limit of memory or tasks gives, or of the harm that it does.
  [[nodiscard]] const std::vector<OutputLine>& Complaints() const { return complaints_; }
  /// The first and the last kExcerptHalf bytes.
  [[nodiscard]] std::string Excerpt() const;
  /// The last line that is not empty, at most 500 bytes of it.
  [[nodiscard]] std::string LastLine() const;
  /// The file that holds the end of the output.
  [[nodiscard]] std::string EndPath() const { return base_ + (in_tail_ ? ".tail.log" : ".log"); }
  /// The first failed write to disk, "" if there was none: the run goes on without a full log.
  [[nodiscard]] const std::string& DiskError() const { return disk_error_; }

 private:
  LogSink() = default;
  void WriteDisk(std::string_view chunk);
  void SearchLines(std::string_view chunk, double t_s);
  void SearchLine(std::string_view line, double t_s);
  void Rotate();

  std::string base_;
  UniqueFd file_;
  std::uint64_t in_file_ = 0;
  bool in_tail_ = false;
  std::string disk_error_;
  std::string partial_line_;
  std::string head_;
  std::string tail_;
  bool tail_cut_ = false;
  std::deque<WatchedPattern> patterns_;
  std::vector<OutputLine> complaints_;
};

}  // namespace brink
