// SPDX-License-Identifier: MIT
#pragma once

#include <poll.h>

namespace brink {

/// Whether there is something to read, or its end; does not wait. False for -1.
[[nodiscard]] inline bool IsReadable(int fd) {
  pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
  return fd >= 0 && ::poll(&ready, 1, 0) > 0;
}

}  // namespace brink
