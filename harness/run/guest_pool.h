// SPDX-License-Identifier: MIT
// The guests of a run: fetched kernels, booted machines, and no more of them than the host has memory for.
#pragma once

#include <sys/types.h>

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "base/result.h"
#include "kernel/roots.h"
#include "model/plan.h"
#include "sandbox/guest.h"
#include "sandbox/kernels.h"

namespace brink {

/// A worker's guest, if it has one.
struct GuestSlot {
  std::unique_ptr<Guest> guest;
  [[nodiscard]] std::optional<GuestSpec> Spec() const {
    return guest != nullptr && guest->Usable() ? std::optional(guest->Options().spec) : std::nullopt;
  }
};

/// What Guest::Start() needs for such a machine. Fetches the kernel when it is not there yet. console_file
/// and cancel_fd are the caller's.
[[nodiscard]] Result<GuestOptions> MakeGuestOptions(const GuestSpec& spec, const std::string& shared_dir,
                                                    const std::function<void(const std::string&)>& progress);

/// The host's memory that a guest may take, its own of QEMU included, and what it has taken by now.
struct GuestMemory {
  std::uint64_t promised_bytes = 0;
  std::uint64_t taken_bytes = 0;
};

/// Whether the host can hold a new guest of that size even when those that run take all they were promised: a
/// fresh guest has touched little of it. A fifth of what is available stays for others.
[[nodiscard]] bool HasRoomFor(std::uint64_t bytes, std::span<const GuestMemory> running,
                              std::uint64_t available_bytes);

/// What this host has for guests now: MemAvailable, or what brink's own control groups, which guests are in
/// too, let them have beside what is in use there; page cache, which the kernel takes back first, is to be
/// had.
[[nodiscard]] std::uint64_t MemoryToBeHad(const Roots& roots);

/// Fails where there can be no such machine with that kernel, for what it is built without: the memory
/// controller of cgroup v1, or zram.
[[nodiscard]] Status CheckMachine(const GuestSpec& spec, const GuestKernel& kernel);

/// Machines that did not boot, which may take minutes to show: the second time in a row is the last. What the
/// host was short of the first time it may have the next.
class FailedBoots {
 public:
  /// How a boot of such a machine went. One that succeeds makes up for those before.
  void Note(const GuestSpec& spec, const Status& booted);
  /// The last error, where such a machine is not to be tried again.
  [[nodiscard]] Status MayTry(const GuestSpec& spec) const;

 private:
  struct Failed {
    GuestSpec spec;
    int in_a_row = 0;
    Error last;
  };
  std::vector<Failed> failed_;
};

class GuestPool {
 public:
  /// The same in words, empty when there can be one, of the kernel by its name, which is fetched when it is
  /// not there yet. The error: it cannot be had; it is tried once, and the error kept. Waits while another
  /// thread fetches one.
  [[nodiscard]] Result<std::string> WhyNoSuchMachine(const GuestSpec& spec,
                                                     const std::function<void(const std::string&)>& progress);
  /// The guest of the slot, if it is such a machine, shares that folder and is fit for use; else a new one in
  /// its place. Waits while the host's memory is taken by other guests. A machine that did not boot twice in
  /// a row is not tried again. The slot's guest belongs to the calling thread.
  [[nodiscard]] Result<Guest*> Prepare(GuestSlot& slot, const GuestSpec& spec, const std::string& shared_dir,
                                       int cancel_fd,
                                       const std::function<void(const std::string&)>& progress);
  /// Ends the slot's guest.
  void Release(GuestSlot& slot);

 private:
  struct Running {
    std::uint64_t promised_bytes = 0;
    pid_t qemu = 0;  // 0: it is being started, and what it has taken is not known
  };
  [[nodiscard]] Status PromiseMemory(const GuestSlot& slot, std::uint64_t bytes, int cancel_fd,
                                     const std::function<void(const std::string&)>& progress);
  [[nodiscard]] Status MayTry(const GuestSpec& spec);
  [[nodiscard]] std::vector<GuestMemory> MemoryOfRunning() const;

  std::mutex memory_mutex_;
  std::condition_variable memory_freed_;
  std::map<const GuestSlot*, Running> running_;  // under memory_mutex_
  FailedBoots failed_boots_;                     // under memory_mutex_
  std::mutex fetch_mutex_;                       // one fetch at a time
  int guests_started_ = 0;                       // under fetch_mutex_
  /// By the kernel, and whether zram was asked of it. Under fetch_mutex_.
  std::map<std::pair<std::string, bool>, Error> not_to_be_had_;
};

}  // namespace brink
