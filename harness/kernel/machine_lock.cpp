// SPDX-License-Identifier: MIT
#include "kernel/machine_lock.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>

#include "base/slowness.h"

namespace brink {

Result<FileLock> FileLock::Open(const std::string& path) {
  FileLock lock;
  // For the owner alone: whoever can read the file can hold a read lock on it.
  lock.fd_.Reset(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (!lock.fd_.Valid()) {
    return FailErrno("open " + path, errno, "brink keeps its journal and locks there: run it as root");
  }
  return lock;
}

bool FileLock::Try(bool exclusive) {
  struct flock request = {};
  request.l_type = static_cast<short>(exclusive ? F_WRLCK : F_RDLCK);
  request.l_whence = SEEK_SET;
  return ::fcntl(fd_.Get(), F_OFD_SETLK, &request) == 0;
}

void FileLock::Unlock() {
  struct flock request = {};
  request.l_type = F_UNLCK;
  request.l_whence = SEEK_SET;
  ::fcntl(fd_.Get(), F_OFD_SETLK, &request);
}

Result<MachineLocks> MachineLocks::Open(const Roots& roots) {
  auto gate = FileLock::Open(roots.run + "/gate");
  auto users = FileLock::Open(roots.run + "/users");
  if (!gate || !users) {
    return tl::unexpected(gate ? users.error() : gate.error());
  }
  return MachineLocks{.gate = std::move(*gate), .users = std::move(*users)};
}

Patience::Patience(double timeout_s, int cancel_fd)
    : deadline_(Clock::now() + Stretched(Seconds(timeout_s))), cancel_fd_(cancel_fd) {}

bool Patience::Wait() {
  constexpr int kLongestPauseMs = 20;
  if (Clock::now() >= deadline_) {
    return false;
  }
  pollfd cancel{.fd = cancel_fd_, .events = POLLIN, .revents = 0};  // a negative descriptor is ignored
  cancelled_ = ::poll(&cancel, 1, pause_ms_) == 1;
  pause_ms_ = std::min(pause_ms_ * 2, kLongestPauseMs);
  return !cancelled_;
}

}  // namespace brink
