// SPDX-License-Identifier: MIT
// How a guest starts: it boots, or goes on from a saved machine; then it hears of its run.
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/random.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "base/slowness.h"
#include "kernel/files.h"
#include "kernel/group_place.h"
#include "kernel/swaps.h"
#include "model/json.h"
#include "sandbox/guest_state.h"
#include "sandbox/kernels.h"
#include "sandbox/limits_of_self.h"
#include "sandbox/saved_machine.h"

namespace brink {
namespace {

using Message = Channel::Message;

constexpr double kBootS = 120;
/// How long saving a machine may take, and QEMU's bound for it: as fast as it can.
constexpr double kSaveS = 60;
constexpr std::int64_t kSaveBytesPerS = std::int64_t{1} << 40;

/// A word that no other machine's kernel is given.
constexpr std::string_view kCgroupWord = "BRINK_CGROUP=";
/// Swap in memory is init's to make. Its size is on the command line, so that machines that are saved with
/// other sizes, or without, are others.
constexpr std::string_view kZramWord = "BRINK_ZRAM=";

std::string CommandLine(const GuestOptions& options) {
  // Words without a dot and unknown to the kernel become init's environment (kernel-parameters.txt).
  std::string line = fmt::format("{} {}{}", kGuestKernelWords, kCgroupWord, options.spec.cgroup);
  if (options.spec.zram_bytes > 0) {
    line += fmt::format(" {}{}", kZramWord, options.spec.zram_bytes);
  }
  for (const std::string& word : options.spec.boot) {
    line += " " + word;
  }
  return line;
}

Message EnvironmentMessage() {
  Message environment = Message::array();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    environment.push_back(*entry);
  }
  return environment;
}

std::int64_t SystemTimeNs() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// Machines that go on from one saved state would all draw the same random numbers.
std::vector<std::uint8_t> Seed() {
  std::vector<std::uint8_t> seed(64);
  const ssize_t count = ::getrandom(seed.data(), seed.size(), 0);
  seed.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
  return seed;
}

}  // namespace

QemuOptions MachineOf(const GuestOptions& options) {
  QemuOptions machine;
  machine.accelerator = options.accelerator;
  machine.image = options.kernel_image;
  machine.initrd = options.initrd;
  machine.files = options.files;
  machine.command_line = CommandLine(options);
  machine.memory_bytes = options.spec.memory_bytes;
  machine.swap_bytes = options.spec.swap_bytes;
  machine.cpus = options.spec.cpus;
  machine.run_dir = options.shared_dir;
  return machine;
}

std::string AgentPath() { return std::filesystem::read_symlink("/proc/self/exe").string(); }

/// Until its init says that it is ready to hear of this run.
Status Guest::State::Boot() {
  last_heard = After(kBootS);  // nothing can be heard of a machine that boots
  return Wait(After(kBootS), {}) ? Status{}
                                 : tl::unexpected(Complaint("the guest did not boot: " + loss.detail));
}

/// Until QEMU has said so; false when it did not.
bool Guest::State::Await(const std::function<bool()>& said) {
  const auto deadline = After(kSaveS);
  while (!said() && !exited && !Cancelled() && Clock::now() < deadline) {
    Poll(deadline);
  }
  return said();
}

/// False costs time when the next one boots, and nothing else; the console's file tells why.
bool Guest::State::Save(const UniqueFd& file) {
  std::string why;
  const auto taken = [&](const std::string& name, const Message& arguments, int fd = -1) {
    const bool answered =
        monitor->Command(name, arguments, fd) && Await([&] { return monitor->Answer(name).has_value(); });
    why = answered ? *monitor->Answer(name) : "QEMU did not answer to " + name;
    return why.empty();
  };
  // It is saved as it runs: one that is saved stopped stays so. It waits, so little changes meanwhile. Of one
  // that was refused no event follows.
  const Message events{{"capabilities", {{{"capability", "events"}, {"state", true}}}}};
  const bool begun = taken("migrate-set-capabilities", events) &&
                     taken("migrate-set-parameters", {{"max-bandwidth", kSaveBytesPerS}}) &&
                     taken("getfd", {{"fdname", "saved"}}, file.Get()) &&
                     taken("migrate", {{"uri", "fd:saved"}});
  const auto over = [&] {
    const std::string& saving = monitor->Saving();
    return saving == "completed" || saving == "failed" || saving == "cancelled";
  };
  if (begun && !Await(over) && monitor->Command("migrate_cancel")) {
    static_cast<void>(Await(over));  // until then no folder can be shared with it
  }
  if (monitor->Saving() == "completed") {
    return true;
  }
  if (begun) {
    why = "QEMU said '" + monitor->Saving() + "'";
  }
  if (monitor->Saving() == "failed" && monitor->Command("query-migrate")) {
    static_cast<void>(Await([&] { return monitor->Answer("query-migrate").has_value(); }));
    why = monitor->SavingError().empty() ? why : monitor->SavingError();
  }
  console_file << fmt::format("brink: this guest was not saved for others to go on from: {}\n", why)
               << std::flush;
  return false;
}

/// A machine is halted when it has been saved. QEMU refuses the command until all of saving is done, and
/// tells of that by no event.
Status Guest::State::Resume() {
  const auto deadline = After(kSaveS);
  while (!monitor->Runs() && !exited && !Cancelled() && Clock::now() < deadline) {
    if (auto sent = monitor->Command("cont"); !sent) {
      return sent;
    }
    Poll(deadline);
  }
  return monitor->Runs() ? Status{} : tl::unexpected(Complaint("the guest did not go on after it was saved"));
}

