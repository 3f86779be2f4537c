// SPDX-License-Identifier: MIT
// How every call that can fail reports it.
#pragma once

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>
#include <tl/expected.hpp>
#include <utility>

namespace brink {

/// What went wrong, in words for the person who must mend it.
struct Error {
  /// What was tried, on what, and what the system answered: "write /proc/sys/vm/max_map_count: Permission
  /// denied".
  std::string message;
  /// What the person can do about it; empty when there is nothing to advise.
  std::string remedy;
  /// The errno of the failing system call; 0 when no system call failed.
  int code = 0;
};

template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

/// An error without errno.
[[nodiscard]] inline tl::unexpected<Error> Fail(std::string message, std::string remedy = {}) {
  return tl::unexpected<Error>(Error{.message = std::move(message), .remedy = std::move(remedy)});
}

/// An error of a system call: appends the text of `code`. Pass errno at once, before anything else can change
/// it.
[[nodiscard]] inline tl::unexpected<Error> FailErrno(std::string_view operation, int code = errno,
                                                     std::string remedy = {}) {
  return tl::unexpected<Error>(
      Error{.message = std::string(operation) + ": " + std::generic_category().message(code),
            .remedy = std::move(remedy),
            .code = code});
}

/// The same error with the operation of the calling layer in front.
[[nodiscard]] inline tl::unexpected<Error> Within(std::string_view operation, Error error) {
  error.message = std::string(operation) + ": " + error.message;
  return tl::unexpected<Error>(std::move(error));
}

}  // namespace brink
