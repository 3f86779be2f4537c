// SPDX-License-Identifier: MIT
#include "sandbox/qemu.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <boost/process.hpp>
#include <boost/process/extend.hpp>
#include <cerrno>
#include <cstdlib>
#include <string_view>

#include "base/room.h"

namespace brink {
namespace {

namespace bp = boost::process;

constexpr const char* kProgram = "qemu-system-x86_64";
constexpr const char* kInstall = "apt-get install qemu-system-x86 e2fsprogs";
constexpr const char* kNoMkfs = "mkfs.ext4 is not installed";

/// Out of memory, the kernel is to take a guest before the user's programs: a guest can be had again. Half
/// the machine's memory on top of its own use (proc_pid_oom_adj(5)); brink's own -1000 would be inherited,
/// and spare the guest, the largest there is of brink.
constexpr std::string_view kOomScoreAdj = "500";

/// In the child, between fork and exec: only async-signal-safe calls.
struct GuestChild : bp::extend::handler {
  GuestChild(std::vector<int> inherited_fds, int output_fd, pid_t parent_pid)
      : inherited(std::move(inherited_fds)), output(output_fd), parent(parent_pid) {}

  template <typename Executor>
  void on_exec_setup(Executor&) const {
    // A Ctrl-C of the terminal is brink's to handle; a thread that died before the prctl would be missed.
    ::setpgid(0, 0);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) {
      ::_exit(127);
    }
    // Refused only where brink was itself given more: then the guest keeps that.
    const int oom_score_adj = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
    static_cast<void>(::write(oom_score_adj, kOomScoreAdj.data(), kOomScoreAdj.size()) < 0);
    ::close(oom_score_adj);
    sigset_t none;
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    for (const int fd : inherited) {
      ::fcntl(fd, F_SETFD, 0);
    }
    if (output >= 0) {
      ::dup2(output, STDOUT_FILENO);
      ::dup2(output, STDERR_FILENO);
    }
  }

