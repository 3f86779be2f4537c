// SPDX-License-Identifier: MIT
// The two locks in Roots::run. Open-file-description locks (fcntl(2)): like flock they belong to the
// descriptor, so threads exclude each other too, but turning a shared lock into an exclusive one either
// succeeds or leaves the shared one as it was.
#pragma once

#include <string>

#include "base/clock.h"
#include "base/result.h"
#include "base/unique_fd.h"
#include "kernel/roots.h"

namespace brink {

class FileLock {
 public:
  [[nodiscard]] static Result<FileLock> Open(const std::string& path);
  [[nodiscard]] bool TryExclusive() { return Try(true); }
  [[nodiscard]] bool TryShared() { return Try(false); }
  void Unlock();

 private:
  [[nodiscard]] bool Try(bool exclusive);
  UniqueFd fd_;
};

/// Both locks of a machine. `gate` is taken for each transition of the machine, `users` is held shared by
/// each case.
struct MachineLocks {
  FileLock gate;
  FileLock users;
  [[nodiscard]] static Result<MachineLocks> Open(const Roots& roots);
};

/// A bounded wait for something that has no event: file locks.
class Patience {
 public:
  Patience(double timeout_s, int cancel_fd);
  /// Waits a little; false when the time is up or cancel_fd is readable.
  [[nodiscard]] bool Wait();
  [[nodiscard]] bool Cancelled() const { return cancelled_; }

 private:
  Clock::time_point deadline_;
  int cancel_fd_;
  int pause_ms_ = 1;
  bool cancelled_ = false;
};

}  // namespace brink
