// SPDX-License-Identifier: MIT
// How a workload gives up: one exception, thrown where the operation failed and caught in RunProgram alone.
#pragma once

#include <cerrno>
#include <stdexcept>
#include <string>
#include <string_view>

namespace workload {

/// Exit statuses of every workload.
enum class Exit : int {
  kOk = 0,
  kFailed = 1,   // an operation failed; standard error names it with its errno
  kUsage = 2,    // bad options
  kCorrupt = 3,  // data is not what was written
  kUnclean = 4,  // --verify-log: every acknowledged write is there, but the server did not shut down cleanly
  kUnmapFailed = 14  // encrypted-stream: memory could not be given back
};

class Failure : public std::runtime_error {
 public:
  Failure(Exit exit, const std::string& message) : std::runtime_error(message), exit_(exit) {}
  [[nodiscard]] Exit ExitStatus() const { return exit_; }

 private:
  Exit exit_;
};

/// "mlock: Cannot allocate memory (ENOMEM)". Pass errno at once, before anything else can change it.
[[nodiscard]] std::string ErrnoText(std::string_view operation, int code = errno);

/// Throws Failure with ErrnoText and Exit::kFailed.
[[noreturn]] void FailErrno(std::string_view operation, int code = errno);

/// Throws Failure with Exit::kCorrupt: "corrupt: page 12: ...".
[[noreturn]] void FailCorrupt(std::string_view what);

}  // namespace workload
