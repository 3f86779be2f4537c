// SPDX-License-Identifier: MIT
// One QEMU process: its command line, its descriptors, its end. It dies with brink.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"

namespace brink {

/// What a guest boots, held open: one set of files, whatever becomes of their names until QEMU reads them.
struct BootFiles {
  UniqueFd image;
  UniqueFd initrd;
};

struct QemuOptions {
  std::string accelerator = "tcg";  // or "kvm"
  std::string image;                // kernel, as QEMU's -kernel takes it
  std::string initrd;
  std::shared_ptr<const BootFiles> files;  // of image and initrd; null: QEMU opens them by their names
  std::string command_line;                // the kernel's
  std::uint64_t memory_bytes = 0;
  std::uint64_t swap_bytes = 0;
  int cpus = 1;
  std::string run_dir;  // shared writable under the tag "run"; the root is shared read-only under "root"
};

/// The descriptors QEMU gets, by their numbers in it.
struct QemuDescriptors {
  int console = -1;  // the serial console's bytes
  int monitor = -1;  // QMP
  int channel = -1;  // the virtio port "brink"
  int scratch = -1;  // disk of serial "scratch": an ext4 file system
  int swap = -1;     // disk of serial "swap"; -1: none
  int image = -1;    // the kernel; -1: by its name
  int initrd = -1;   // the same
  int saved = -1;    // a saved machine to go on from (saved_machine.h); -1: boot
};

/// Room for what the targets write; only what they do write takes place on the disk.
constexpr std::int64_t kScratchBytes = std::int64_t{16} << 30;

/// The absolute path of QEMU.
[[nodiscard]] Result<std::string> FindQemu();
/// Whether there is all that starts a guest whose kernel has been fetched: QEMU, and mkfs.ext4 for its disk.
[[nodiscard]] Status CheckGuestPrograms();

/// With no monitor and no channel, the console is on QEMU's own standard input and output.
[[nodiscard]] std::vector<std::string> QemuArguments(const QemuOptions& options,
                                                     const QemuDescriptors& descriptors);

/// Becomes QEMU, with the machine's console on this terminal. Returns only when that fails.
[[nodiscard]] Error BecomeQemu(const QemuOptions& options);

/// How it ended: by a signal, or with a status.
struct QemuEnd {
  int status = 0;
  int signal = 0;  // 0: none
};

class Qemu {
 public:
  /// Starts it. Its files, the disks, have no name: nothing is left of them when it ends. They take their
  /// room in the file system of run_dir. QEMU is killed when the calling thread ends, so that it never
  /// outlives a killed brink; out of memory, the kernel takes it before the user's programs. `saved`, if
  /// valid: the machine to go on from, one that was alike.
  [[nodiscard]] static Result<Qemu> Start(const QemuOptions& options, const UniqueFd& saved);
  Qemu(Qemu&& other) noexcept;
  Qemu& operator=(Qemu&&) = delete;
  ~Qemu();

  [[nodiscard]] pid_t Pid() const { return pid_; }
  /// Readable once it has ended.
  [[nodiscard]] int PidFd() const { return pidfd_.Get(); }
  /// Ours to take, once.
  UniqueFd console;
  UniqueFd monitor;
  UniqueFd channel;

  /// What it printed itself: its complaints.
  [[nodiscard]] std::string Output() const;
  /// Once PidFd() is readable; before that, as if it had ended well.
  [[nodiscard]] QemuEnd End() const;
  /// Kills it, and returns once it is gone.
  void Kill();

 private:
  Qemu() = default;

  pid_t pid_ = -1;  // -1: gone, and waited for
  UniqueFd pidfd_;
  UniqueFd output_;
};

}  // namespace brink
