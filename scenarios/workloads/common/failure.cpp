// SPDX-License-Identifier: MIT
#include "common/failure.h"

#include <fmt/format.h>

#include <cstring>

namespace workload {

std::string ErrnoText(std::string_view operation, int code) {
  const char* name = ::strerrorname_np(code);
  const char* text = ::strerrordesc_np(code);
  return fmt::format("{}: {} ({})", operation, text == nullptr ? "unknown error" : text,
                     name == nullptr ? std::to_string(code) : name);
}

void FailErrno(std::string_view operation, int code) {
  throw Failure(Exit::kFailed, ErrnoText(operation, code));
}

void FailCorrupt(std::string_view what) { throw Failure(Exit::kCorrupt, fmt::format("corrupt: {}", what)); }

}  // namespace workload
