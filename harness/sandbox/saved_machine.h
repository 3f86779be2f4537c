// SPDX-License-Identifier: MIT
// Emulated machines that have booted, kept beside their kernel in brink's cache: a guest goes on from there
// in a fraction of the time that emulating its boot takes. One is saved before it hears anything of a run
// (its kernel is up and its modules are loaded, and no more), so that every guest that goes on from it is as
// fresh as one that has booted: it gets its disks, its time, its seed of randomness and its settings
// afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/qemu.h"

namespace brink {

/// The place in the cache for machines that are alike: the same QEMU, kernel, initramfs, command line, memory
/// and devices. Files change owner whole: several brinks may use one place at once.
class SavedMachine {
 public:
  /// Of the machine that these options make. With KVM, which boots in less than a second, none is kept.
  explicit SavedMachine(const QemuOptions& options);

  /// Below the kernel's.
  static constexpr const char* kFolder = "saved";

  /// For QEMU to read from; invalid when none is kept, or one that somebody else could have put there or
  /// changed (trust.h).
  [[nodiscard]] UniqueFd Open() const;
  /// A file without a name for QEMU to write to; invalid when none can be kept. It vanishes unless Keep()
  /// gets it.
  [[nodiscard]] UniqueFd Create() const;
  /// Removes those of this kernel that were not used for longest, beyond four (100 to 200 MiB each).
  void Keep(const UniqueFd& file) const;
  void Remove() const;

 private:
  std::string folder_;
  std::string path_;  // empty: none is kept
};

struct SavedMachines {
  std::size_t count = 0;
  std::uint64_t bytes = 0;  // what they take on the disk
};

/// Those of the kernel with this image. They go when the kernel is removed.
[[nodiscard]] SavedMachines SavedMachinesOf(const std::string& image);

}  // namespace brink