  std::vector<int> inherited;
  int output;
  pid_t parent;
};

/// A file without a name in `folder`.
Result<UniqueFd> MakeDisk(const std::string& folder, off_t bytes) {
  UniqueFd disk(::open(folder.c_str(), O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
  if (!disk.Valid()) {
    std::string name = folder + "/.brink-disk-XXXXXX";
    disk.Reset(::mkostemp(name.data(), O_CLOEXEC));
    if (!disk.Valid()) {
      return FailErrno("make a disk for the guest in " + folder, errno, "choose another folder with --out");
    }
    ::unlink(name.c_str());
  }
  if (::ftruncate(disk.Get(), bytes) != 0) {
    return FailErrno("make a disk for the guest in " + folder, errno, "choose another folder with --out");
  }
  return disk;
}

std::string FindMkfs() {
  auto search = ::boost::this_process::path();
  search.emplace_back("/sbin");
  search.emplace_back("/usr/sbin");
  return bp::search_path("mkfs.ext4", search).string();
}

/// mkfs.ext4 without a journal: the file system does not outlive its first mount.
Status MakeFileSystem(const UniqueFd& disk, const std::string& folder) {
  const std::string path = fmt::format("/proc/self/fd/{}", disk.Get());
  std::error_code code;
  const std::string program = FindMkfs();
  if (program.empty()) {
    return Fail(kNoMkfs, kInstall);
  }
  bp::child child(program, "-q", "-F", "-m", "0", "-O", "^has_journal,^resize_inode", "-E",
                  "lazy_itable_init=1,nodiscard", path, bp::std_in<bp::null, bp::std_out> bp::null,
                  bp::std_err > bp::null, GuestChild({disk.Get()}, -1, ::getpid()), code);
  int status = 0;
  if (!code) {
    const pid_t pid = child.id();
    child.detach();
    while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
    }
  }
  if (!code && status == 0) {
    return {};
  }
  const std::string room = RoomInWords(folder);
  return Fail("mkfs.ext4 on the guest's disk failed",
              fmt::format("make room{}, or choose another folder with --out",
                          room.empty() ? " in " + folder : " (" + room + ")"));
}

/// Commas end an option's value; doubled they stand for themselves.
std::string Escape(std::string_view value) {
  std::string escaped;
  for (const char letter : value) {
    escaped += letter == ',' ? ",," : std::string(1, letter);
  }
  return escaped;
}

void AddDisk(std::vector<std::string>& arguments, const std::string& name, int fd) {
  const std::vector<std::string> words{
      "-drive",
      fmt::format("if=none,id={},file=/proc/self/fd/{},format=raw,cache=unsafe,discard=unmap,werror=report,"
                  "rerror=report",
                  name, fd),
      "-device", fmt::format("virtio-blk-pci,drive={},serial={}", name, name)};
  arguments.insert(arguments.end(), words.begin(), words.end());
}

/// Where QEMU keeps what a guest says of the owner, the mode and the kind of a file: in an attribute of the
/// file, or, where the file system has none (tmpfs before Linux 6.6), in folders named .virtfs_metadata.
std::string_view MappedModel(const std::string& folder) {
  constexpr const char* kAttribute = "user.brink";
  const bool has_attributes = ::setxattr(folder.c_str(), kAttribute, "", 0, 0) == 0;
  if (has_attributes) {
    ::removexattr(folder.c_str(), kAttribute);
  }
  return has_attributes ? "mapped-xattr" : "mapped-file";
}

/// A target is root in the guest and may be hostile. What it makes in the writable share are plain files to
/// this machine, whatever they are to the guest: else a link that it left would lead brink's own writing, or
/// its clearing of a folder, out of the share, and a program of its own could be setuid here.
void AddShare(std::vector<std::string>& arguments, const std::string& tag, const std::string& path,
              bool writable) {
  const std::string access = writable
                                 ? fmt::format("security_model={},fmode=0644,dmode=0755", MappedModel(path))
                                 : "security_model=none,readonly=on";
  const std::vector<std::string> words{
      "-fsdev", fmt::format("local,id={},path={},multidevs=remap,{}", tag, Escape(path), access), "-device",
      fmt::format("virtio-9p-pci,fsdev={},mount_tag={}", tag, tag)};
  arguments.insert(arguments.end(), words.begin(), words.end());
}

/// A file that QEMU opens: by its descriptor, where it has one.
std::string FileOf(const std::string& path, int fd) {
  return fd < 0 ? path : fmt::format("/proc/self/fd/{}", fd);
}

QemuDescriptors DescriptorsOf(const QemuOptions& options) {
  QemuDescriptors descriptors;
  if (options.files != nullptr) {
    descriptors.image = options.files->image.Get();
    descriptors.initrd = options.files->initrd.Get();
  }
  return descriptors;
}

struct Disks {
  UniqueFd scratch;
  UniqueFd swap;  // invalid: none
};

Result<Disks> MakeDisks(const QemuOptions& options) {
  auto scratch = MakeDisk(options.run_dir, kScratchBytes);
  if (!scratch) {
    return tl::unexpected(scratch.error());
  }
  if (auto made = MakeFileSystem(*scratch, options.run_dir); !made) {
    return tl::unexpected(made.error());
  }
  Disks disks{.scratch = std::move(*scratch), .swap = {}};
  if (options.swap_bytes > 0) {
    auto swap = MakeDisk(options.run_dir, static_cast<off_t>(options.swap_bytes));
    if (!swap) {
      return tl::unexpected(swap.error());
    }
    disks.swap = std::move(*swap);
  }
  return disks;
}

void AddConnections(std::vector<std::string>& arguments, const QemuDescriptors& descriptors) {
  if (descriptors.channel < 0) {
    arguments.insert(arguments.end(), {"-serial", "mon:stdio"});
    return;
  }
  const std::vector<std::string> words{
      "-chardev", fmt::format("socket,id=console,fd={}", descriptors.console),
      "-serial",  "chardev:console",
      "-chardev", fmt::format("socket,id=monitor,fd={}", descriptors.monitor),
      "-mon",     "chardev=monitor,mode=control",
      "-device",  "virtio-serial-pci,max_ports=2",
      "-chardev", fmt::format("socket,id=channel,fd={}", descriptors.channel),
      "-device",  "virtserialport,chardev=channel,name=brink"};
  arguments.insert(arguments.end(), words.begin(), words.end());
}

struct Pair {
  UniqueFd ours;
  UniqueFd theirs;
};

Result<Pair> MakePair() {
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
    return FailErrno("make a socket pair", errno, "raise RLIMIT_NOFILE (ulimit -n) or run fewer jobs");
  }
  return Pair{.ours = UniqueFd(ends[0]), .theirs = UniqueFd(ends[1])};
}

}  // namespace

Result<std::string> FindQemu() {
  const auto program = bp::search_path(kProgram);
  return program.empty() ? Result<std::string>(Fail(std::string(kProgram) + " is not installed", kInstall))
                         : program.string();
}

Status CheckGuestPrograms() {
  if (const auto qemu = FindQemu(); !qemu) {
    return tl::unexpected(qemu.error());
  }
  return FindMkfs().empty() ? Status(Fail(kNoMkfs, kInstall)) : Status{};
}

