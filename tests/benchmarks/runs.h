// SPDX-License-Identifier: MIT
// Running programs for the benchmarks: bare, as brink's targets, and brink itself.
#pragma once

#include <sys/types.h>

#include <stdexcept>
#include <string>
#include <vector>

#include "base/result.h"
#include "evidence/watch.h"
#include "kernel/launch.h"

namespace brink::bench {

/// A benchmark cannot go on. Caught in main(), on the way to which everything is cleaned up.
class Failed : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The value, or Failed with the error's text.
template <typename T>
T Must(Result<T> result) {
  if (!result) {
    throw Failed(result.error().message + " (" + result.error().remedy + ")");
  }
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}

struct Finished {
  double wall_s = 0;
  int exit_code = -1;
  double cpu_s = 0;                 // of the program and the children it waited for
  std::uint64_t max_rss_bytes = 0;  // the greatest of the program and those children
};

/// Runs a program with its output thrown away and waits for its end.
[[nodiscard]] Finished RunQuietly(const std::vector<std::string>& argv);

/// Milliseconds that brink took; a failure of it is an error.
[[nodiscard]] double RunMs(const std::vector<std::string>& argv);

/// Runs a program as brink runs a target, with the loop of a case around it: output drained, and with `watch`
/// the target registered, events drained and figures sampled 40 times a second. Without: the evidence is off.
/// Gives what the target printed; a target that fails is an error.
[[nodiscard]] std::string RunAsTarget(const std::vector<std::string>& argv, Watch* watch);

/// Takes events and samples, as the loop of a case does, until the descriptor is readable.
void Observe(Watch& watch, int until_fd);

/// Ends and reaps a target.
void End(const Launched& target);

/// The text with each occurrence of the word replaced.
[[nodiscard]] std::string Filled(std::string text, const std::string& word, const std::string& value);

/// Writes a text file, or throws.
void Write(const std::string& path, const std::string& text);

/// The number after `"key":` or `key=` in a line that a program printed.
[[nodiscard]] double NumberAfter(const std::string& text, const std::string& key);

}  // namespace brink::bench
