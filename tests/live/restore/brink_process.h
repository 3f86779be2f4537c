// SPDX-License-Identifier: MIT
// The real program, started as a user starts it.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "base/unique_fd.h"

namespace brink::live {

class BrinkProcess {
 public:
  /// Starts `brink ARGUMENTS...`; standard output and error go to files in `folder`, named after `name`.
  BrinkProcess(const std::filesystem::path& folder, const std::string& name,
               std::vector<std::string> arguments);
  BrinkProcess(const BrinkProcess&) = delete;
  BrinkProcess& operator=(const BrinkProcess&) = delete;
  /// Kills it if it still runs.
  ~BrinkProcess();

  [[nodiscard]] pid_t Pid() const { return pid_; }
  /// True when it has ended within that time.
  [[nodiscard]] bool EndsWithin(std::chrono::microseconds time);
  void Signal(int signal) const;
  /// The exit status; nothing while it runs or when a signal ended it.
  [[nodiscard]] std::optional<int> ExitCode() const { return exit_code_; }
  [[nodiscard]] std::string Output() const;
  [[nodiscard]] std::string Errors() const;

 private:
  std::filesystem::path output_;
  std::filesystem::path errors_;
  pid_t pid_ = 0;
  UniqueFd pidfd_;
  bool ended_ = false;
  std::optional<int> exit_code_;
};

/// A FIFO that a scenario's step opens to say that the run has come so far; both sides wait for each other.
class Rendezvous {
 public:
  explicit Rendezvous(std::filesystem::path fifo);
  [[nodiscard]] const std::string& Path() const { return path_; }
  /// Waits for the step; false when it has not come within that time.
  [[nodiscard]] bool Meet(std::chrono::milliseconds time) const;

 private:
  std::string path_;
};

[[nodiscard]] std::string ReadText(const std::filesystem::path& file);

}  // namespace brink::live
