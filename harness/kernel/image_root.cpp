// SPDX-License-Identifier: MIT
#include "kernel/image_root.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

// After <linux/mount.h>: glibc 2.36 declares the same names, and then leaves them out.
#include <sys/mount.h>

namespace brink {
namespace {

// In the image, once it is the working folder. Overlayfs takes relative paths, in which no character of the
// image's own path can be mistaken for a separator of its options.
constexpr const char* kLayer = "run/layer";
constexpr const char* kRoot = "run/root";

constexpr unsigned long kPlain = MS_NOSUID | MS_NODEV;

/// Of the whole tree where the kernel can do that (since 5.12), else of its top.
bool MakeReadOnly(const char* path) {
  mount_attr attributes = {};
  attributes.attr_set = MOUNT_ATTR_RDONLY;
  if (::syscall(SYS_mount_setattr, AT_FDCWD, path, AT_RECURSIVE, &attributes, sizeof attributes) == 0) {
    return true;
  }
  return errno == ENOSYS && ::mount(nullptr, path, nullptr, MS_REMOUNT | MS_BIND | MS_RDONLY, nullptr) == 0;
}

/// The old root, put where the new one is, is taken away from under it: pivot_root(2), "pivot_root(".",
/// ".")".
bool Pivot() {
  return ::syscall(SYS_pivot_root, ".", ".") == 0 && ::umount2(".", MNT_DETACH) == 0 && ::chdir("/") == 0;
}

const char* OrNull(const std::string& text) { return text.empty() ? nullptr : text.c_str(); }

bool IsFolder(const std::string& path) {
  struct stat facts {};
  return ::stat(path.c_str(), &facts) == 0 && S_ISDIR(facts.st_mode);
}

}  // namespace

RootChange::RootChange(const ImageRoot& image) {
  using enum Step::Kind;
  Add({.kind = kNewNamespace});
  // Else what is mounted from here on would show in the namespace that this one is a copy of.
  Add({.kind = kMount, .target = "/", .flags = MS_REC | MS_PRIVATE});
  AddImage(image);
  AddSystem();
  for (const ImageRoot::Shared& shared : image.shared) {
    AddShared(shared);
  }
  Add({.kind = kChdir, .target = kRoot});
  Add({.kind = kPivot, .target = image.folder});
}

void RootChange::AddFolders(const std::string& below, const std::string& folder) {
  for (std::size_t at = folder.find('/', 1); at != std::string::npos; at = folder.find('/', at + 1)) {
    Add({.kind = Step::Kind::kMakeFolder, .target = below + folder.substr(0, at)});
  }
  Add({.kind = Step::Kind::kMakeFolder, .target = below + folder});
}

/// The image with a layer of mount points above it. What is mounted over its /run holds both.
void RootChange::AddImage(const ImageRoot& image) {
  using enum Step::Kind;
  Add({.kind = kChdir, .target = image.folder});
  Add({.kind = kMount,
       .target = "run",
       .source = "tmpfs",
       .type = "tmpfs",
       .flags = kPlain,
       .options = "mode=755"});
  Add({.kind = kMakeFolder, .target = kLayer});
  Add({.kind = kMakeFolder, .target = kRoot});
  for (const ImageRoot::Shared& shared : image.shared) {
    AddFolders(kLayer, shared.folder);
  }
  Add({.kind = kMount,
       .target = kRoot,
       .source = "overlay",
       .type = "overlay",
       .flags = MS_RDONLY,
       .options = std::string("lowerdir=") + kLayer + ":."});
}

void RootChange::AddSystem() {
  using enum Step::Kind;
  const std::string root = kRoot;
  Add({.kind = kMount, .target = root + "/dev", .source = "/dev", .flags = MS_BIND | MS_REC});
  if (IsFolder("/dev/shm")) {
    Add({.kind = kMount, .target = root + "/dev/shm", .source = "tmpfs", .type = "tmpfs", .flags = kPlain});
  }
  Add({.kind = kMount,
       .target = root + "/proc",
       .source = "proc",
       .type = "proc",
       .flags = kPlain | MS_NOEXEC});
  Add({.kind = kMount, .target = root + "/sys", .source = "/sys", .flags = MS_BIND | MS_REC});
  Add({.kind = kMakeReadOnly, .target = root + "/sys"});
  Add({.kind = kMount,
       .target = root + "/run",
       .source = "tmpfs",
       .type = "tmpfs",
       .flags = kPlain,
       .options = "mode=755"});
  Add({.kind = kMount, .target = root + "/tmp", .source = "tmpfs", .type = "tmpfs", .flags = kPlain});
}

void RootChange::AddShared(const ImageRoot::Shared& shared) {
  using enum Step::Kind;
  const std::string target = kRoot + shared.folder;
  for (const char* hidden : {"/run/", "/tmp/", "/dev/shm/"}) {
    if (shared.folder.starts_with(hidden)) {  // what was mounted there hides the layer's mount point
      AddFolders(kRoot, shared.folder);
    }
  }
  Add({.kind = kMount, .target = target, .source = shared.folder, .flags = MS_BIND});
  if (shared.read_only) {
    Add({.kind = kMount, .target = target, .flags = MS_REMOUNT | MS_BIND | MS_RDONLY});
  }
}

bool RootChange::Do(const Step& step) {
  const char* target = step.target.c_str();
  switch (step.kind) {
    case Step::Kind::kNewNamespace:
      return ::unshare(CLONE_NEWNS) == 0;
    case Step::Kind::kChdir:
      return ::chdir(target) == 0;
    case Step::Kind::kMakeFolder:
      return ::mkdir(target, 0755) == 0 || errno == EEXIST;
    case Step::Kind::kMount:
      return ::mount(OrNull(step.source), target, OrNull(step.type), step.flags, OrNull(step.options)) == 0;
    case Step::Kind::kMakeReadOnly:
      return MakeReadOnly(target);
    case Step::Kind::kPivot:
      return Pivot();
  }
  return false;
}

int RootChange::Enter() const {
  for (std::size_t at = 0; at < steps_.size(); ++at) {
    if (!Do(steps_[at])) {
      return static_cast<int>(at);
    }
  }
  return -1;
}

std::string RootChange::Describe(int index) const {
  const Step& step = steps_[static_cast<std::size_t>(index)];
  switch (step.kind) {
    case Step::Kind::kNewNamespace:
      return "make a mount namespace for the image";
    case Step::Kind::kChdir:
      return "go to the image's folder " + step.target;
    case Step::Kind::kMakeFolder:
      return "make the mount point " + step.target + " in the image";
    case Step::Kind::kMount:
      return "mount " + (step.type.empty() ? step.source : step.type) + " on " + step.target +
             " in the image";
    case Step::Kind::kMakeReadOnly:
      return "make " + step.target + " in the image read-only";
    case Step::Kind::kPivot:
      return "make the image " + step.target + " the root folder";
  }
  return "";
}

std::string ImageRootRemedy(int code) {
  switch (code) {
    case EPERM:
    case EACCES:
      return "an image needs the right to mount (CAP_SYS_ADMIN): run brink as root, in a container a "
             "privileged one, or "
             "with --sandbox vm";
    case ENODEV:
      return "the kernel has no overlayfs: modprobe overlay";
    default:
      return "";
  }
}

}  // namespace brink
