// SPDX-License-Identifier: MIT
// The words of a log line that can tell one incident from another.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace brink {

/// The term of a death by SIGKILL, however it is told ("signal 9", "exit code 137").
inline constexpr std::string_view kKilledTerm = "sigkill";

/// Reads lines one after the other with the same buffers. Not for use from several threads.
///
/// A term is a word in lower case. What differs from one occurrence to the next is left out: numbers, times,
/// addresses, UUIDs and hexadecimal digits; and so are words that are in any message ("the", "failed"). An
/// errno is the same term however it is told: its name, strerror's text of it, "errno=12", "os error 12"
/// (Rust), and Java's "Not enough space" for ENOMEM. Exit status 137 and signal 9 are the term `sigkill`.
class TermReader {
 public:
  /// The terms in the line's order, repetitions included. They are valid until the next call.
  [[nodiscard]] const std::vector<std::string_view>& Read(std::string_view line);

 private:
  struct Token {
    std::string_view text;
    bool number = false;
  };

  void Tokenise();
  /// How many of the tokens from `at` on tell an errno, and which; 0: none.
  [[nodiscard]] std::size_t ErrnoAt(std::size_t at, std::string_view& term) const;

  std::string lower_;
  std::vector<Token> tokens_;
  std::vector<std::string_view> terms_;
};

/// The term of an errno's name: "ENOMEM" to "enomem".
[[nodiscard]] std::string TermOfErrno(std::string_view name);

}  // namespace brink
