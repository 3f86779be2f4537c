// SPDX-License-Identifier: MIT
// What runs a guest's instructions: KVM, or QEMU's own emulation (TCG).
#pragma once

#include <chrono>
#include <string>

#include "base/result.h"

namespace brink {

struct Accelerator {
  std::string name;  // "kvm" or "tcg", for QEMU's -accel
  std::string note;  // for a person: why this one, and what it costs; empty for kvm
};

/// KVM where it runs guests, else TCG. A /dev/kvm can exist and start a guest, which then hangs or crawls: so
/// a machine that only fills some memory is run, 5 s at most. The answer is kept in the cache for this boot
/// and this QEMU, so that only the first call takes time. Never fails: without QEMU the answer is TCG.
[[nodiscard]] Accelerator ChooseAccelerator();

/// Where the answer comes from; tests put their own here.
struct AcceleratorPlaces {
  std::string kvm = "/dev/kvm";
  std::string boot_id = "/proc/sys/kernel/random/boot_id";
  std::string qemu = "qemu-system-x86_64";  // a name on $PATH, or a path
  std::string cache;                        // folder; empty: nothing is remembered
  std::chrono::milliseconds patience{5000};
};
[[nodiscard]] Accelerator ChooseAccelerator(const AcceleratorPlaces& places);

/// Runs the firmware and a 512-byte boot sector in 16-bit mode, which fills 64 MiB and writes to QEMU's
/// debug-exit device: 0.2 s where all is well, TCG included. `accelerator`: QEMU's name. The error says what
/// happened instead.
[[nodiscard]] Status ProbeAccelerator(const std::string& qemu, const std::string& accelerator,
                                      std::chrono::milliseconds patience);

}  // namespace brink
