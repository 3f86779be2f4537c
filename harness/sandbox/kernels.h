// SPDX-License-Identifier: MIT
// The kernels that guests of the vm sandbox boot: fetched once, unpacked without being installed, cached.
// containers/guest/make-kernel makes them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "sandbox/qemu.h"

namespace brink {

struct GuestKernel {
  std::string name;     // as the user gives it: one of KnownKernelNames(), or a path
  std::string release;  // what uname -r says in it
  std::string image;    // absolute path, for QEMU's -kernel
  std::string initrd;   // absolute path, for QEMU's -initrd
  /// Those two, open: they are of one kernel, and stay, when another brink replaces or removes its folder.
  /// Of FindKernel() and FetchKernel() alone.
  std::shared_ptr<const BootFiles> files;
  std::vector<std::string> packages;  // "NAME VERSION" each; empty for a kernel of the user's own
  bool cgroup_v1 = false;             // whether it has the memory controller of cgroup v1
  bool zram = false;                  // whether its guests can swap to zram
  bool tells_panic = true;            // has the device by which QEMU knows of a panic (pvpanic)
  bool complete = true;  // false: made before there was anything optional (zram); fetching it adds that
};

/// Words for every guest's kernel command line (the kernel's admin-guide/kernel-parameters.txt): the console
/// that QEMU keeps; a panic ends the guest at once; no test whether the timer's interrupts arrive in time,
/// which on a busy host those of an emulated machine do not ("IO-APIC + timer doesn't work!"); and what makes
/// the boot shorter: entropy from the processor, no self-tests of ciphers, no probing for further serial
/// ports, no audit, no AppArmor.
extern const char* const kGuestKernelWords;

/// Where kernels are kept and what makes them; tests put folders and a script of their own here.
struct KernelPlaces {
  std::string cache;    // the user's; has one folder a kernel
  std::string machine;  // the machine's, the same; empty: there is no other (cache.h)
  std::string script;   // make-kernel; its folder holds guest/init too
};

[[nodiscard]] Result<KernelPlaces> DefaultKernelPlaces();

/// debian-11, debian-12, debian-12-backports, debian-13, sid.
[[nodiscard]] const std::vector<std::string>& KnownKernelNames();

/// Whether it can be a kernel at all: one of KnownKernelNames(), or a path of an image, and of a folder of
/// modules, that are there. Fetches nothing.
[[nodiscard]] Status CheckKernelName(const std::string& name);

/// A kernel that is in the user's cache, or in the machine's: it is copied then, some 70 MB, as what is made
/// with it (its initramfs, saved machines) lies beside it. `name` is one of KnownKernelNames() or, if it has
/// a slash, the path of an image of the user's own; a colon and the folder of its modules may follow
/// ("./bzImage:./lib/modules/6.9"). An image that has changed since is another kernel. Its initramfs is made
/// here when there is none with this brink's part in it. One that somebody else could have put there or
/// changed (trust.h) is refused. The error's remedy says how to get it.
[[nodiscard]] Result<GuestKernel> FindKernel(const std::string& name);
[[nodiscard]] Result<GuestKernel> FindKernel(const std::string& name, const KernelPlaces& places);

/// The same, fetched or made first where the cache lacks it, or what is optional of it; `progress` receives
/// lines for the user meanwhile. Takes from seconds to minutes, and needs the network for the known names. A
/// child that is killed leaves nothing half made; two at a time take turns.
using KernelProgress = std::function<void(const std::string&)>;
[[nodiscard]] Result<GuestKernel> FetchKernel(const std::string& name, const KernelProgress& progress);
[[nodiscard]] Result<GuestKernel> FetchKernel(const std::string& name, const KernelProgress& progress,
                                              const KernelPlaces& places);

/// What the caches hold, by name; those of the user's own by the path that they were made of.
[[nodiscard]] Result<std::vector<GuestKernel>> ListKernels();
[[nodiscard]] Result<std::vector<GuestKernel>> ListKernels(const KernelPlaces& places);

/// Removes it from the user's cache, and gives the folders that are gone. The error: it was not there.
/// A guest that runs with it, or is about to, goes on.
[[nodiscard]] Result<std::vector<std::string>> RemoveKernel(const std::string& name);
[[nodiscard]] Result<std::vector<std::string>> RemoveKernel(const std::string& name,
                                                            const KernelPlaces& places);

}  // namespace brink
