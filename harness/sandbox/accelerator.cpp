// SPDX-License-Identifier: MIT
#include "sandbox/accelerator.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <boost/process.hpp>
#include <boost/process/extend.hpp>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>

#include "base/unique_fd.h"
#include "kernel/files.h"
#include "sandbox/cache.h"

namespace brink {
namespace {

namespace bp = boost::process;
namespace fs = std::filesystem;

/// QEMU's isa-debug-exit ends it with (value << 1) | 1.
constexpr unsigned char kPort = 0xf4;
constexpr unsigned char kValue = 0x10;
constexpr int kGoodStatus = (kValue << 1) | 1;
constexpr const char* kTcgCost =
    "guests are emulated (TCG): their work takes about ten times as long as on this machine";

/// 16-bit code that fills 64 MiB (64 KiB a thousand times over) and then writes to the port. Writing memory
/// is what tells: some hosts' KVM starts guests and takes microseconds for each byte.
std::array<unsigned char, 512> BootSector() {
  std::array<unsigned char, 512> sector{
      0xb8, 0x00,   0x10, 0x8e,  0xc0,  // mov ax, 0x1000; mov es, ax
      0xba, 0x00,   0x04,               // mov dx, 1024
      0xb9, 0xff,   0xff, 0x31,  0xff,  // again: mov cx, 0xffff; xor di, di
      0xf3, 0xaa,                       // rep stosb
      0x4a, 0x75,   0xf6,               // dec dx; jnz again
      0xb0, kValue, 0xe6, kPort, 0xf4,  // mov al, kValue; out kPort, al; hlt
  };
  sector[510] = 0x55;  // the mark by which the firmware knows a boot sector
  sector[511] = 0xaa;
  return sector;
}

Result<UniqueFd> MakeDisk() {
  UniqueFd disk(::memfd_create("brink-probe", MFD_CLOEXEC));
  const auto sector = BootSector();
  if (!disk.Valid() || ::write(disk.Get(), sector.data(), sector.size()) != ssize_t{sector.size()}) {
    return FailErrno("make a disk for the probe");
  }
  return disk;
}

/// In the child, between fork and exec. A Ctrl-C is for brink, which ends the probe by ending itself.
void PrepareChild(int disk) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::setpgid(0, 0);
  ::fcntl(disk, F_SETFD, 0);
}

/// The wait status of a child of ours; killed when it takes longer than `patience`.
Status AwaitProbe(pid_t pid, std::chrono::milliseconds patience) {
  const UniqueFd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  pollfd ended{.fd = pidfd.Get(), .events = POLLIN, .revents = 0};
  int ready = 0;
  while (pidfd.Valid() && (ready = ::poll(&ended, 1, static_cast<int>(patience.count()))) < 0 &&
         errno == EINTR) {
  }
  if (ready <= 0) {
    ::kill(pid, SIGKILL);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (ready <= 0) {
    return tl::unexpected(Error{.message = fmt::format("a guest did not finish in {:.1f} s",
                                                       std::chrono::duration<double>(patience).count()),
                                .remedy = "",
                                .code = ETIMEDOUT});
  }
  if (!WIFEXITED(status) || WEXITSTATUS(status) != kGoodStatus) {
    return Fail(WIFEXITED(status) ? fmt::format("QEMU exited with {}", WEXITSTATUS(status))
                                  : fmt::format("QEMU was killed by signal {}", WTERMSIG(status)));
  }
  return {};
}

std::string QemuPath(const std::string& qemu) {
  return qemu.find('/') != std::string::npos ? qemu : bp::search_path(qemu).string();
}

/// What the answer holds for: this boot of this machine and this file of QEMU.
std::string Key(const AcceleratorPlaces& places, const std::string& qemu) {
  struct stat status {};
  ::stat(qemu.c_str(), &status);
  return fmt::format("{} {} {} {}", ReadSmallFile(places.boot_id).value_or("?"), qemu, status.st_size,
                     status.st_mtim.tv_sec);
}

std::string MemoryFile(const AcceleratorPlaces& places) {
  return places.cache.empty() ? "" : places.cache + "/accelerator";
}

constexpr const char* kWorks = "KVM works";

/// What an earlier call found out: "" for a working KVM, else what was wrong. Nothing when none did.
std::optional<std::string> Recall(const AcceleratorPlaces& places, const std::string& key) {
  const auto text = ReadSmallFile(MemoryFile(places)).value_or("");
  const std::size_t end = text.find('\n');
  if (end == std::string::npos || text.substr(0, end) != key) {
    return std::nullopt;
  }
  const std::string answer = text.substr(end + 1);
  return answer == kWorks ? "" : answer;
}

/// Where it cannot be kept the next call probes again. Renamed into place: another brink may read meanwhile.
void Remember(const AcceleratorPlaces& places, const std::string& key, const std::string& problem) {
  const std::string file = MemoryFile(places);
  if (file.empty()) {
    return;
  }
  std::error_code code;
  fs::create_directories(places.cache, code);
  const std::string fresh = fmt::format("{}.{}", file, ::getpid());
  std::ofstream text(fresh);
  text << key << "\n" << (problem.empty() ? kWorks : problem) << "\n";
  text.close();
  if (text) {
    fs::rename(fresh, file, code);
  } else {
    fs::remove(fresh, code);
  }
}

}  // namespace

Status ProbeAccelerator(const std::string& qemu, const std::string& accelerator,
                        std::chrono::milliseconds patience) {
  const auto disk = MakeDisk();
  if (!disk) {
    return tl::unexpected(disk.error());
  }
  const int fd = disk->Get();
  const std::vector<std::string> arguments{"-accel",
                                           accelerator,
                                           "-machine",
                                           "pc",
                                           "-m",
                                           "16",
                                           "-nodefaults",
                                           "-no-user-config",
                                           "-display",
                                           "none",
                                           "-no-reboot",
                                           "-drive",
                                           fmt::format("file=/proc/self/fd/{},format=raw,if=ide", fd),
                                           "-device",
                                           fmt::format("isa-debug-exit,iobase={:#x},iosize=1", kPort)};
  std::error_code code;
  bp::child child(
      bp::exe = qemu, bp::args = arguments, bp::std_in<bp::null, bp::std_out> bp::null,
      bp::std_err > bp::null, bp::extend::on_exec_setup = [fd](auto&) { PrepareChild(fd); }, code);
  if (code) {
    return FailErrno("start " + qemu, code.value());
  }
  const pid_t pid = child.id();
  child.detach();
  return AwaitProbe(pid, patience);
}

Accelerator ChooseAccelerator(const AcceleratorPlaces& places) {
  const auto tcg = [](const std::string& reason) {
    return Accelerator{.name = "tcg", .note = fmt::format("{}; {}", reason, kTcgCost)};
  };
  if (::access(places.kvm.c_str(), R_OK | W_OK) != 0) {
    return tcg(fmt::format("{}: {}", places.kvm, std::generic_category().message(errno)));
  }
  const std::string qemu = QemuPath(places.qemu);
  if (qemu.empty()) {
    return tcg(places.qemu + " is not installed");
  }
  const std::string key = Key(places, qemu);
  auto problem = Recall(places, key);
  if (!problem) {
    const auto probed = ProbeAccelerator(qemu, "kvm", places.patience);
    problem = probed ? "" : probed.error().message;
    // What else fails does so at once, and may be cured by the next time.
    if (probed || probed.error().code == ETIMEDOUT) {
      Remember(places, key, *problem);
    }
  }
  return problem->empty() ? Accelerator{.name = "kvm", .note = ""}
                          : tcg(fmt::format("{} exists and runs no guests ({})", places.kvm, *problem));
}

Accelerator ChooseAccelerator() {
  AcceleratorPlaces places;
  places.cache = CacheFolder().value_or("");
  return ChooseAccelerator(places);
}

}  // namespace brink