std::vector<std::string> QemuArguments(const QemuOptions& options, const QemuDescriptors& descriptors) {
  const bool tcg = options.accelerator == "tcg";
  std::vector<std::string> arguments{
      "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-name", "brink-guest",
      // Five levels of page tables only make TCG's walks longer.
      "-accel", tcg ? "tcg,thread=multi,tb-size=256" : options.accelerator, "-cpu",
      tcg ? "max,la57=off" : "host", "-machine", "q35,mem-merge=off,vmport=off,smbus=off,sata=off,i8042=off",
      "-m", fmt::format("{}M", options.memory_bytes >> 20), "-smp", std::to_string(options.cpus), "-kernel",
      FileOf(options.image, descriptors.image), "-initrd", FileOf(options.initrd, descriptors.initrd),
      "-append", options.command_line,
      // A panic is told by this device (QMP: GUEST_PANICKED), not guessed from the console's text.
      "-device", "pvpanic", "-action", "panic=shutdown"};
  AddConnections(arguments, descriptors);
  AddShare(arguments, "root", "/", false);
  AddShare(arguments, "run", options.run_dir, true);
  AddDisk(arguments, "scratch", descriptors.scratch);
  if (descriptors.swap >= 0) {
    AddDisk(arguments, "swap", descriptors.swap);
  }
  if (descriptors.saved >= 0) {
    arguments.insert(arguments.end(), {"-incoming", fmt::format("fd:{}", descriptors.saved)});
  }
  return arguments;
}

Error BecomeQemu(const QemuOptions& options) {
  const auto program = FindQemu();
  if (!program) {
    return program.error();
  }
  const auto disks = MakeDisks(options);
  if (!disks) {
    return disks.error();
  }
  QemuDescriptors descriptors = DescriptorsOf(options);
  descriptors.scratch = disks->scratch.Get();
  descriptors.swap = disks->swap.Get();
  for (const int fd : {descriptors.scratch, descriptors.swap, descriptors.image, descriptors.initrd}) {
    ::fcntl(fd, F_SETFD, 0);
  }
  std::vector<std::string> words = QemuArguments(options, descriptors);
  words.insert(words.begin(), *program);
  std::vector<char*> arguments;
  std::transform(words.begin(), words.end(), std::back_inserter(arguments),
                 [](std::string& word) { return word.data(); });
  arguments.push_back(nullptr);
  ::execv(program->c_str(), arguments.data());
  return FailErrno("start " + *program).value();
}

Result<Qemu> Qemu::Start(const QemuOptions& options, const UniqueFd& saved) {
  const auto program = FindQemu();
  if (!program) {
    return tl::unexpected(program.error());
  }
  auto console = MakePair();
  auto monitor = MakePair();
  auto channel = MakePair();
  if (!console || !monitor || !channel) {
    return tl::unexpected(!console ? console.error() : !monitor ? monitor.error() : channel.error());
  }
  const auto disks = MakeDisks(options);
  if (!disks) {
    return tl::unexpected(disks.error());
  }
  QemuDescriptors descriptors = DescriptorsOf(options);
  descriptors.console = console->theirs.Get();
  descriptors.monitor = monitor->theirs.Get();
  descriptors.channel = channel->theirs.Get();
  descriptors.scratch = disks->scratch.Get();
  descriptors.swap = disks->swap.Get();
  descriptors.saved = saved.Get();
  Qemu qemu;
  qemu.output_.Reset(::memfd_create("qemu-output", MFD_CLOEXEC));
  std::error_code code;
  bp::child child(
      *program, bp::args = QemuArguments(options, descriptors), bp::std_in < bp::null,
      GuestChild({descriptors.console, descriptors.monitor, descriptors.channel, descriptors.scratch,
                  descriptors.swap, descriptors.image, descriptors.initrd, descriptors.saved},
                 qemu.output_.Get(), ::getpid()),
      code);
  if (code) {
    return Fail(fmt::format("start {}: {}", *program, code.message()));
  }
  qemu.pid_ = child.id();
  child.detach();
  qemu.pidfd_.Reset(static_cast<int>(::syscall(SYS_pidfd_open, qemu.pid_, 0)));
  qemu.console = std::move(console->ours);
  qemu.monitor = std::move(monitor->ours);
  qemu.channel = std::move(channel->ours);
  return qemu;
}

Qemu::Qemu(Qemu&& other) noexcept
    : console(std::move(other.console)),
      monitor(std::move(other.monitor)),
      channel(std::move(other.channel)),
      pid_(std::exchange(other.pid_, -1)),
      pidfd_(std::move(other.pidfd_)),
      output_(std::move(other.output_)) {}

Qemu::~Qemu() { Kill(); }

std::string Qemu::Output() const {
  std::string text(4096, '\0');
  const ssize_t count = ::pread(output_.Get(), text.data(), text.size(), 0);
  text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return text;
}

QemuEnd Qemu::End() const {
  siginfo_t end = {};
  // Not reaped: its number stays its own until Kill().
  if (pid_ < 0 || ::waitid(P_PID, static_cast<id_t>(pid_), &end, WEXITED | WNOHANG | WNOWAIT) != 0) {
    return {};
  }
  return end.si_code == CLD_EXITED ? QemuEnd{.status = end.si_status, .signal = 0}
                                   : QemuEnd{.status = 0, .signal = end.si_status};
}

void Qemu::Kill() {
  if (pid_ < 0) {
    return;
  }
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  pid_ = -1;
}

}  // namespace brink
