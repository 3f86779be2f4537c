// SPDX-License-Identifier: MIT
#include "run/log_sink.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

namespace brink {
namespace {

constexpr std::size_t kKeptOfLine = 500;

/// Errnos as C libraries, runtimes and languages word them, and what programs say of what they then lack.
const Pattern& ComplaintPattern() {
  static const Pattern kPattern =
      Pattern::Compile(
          R"((?i)(?:cannot|can't|could not|couldn't|unable to|failed to) (?:allocate|map|lock|fork)\b)"
          R"(|unable to create (?:\w+ )?thread|allocation (?:of \d+ bytes )?failed|out of memory)"
          R"(|outofmemory|memoryerror|bad_alloc|not enough (?:space|memory)|insufficient memory)"
          R"(|resource temporarily unavailable|\bENOMEM\b|\bEAGAIN\b|\b(?:errno|error)[ :=]{1,2}1[12]\b)"
          R"(|corrupt|segmentation fault|\b(?:mmap|munmap|mremap|mprotect|mlock|mlockall|madvise|malloc)"
          R"(|fork|pthread_create)(?:\(\))? failed)")
          .value();
  return kPattern;
}

}  // namespace

Result<LogSink> LogSink::Open(std::string path_without_suffix) {
  LogSink sink;
  sink.base_ = std::move(path_without_suffix);
  const std::string path = sink.base_ + ".log";
  sink.file_.Reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!sink.file_.Valid()) {
    return FailErrno("create " + path, errno, "check the space and the rights of the folder given by --out");
  }
  return sink;
}

Status LogSink::Watch(const std::string& text) {
  for (const WatchedPattern& watched : patterns_) {
    if (watched.pattern.Text() == text) {
      return {};
    }
  }
  auto pattern = Pattern::Compile(text);
  if (!pattern) {
    return tl::unexpected(pattern.error());
  }
  patterns_.push_back(
      WatchedPattern{.pattern = std::move(*pattern), .count = 0, .first_line = {}, .first_s = 0});
  return {};
}

void LogSink::Write(std::string_view chunk, double t_s) {
  WriteDisk(chunk);
  const std::size_t to_head = std::min(chunk.size(), kExcerptHalf - std::min(kExcerptHalf, head_.size()));
  head_.append(chunk.substr(0, to_head));
  tail_.append(chunk.substr(to_head));
  if (tail_.size() > 16 * kExcerptHalf) {
    tail_.erase(0, tail_.size() - kExcerptHalf);
    tail_cut_ = true;
  }
  if (!patterns_.empty() || complaints_.size() < kComplaintsCap) {
    SearchLines(chunk, t_s);
  }
}

void LogSink::Finish(double t_s) {
  if (!partial_line_.empty()) {
    SearchLine(std::exchange(partial_line_, {}), t_s);
  }
}

std::uint64_t LogSink::MatchCount(const std::string& text) const {
  for (const WatchedPattern& watched : patterns_) {
    if (watched.pattern.Text() == text) {
      return watched.count;
    }
  }
  return 0;
}

std::string LogSink::Excerpt() const {
  if (tail_.size() <= kExcerptHalf && !tail_cut_) {
    return head_ + tail_;
  }
  return head_ + "\n[...]\n" + tail_.substr(tail_.size() - std::min(tail_.size(), kExcerptHalf));
}

std::string LogSink::LastLine() const {
  constexpr std::size_t kMost = 500;
  const std::string end = Excerpt();
  const auto last = end.find_last_not_of(" \r\n\t");
  if (last == std::string::npos) {
    return {};
  }
  const auto before = end.find_last_of('\n', last);
  const auto begin = before == std::string::npos ? 0 : before + 1;
  return end.substr(begin, std::min(last + 1 - begin, kMost));
}

void LogSink::WriteDisk(std::string_view chunk) {
  while (!chunk.empty() && disk_error_.empty()) {
    if (in_file_ >= kFileCap) {
      Rotate();
      continue;
    }
    const std::size_t part = std::min<std::size_t>(chunk.size(), kFileCap - in_file_);
    const ssize_t written = ::write(file_.Get(), chunk.data(), part);
    if (written < 0) {
      if (errno != EINTR) {
        disk_error_ = std::string("write ") + base_ + ".log: " + std::generic_category().message(errno);
      }
      continue;
    }
    in_file_ += static_cast<std::uint64_t>(written);
    chunk.remove_prefix(static_cast<std::size_t>(written));
  }
}

void LogSink::Rotate() {
  const std::string tail = base_ + ".tail.log";
  if (in_tail_) {
    ::rename(tail.c_str(), (base_ + ".tail.1.log").c_str());
  }
  in_tail_ = true;
  in_file_ = 0;
  file_.Reset(::open(tail.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file_.Valid()) {
    disk_error_ = "create " + tail + ": " + std::generic_category().message(errno);
  }
}

void LogSink::SearchLines(std::string_view chunk, double t_s) {
  while (!chunk.empty()) {
    const std::size_t end = chunk.find('\n');
    const std::string_view piece = chunk.substr(0, end);
    if (partial_line_.empty() && end != std::string_view::npos && piece.size() <= kLineCap) {
      SearchLine(piece, t_s);
    } else {
      for (std::size_t at = 0; at < piece.size();) {
        const std::size_t part = std::min(piece.size() - at, kLineCap - partial_line_.size());
        partial_line_.append(piece.substr(at, part));
        at += part;
        if (partial_line_.size() >= kLineCap) {
          SearchLine(std::exchange(partial_line_, {}), t_s);
        }
      }
      if (end != std::string_view::npos) {
        SearchLine(std::exchange(partial_line_, {}), t_s);
      }
    }
    chunk.remove_prefix(end == std::string_view::npos ? chunk.size() : end + 1);
  }
}

void LogSink::SearchLine(std::string_view line, double t_s) {
  if (complaints_.size() < kComplaintsCap && ComplaintPattern().FoundIn(line)) {
    complaints_.push_back({.t_s = t_s, .text = std::string(line.substr(0, kKeptOfLine))});
  }
  for (WatchedPattern& watched : patterns_) {
    if (!watched.pattern.FoundIn(line)) {
      continue;
    }
    if (watched.count++ == 0) {
      watched.first_line = std::string(line.substr(0, kKeptOfLine));
      watched.first_s = t_s;
    }
  }
}

}  // namespace brink
