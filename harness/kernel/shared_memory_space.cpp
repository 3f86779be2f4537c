// SPDX-License-Identifier: MIT
#include "kernel/shared_memory_space.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <thread>

namespace brink {

Status SharedMemorySpace::MakeHere() {
  if (::unshare(CLONE_NEWNS | CLONE_NEWIPC) != 0) {
    return FailErrno("make namespaces for shared memory", errno, "run brink as root, with CAP_SYS_ADMIN");
  }
  // Else the mount would show in the namespace that this one is a copy of.
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
      ::mount("tmpfs", "/dev/shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777") != 0) {
    return FailErrno("mount an empty /dev/shm for the case");
  }
  mounts_ = UniqueFd(::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC));
  ipc_ = UniqueFd(::open("/proc/thread-self/ns/ipc", O_RDONLY | O_CLOEXEC));
  root_ = UniqueFd(::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  return mounts_.Valid() && ipc_.Valid() && root_.Valid() ? Status{}
                                                          : FailErrno("open the namespaces of a case");
}

Result<SharedMemorySpace> SharedMemorySpace::Make() {
  SharedMemorySpace space;
  Status made;
  // Namespaces are a thread's: this one has none of brink's own to lose.
  std::thread([&] { made = space.MakeHere(); }).join();
  return made ? Result<SharedMemorySpace>(std::move(space)) : tl::unexpected(made.error());
}

bool SharedMemorySpace::Enter() const {
  // setns() takes the namespace's own root folder, which is another where brink runs in a chroot.
  return ::setns(ipc_.Get(), CLONE_NEWIPC) == 0 && ::setns(mounts_.Get(), CLONE_NEWNS) == 0 &&
         ::fchdir(root_.Get()) == 0 && ::chroot(".") == 0;
}

}  // namespace brink
