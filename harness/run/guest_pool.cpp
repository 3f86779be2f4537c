// SPDX-License-Identifier: MIT
#include "run/guest_pool.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <utility>

#include "base/readable.h"
#include "base/units.h"
#include "evidence/living_groups.h"
#include "kernel/files.h"
#include "kernel/machine_guard.h"
#include "sandbox/accelerator.h"

namespace brink {
namespace {

/// QEMU's own memory beside the guest's.
constexpr std::uint64_t kOverheadBytes = std::uint64_t{80} << 20;

/// How many boots in a row may fail.
constexpr int kBootTries = 2;

std::uint64_t NeededBytes(const GuestSpec& spec) { return spec.memory_bytes + kOverheadBytes; }

/// The second number of /proc/PID/statm is the resident set in pages (proc_pid_statm(5)). 0 for one that is
/// gone.
std::uint64_t ResidentBytes(pid_t pid) {
  const auto statm = ReadSmallFile(fmt::format("/proc/{}/statm", pid));
  const auto fields = Split(statm ? std::string_view(*statm) : std::string_view(), ' ');
  const auto pages = fields.size() > 1 ? ParseNumber(fields[1]) : std::nullopt;
  return pages.value_or(0) * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

/// One that was made before there was zram is fetched again only for a guest that needs it.
Result<GuestKernel> FindOrFetch(const GuestSpec& spec,
                                const std::function<void(const std::string&)>& progress) {
  auto kernel = FindKernel(spec.kernel);
  if (!kernel || (spec.zram_bytes > 0 && !kernel->complete)) {
    progress("fetching the kernel " + spec.kernel);
    kernel = FetchKernel(spec.kernel, progress);
  }
  return kernel;
}

}  // namespace

Status CheckMachine(const GuestSpec& spec, const GuestKernel& kernel) {
  if (spec.cgroup == "v1" && !kernel.cgroup_v1) {
    return Fail(spec.kernel + " is built without the memory controller of cgroup v1",
                "take cgroup v2, or an older kernel");
  }
  if (spec.zram_bytes > 0 && !kernel.zram) {
    return Fail(spec.kernel + " is built without zram",
                "build it with CONFIG_ZRAM and CONFIG_CRYPTO_LZO, take another kernel, or swap to a disk "
                "(machine.swap)");
  }
  return {};
}

void FailedBoots::Note(const GuestSpec& spec, const Status& booted) {
  const auto found =
      std::find_if(failed_.begin(), failed_.end(), [&](const Failed& failed) { return failed.spec == spec; });
  if (booted) {
    if (found != failed_.end()) {
      failed_.erase(found);
    }
    return;
  }
  Failed& failed = found != failed_.end() ? *found : failed_.emplace_back(Failed{.spec = spec, .last = {}});
  ++failed.in_a_row;
  failed.last = booted.error();
}

Status FailedBoots::MayTry(const GuestSpec& spec) const {
  for (const Failed& failed : failed_) {
    if (failed.spec == spec && failed.in_a_row >= kBootTries) {
      Error error = failed.last;
      error.message += fmt::format("; after {} times it is not tried again in this run", failed.in_a_row);
      return tl::unexpected(error);
    }
  }
  return {};
}

bool HasRoomFor(std::uint64_t bytes, std::span<const GuestMemory> running, std::uint64_t available_bytes) {
  std::uint64_t needed = bytes;
  for (const GuestMemory& guest : running) {
    needed += guest.promised_bytes - std::min(guest.promised_bytes, guest.taken_bytes);
  }
  return needed <= available_bytes / 5 * 4;
}

std::uint64_t MemoryToBeHad(const Roots& roots) {
  std::uint64_t bytes = ReadMachineFigures(roots).memory_available_bytes;
  LivingProcess own;
  own.pid = ::getpid();
  ReadGroupLevels(roots, own);
  for (const GroupLevel& level : own.memory_groups) {
    const std::uint64_t limit = std::min(level.limit, level.high.value_or(kNoLimit));
    const std::uint64_t use = level.use.value_or(0);
    const std::uint64_t kept = use - std::min(use, level.file_cache.value_or(0));
    bytes = limit == kNoLimit ? bytes : std::min(bytes, limit - std::min(limit, kept));
  }
  return bytes;
}

Result<GuestOptions> MakeGuestOptions(const GuestSpec& spec, const std::string& shared_dir,
                                      const std::function<void(const std::string&)>& progress) {
  if (spec.memory_bytes < kLeastGuestMemory) {
    return Fail(fmt::format("a guest of {} of memory does not boot", FormatBytes(spec.memory_bytes)),
                fmt::format("give it {} or more: machine.memory, or --memory of brink guest shell",
                            FormatBytes(kLeastGuestMemory)));
  }
  if (const std::uint64_t here = ReadMachineFigures(Roots{}).memory_total_bytes; spec.memory_bytes > here) {
    return Fail(fmt::format("a guest of {} of memory does not fit here: this machine has {}",
                            FormatBytes(spec.memory_bytes), FormatBytes(here)),
                "give it less: machine.memory, or --memory of brink guest shell");
  }
  std::error_code code;
  std::filesystem::create_directories(shared_dir, code);
  if (code) {
    return Fail("create " + shared_dir + ": " + code.message(), "choose another folder with --out");
  }
  const auto kernel = FindOrFetch(spec, progress);
  if (!kernel) {
    return tl::unexpected(kernel.error());
  }
  if (auto checked = CheckMachine(spec, *kernel); !checked) {
    return tl::unexpected(checked.error());
  }
  GuestOptions options;
  options.spec = spec;
  options.kernel_image = kernel->image;
  options.initrd = kernel->initrd;
  options.files = kernel->files;
  options.accelerator = ChooseAccelerator().name;
  options.shared_dir = shared_dir;
  return options;
}

std::vector<GuestMemory> GuestPool::MemoryOfRunning() const {
  std::vector<GuestMemory> memory;
  for (const auto& [slot, guest] : running_) {
    memory.push_back({.promised_bytes = guest.promised_bytes,
                      .taken_bytes = guest.qemu > 0 ? ResidentBytes(guest.qemu) : 0});
  }
  return memory;
}

/// The first guest may always start: one that the host cannot hold is the user's wish, and most use less than
/// they may.
Status GuestPool::PromiseMemory(const GuestSlot& slot, std::uint64_t bytes, int cancel_fd,
                                const std::function<void(const std::string&)>& progress) {
  std::unique_lock lock(memory_mutex_);
  bool told = false;
  while (!running_.empty() && !HasRoomFor(bytes, MemoryOfRunning(), MemoryToBeHad(Roots{}))) {
    if (IsReadable(cancel_fd)) {
      return Fail("interrupted while waiting for memory for a guest");
    }
    if (!std::exchange(told, true)) {
      progress("waiting until there is memory for one more guest: " + FormatBytes(bytes));
    }
    // What other programs free is not announced.
    memory_freed_.wait_for(lock, std::chrono::seconds(1));
  }
  running_[&slot] = {.promised_bytes = bytes, .qemu = 0};
  return {};
}

Result<std::string> GuestPool::WhyNoSuchMachine(const GuestSpec& spec,
                                                const std::function<void(const std::string&)>& progress) {
  const std::scoped_lock lock(fetch_mutex_);
  const std::pair key(spec.kernel, spec.zram_bytes > 0);
  if (const auto known = not_to_be_had_.find(key); known != not_to_be_had_.end()) {
    return tl::unexpected(known->second);
  }
  const auto kernel = FindOrFetch(spec, progress);
  if (!kernel) {
    if (kernel.error().code != EINTR) {  // the user's own wish says nothing of the kernel
      not_to_be_had_[key] = kernel.error();
    }
    return tl::unexpected(kernel.error());
  }
  const auto checked = CheckMachine(spec, *kernel);
  return checked ? "" : checked.error().message;
}

Status GuestPool::MayTry(const GuestSpec& spec) {
  const std::scoped_lock lock(memory_mutex_);
  return failed_boots_.MayTry(spec);
}

Result<Guest*> GuestPool::Prepare(GuestSlot& slot, const GuestSpec& spec, const std::string& shared_dir,
                                  int cancel_fd, const std::function<void(const std::string&)>& progress) {
  if (slot.Spec() == spec && slot.guest->Options().shared_dir == shared_dir) {
    return slot.guest.get();
  }
  Release(slot);
  if (const auto may = MayTry(spec); !may) {
    return tl::unexpected(may.error());
  }
  auto options = [&] {
    const std::scoped_lock lock(fetch_mutex_);
    auto made = MakeGuestOptions(spec, shared_dir, progress);
    if (made) {
      made->console_file = fmt::format("{}/guest-{}-console.log", shared_dir, ++guests_started_);
    }
    return made;
  }();
  if (!options) {
    return tl::unexpected(options.error());
  }
  options->cancel_fd = cancel_fd;
  if (auto taken = PromiseMemory(slot, NeededBytes(spec), cancel_fd, progress); !taken) {
    return tl::unexpected(taken.error());
  }
  progress(fmt::format("booting a guest: {}, cgroup {}{}", spec.kernel, spec.cgroup,
                       options->accelerator == "tcg" ? " (emulated: about 10 times slower)" : ""));
  auto guest = Guest::Start(*options);
  const std::scoped_lock lock(memory_mutex_);
  memory_freed_.notify_all();
  if (guest || !IsReadable(cancel_fd)) {
    failed_boots_.Note(spec, guest ? Status{} : tl::unexpected(guest.error()));
  }
  if (!guest) {
    running_.erase(&slot);
    return tl::unexpected(guest.error());
  }
  slot.guest = std::move(*guest);
  running_[&slot].qemu = slot.guest->Pid();
  return slot.guest.get();
}

void GuestPool::Release(GuestSlot& slot) {
  if (slot.guest == nullptr) {
    return;
  }
  // Its number may be another process's once it is gone: nobody must look between.
  const std::scoped_lock lock(memory_mutex_);
  slot.guest.reset();
  running_.erase(&slot);
  memory_freed_.notify_all();
}

}  // namespace brink
