// SPDX-License-Identifier: MIT
// Shared memory of a case's own: nothing that its processes leave there outlives it on the machine.
#pragma once

#include "base/result.h"
#include "base/unique_fd.h"

namespace brink {

/// A mount namespace with an empty /dev/shm, else as the machine's, and an IPC namespace (System V segments
/// and their like, POSIX message queues). Who kills PostgreSQL, for one, leaves both kinds behind. Both last
/// as long as this or a process in them; memory in them is charged to groups as ever. Needs CAP_SYS_ADMIN.
class SharedMemorySpace {
 public:
  [[nodiscard]] static Result<SharedMemorySpace> Make();
  SharedMemorySpace(SharedMemorySpace&&) noexcept = default;
  SharedMemorySpace& operator=(SharedMemorySpace&&) noexcept = default;
  ~SharedMemorySpace() = default;

  /// In a child, between fork and exec; the working folder is then the root folder. Async-signal-safe. False
  /// leaves an errno.
  [[nodiscard]] bool Enter() const;

 private:
  SharedMemorySpace() = default;
  [[nodiscard]] Status MakeHere();

  UniqueFd mounts_;
  UniqueFd ipc_;
  UniqueFd root_;
};

}  // namespace brink