/// Init waits for two lines (containers/guest/init).
Status Guest::State::Settle() {
  const std::string lines = fmt::format("{}\n{}\n", AgentPath(), options.shared_dir);
  last_heard = After(kBootS);
  if (::write(channel->Fd(), lines.data(), lines.size()) != static_cast<ssize_t>(lines.size())) {
    return FailErrno("write to the guest's channel");
  }
  if (!Wait(After(kBootS), {})) {
    return tl::unexpected(Complaint("the guest did not start its agent: " + loss.detail));
  }
  last_heard = Clock::now();
  return {};
}

/// The agent gets the time, a seed, how fast this machine is, and brink's environment and limits, which
/// targets inherit; it tells what it is, and how much slower. For a shell the time and the seed are all.
Status Guest::State::Greet() {
  static const double host_work_s = MeasureWork();
  const auto sent = channel->Send({{"type", "setup"},
                                   {"environment", EnvironmentMessage()},
                                   {"limits", OwnLimits()},
                                   {"work_s", host_work_s},
                                   {"time_ns", SystemTimeNs()},
                                   {"seed", Seed()},
                                   {"shell", options.shell}});
  if (!sent) {
    return tl::unexpected(Complaint("the guest takes no message: " + sent.error().message));
  }
  if (options.shell) {
    return {};
  }
  const auto hello = Wait(After(kBootS), {});
  if (!hello) {
    return tl::unexpected(Complaint("the guest's agent failed: " + loss.detail));
  }
  if (hello->contains("error")) {
    return Fail("the guest's agent: " + TextField(*hello, "error"), TextField(*hello, "remedy"));
  }
  auto evidence = EvidenceFromJson(TextField(*hello, "facts"));
  if (!evidence) {
    return Within("the guest's agent", evidence.error());
  }
  facts = evidence->host;
  if (auto checked = CheckSwaps(options.spec, facts.swaps); !checked) {
    return checked;
  }
  time_scale = std::clamp(Field(*hello, "time_scale", 1.0), 1.0, kSlowestTimes);
  return {};
}

Status Guest::StartQemu(const QemuOptions& machine, const UniqueFd& saved) {
  State& state = *state_;
  state.oom_kills_before = OwnOomKills(Roots{}).value_or(0);
  auto qemu = Qemu::Start(machine, saved);
  if (!qemu) {
    return tl::unexpected(qemu.error());
  }
  state.qemu.emplace(std::move(*qemu));
  state.channel.emplace(std::move(state.qemu->channel));
  state.monitor.emplace(std::move(state.qemu->monitor));
  return state.monitor->Command("qmp_capabilities");
}

/// What is the same however it came to be there: it hears of its run.
Status Guest::State::Join() {
  auto settled = Settle();
  return settled ? Greet() : settled;
}

Result<std::unique_ptr<Guest>> Guest::GoOn(const GuestOptions& options, const QemuOptions& machine,
                                           const UniqueFd& saved) {
  std::unique_ptr<Guest> guest(new Guest(options));
  if (auto started = guest->StartQemu(machine, saved); !started) {
    return tl::unexpected(started.error());
  }
  guest->state_->console_file << "brink: this guest goes on from where one like it had booted and was saved\n"
                              << std::flush;
  if (auto joined = guest->state_->Join(); !joined) {
    return tl::unexpected(joined.error());
  }
  return guest;
}

/// Saves it on the way if it can be; it goes on itself all the same. A kept one that did not go on makes way
/// only for another: what failed may have been the host, for which the other boot fails too.
Result<std::unique_ptr<Guest>> Guest::BootNew(const GuestOptions& options, const QemuOptions& machine,
                                              const SavedMachine& place, bool replace) {
  std::unique_ptr<Guest> guest(new Guest(options));
  if (auto started = guest->StartQemu(machine, {}); !started) {
    return tl::unexpected(started.error());
  }
  State& state = *guest->state_;
  if (auto booted = state.Boot(); !booted) {
    return tl::unexpected(booted.error());
  }
  if (const UniqueFd file = place.Create(); file.Valid() && state.Save(file)) {
    if (replace) {
      place.Remove();
    }
    place.Keep(file);
  }
  if (auto resumed = state.Resume(); !resumed) {
    return tl::unexpected(resumed.error());
  }
  if (auto joined = state.Join(); !joined) {
    return tl::unexpected(joined.error());
  }
  return guest;
}

Result<std::unique_ptr<Guest>> Guest::Start(const GuestOptions& options) {
  std::error_code code;
  std::filesystem::remove(options.console_file, code);
  const QemuOptions machine = MachineOf(options);
  const SavedMachine place(machine);
  bool replace = false;
  if (const UniqueFd saved = place.Open(); saved.Valid()) {
    auto guest = GoOn(options, machine, saved);
    if (guest || IsReadable(options.cancel_fd)) {
      return guest;
    }
    spdlog::info("a saved machine does not go on, and is to be replaced: {}", guest.error().message);
    replace = true;
  }
  return BootNew(options, machine, place, replace);
}

bool IsGuest(const Roots& roots) {
  const std::string line = ReadSmallFile(roots.proc + "/cmdline").value_or("");
  const auto words = Split(line, ' ');
  return std::any_of(words.begin(), words.end(),
                     [](std::string_view word) { return word.starts_with(kCgroupWord); });
}

}  // namespace brink
