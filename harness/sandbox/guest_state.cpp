// SPDX-License-Identifier: MIT
#include "sandbox/guest_state.h"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>

#include "kernel/files.h"
#include "kernel/group_place.h"

namespace brink {
namespace {

using Message = Channel::Message;

/// Without a word of the agent, which speaks every second, the guest counts as hung. An agent on a machine
/// that is out of memory may stall for long; plain TCG beside other load does so for seconds. The slower a
/// guest is measured to be, the longer.
constexpr double kSilenceS = 30;
constexpr double kSilenceForEachTimeS = 10;
constexpr double kMostSilenceS = 300;
/// A host with more to do than it can takes away a guest's time: it is given that back, up to this.
constexpr double kMostHeldUpS = 600;
/// How often it is looked at whether time that was given back is over.
constexpr auto kLookAgain = std::chrono::milliseconds(100);
/// Of what a guest prints, as much is kept (bytes): a kernel that warns without end must not fill the disk.
constexpr std::streamsize kMostConsole = std::streamsize{16} << 20;
/// How long QEMU may take to end after a guest was lost, and to tell why.
constexpr double kFarewellS = 5;

/// ": " and what the kernel said when it panicked, if it did, after these words of its own (kernel/panic.c).
std::string WhyItPanicked(const std::vector<std::string>& lines) {
  constexpr std::string_view kWords = "Kernel panic - not syncing: ";
  for (const std::string& line : lines) {
    if (const std::size_t at = line.find(kWords); at != std::string::npos) {
      return ": " + line.substr(at + kWords.size());
    }
  }
  return "";
}

}  // namespace

Clock::time_point After(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(Seconds(seconds));
}

bool Guest::State::Cancelled() const { return IsReadable(options.cancel_fd); }

void Guest::State::ReadConsole() {
  std::array<char, 4096> buffer{};
  const ssize_t count = ::read(qemu->console.Get(), buffer.data(), buffer.size());
  if (count <= 0) {
    qemu->console.Reset();
    return;
  }
  const std::string_view text(buffer.data(), static_cast<std::size_t>(count));
  console.Append(text);
  console_file.write(text.data(), std::clamp<std::streamsize>(kMostConsole - console_kept, 0, count));
  console_file.flush();
  if (console_kept < kMostConsole && console_kept + count >= kMostConsole) {
    console_file << "\nbrink: what comes after this is not kept\n" << std::flush;
  }
  console_kept += count;
}

void Guest::State::ReadChannel() {
  std::vector<Message> received;
  const auto status = channel->Receive(received);
  // A part of a message is a sign of life, too.
  last_heard = Clock::now();
  held_up_when_heard_s = HeldUpS();
  for (Message& message : received) {
    if (TextField(message, "type") == "agent_killed") {
      agent_killed = NameOfSignal(Field(message, "signal", SIGKILL));
    } else {
      messages.push_back(std::move(message));
    }
  }
  if (!status) {
    cut = status.error().message;
  }
}

void Guest::State::Poll(Clock::time_point until, std::span<pollfd> more) {
  std::vector<pollfd> fds{{{.fd = qemu->console.Get(), .events = POLLIN, .revents = 0},
                           {.fd = monitor->Fd(), .events = POLLIN, .revents = 0},
                           {.fd = cut.empty() ? channel->Fd() : -1, .events = POLLIN, .revents = 0},
                           {.fd = qemu->PidFd(), .events = POLLIN, .revents = 0},
                           {.fd = options.cancel_fd, .events = POLLIN, .revents = 0}}};
  const auto of_caller = fds.insert(fds.end(), more.begin(), more.end());
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  if (::poll(fds.data(), fds.size(), static_cast<int>(std::clamp<long>(wait, 0, 1000))) <= 0) {
    return;
  }
  std::copy(of_caller, fds.end(), more.begin());
  if (fds[0].revents != 0) {
    ReadConsole();
  }
  if (fds[1].revents != 0) {
    monitor->Read();
  }
  if (fds[2].revents != 0) {
    ReadChannel();
  }
  const bool silent = fds[0].revents == 0 && fds[1].revents == 0 && fds[2].revents == 0;
  exited = exited || (fds[3].revents != 0 && silent);
}

/// The longest of QEMU's threads: one processor of the guest that stands still holds up all.
double Guest::State::HeldUpS() const {
  double longest_s = 0;
  std::error_code code;
  for (const auto& task :
       std::filesystem::directory_iterator(fmt::format("/proc/{}/task", qemu->Pid()), code)) {
    // Nanoseconds on a processor, and ready to run but waiting for one (Documentation/scheduler/sched-stats).
    const auto text = ReadSmallFile(task.path() / "schedstat");
    const auto fields = Split(text ? std::string_view(*text) : std::string_view(), ' ');
    const auto waited_ns = fields.size() > 1 ? ParseNumber(fields[1]) : std::nullopt;
    longest_s = std::max(longest_s, static_cast<double>(waited_ns.value_or(0)) * 1e-9);
  }
  return longest_s;
}

/// Its time counts only while it had a processor.
bool Guest::State::IsOver(Clock::time_point deadline, double held_up_before_s) const {
  if (Clock::now() < deadline) {
    return false;
  }
  const double held_up_s = std::clamp(HeldUpS() - held_up_before_s, 0.0, kMostHeldUpS);
  return Clock::now() >= deadline + std::chrono::duration_cast<Clock::duration>(Seconds(held_up_s));
}

double Guest::State::SilenceS() const {
  return std::clamp(kSilenceForEachTimeS * time_scale, kSilenceS, kMostSilenceS);
}

bool Guest::State::IsGone() const {
  const auto silent_from = last_heard + std::chrono::duration_cast<Clock::duration>(Seconds(SilenceS()));
  return exited || monitor->Panicked() || !cut.empty() || !agent_killed.empty() ||
         IsOver(silent_from, held_up_when_heard_s);
}

/// Once it is clear that the guest is gone: how. QEMU may still have to say why.
void Guest::State::TellLost(bool out_of_time) {
  const bool silent = !exited && cut.empty() && agent_killed.empty() && !monitor->Panicked();
  const double silence = Seconds(Clock::now() - last_heard).count();
  for (const auto farewell = After(kFarewellS);
       !exited && !silent && Clock::now() < farewell && !Cancelled();) {
    Poll(farewell);
  }
  if (monitor->Panicked()) {
    loss = {.how = "panicked", .detail = "the guest's kernel panicked" + WhyItPanicked(console.Lines())};
  } else if (monitor->WasReset()) {
    loss = {.how = "reset", .detail = "the guest restarted by itself" + WhyItPanicked(console.Lines())};
  } else if (!agent_killed.empty()) {
    loss = {.how = "cut", .detail = "the guest's agent was ended by " + agent_killed};
  } else if (exited) {
    const std::uint64_t oom_kills = OwnOomKills(Roots{}).value_or(0);
    loss = LossOfEndedQemu(qemu->End(), monitor->PoweredOff(),
                           oom_kills - std::min(oom_kills, oom_kills_before), qemu->Output());
  } else if (silent) {
    loss = {.how = "hung",
            .detail = out_of_time && silence < SilenceS()
                          ? "the guest did not finish within its time"
                          : fmt::format("the guest did not answer for {:.0f} s", silence)};
  } else {
    loss = {.how = "cut", .detail = "the guest's agent is gone: " + cut};
  }
}

std::optional<Message> Guest::State::Wait(Clock::time_point deadline,
                                          const std::function<void(const std::string&)>& progress) {
  const double held_up_s = HeldUpS();
  while (!Cancelled()) {
    while (!messages.empty()) {
      Message message = std::move(messages.front());
      messages.pop_front();
      const std::string type = TextField(message, "type");
      if (type == "progress" && progress) {
        progress(TextField(message, "text"));
      } else if (type != "alive" && type != "progress") {
        return message;
      }
    }
    const bool out_of_time = IsOver(deadline, held_up_s);
    if (out_of_time || IsGone()) {
      TellLost(out_of_time);
      return std::nullopt;
    }
    Poll(std::max(deadline, Clock::now() + kLookAgain));
  }
  return std::nullopt;
}

GuestRecord Guest::State::Record() const {
  GuestRecord record;
  record.kernel = options.spec.kernel;
  record.accelerator = options.accelerator;
  record.time_scale = time_scale;
  record.lost = loss.how;
  record.lost_detail = loss.detail;
  record.host_disk_error = monitor->DiskError();
  record.console_log = std::filesystem::path(options.console_file).filename().string();
  if (!loss.how.empty()) {
    record.console = console.Lines();
  }
  return record;
}

Evidence Guest::State::Lost(double duration_s) const {
  Evidence evidence;
  evidence.host = facts;
  evidence.guest = Record();
  evidence.grade_reason = loss.detail;
  evidence.duration_s = duration_s;
  evidence.interrupted = Cancelled();
  return evidence;
}

Error Guest::State::Complaint(const std::string& what) const {
  if (Cancelled()) {
    return Error{.message = "interrupted while the guest booted", .remedy = ""};
  }
  const auto lines = console.Lines();
  return Error{.message = fmt::format("{}{}{}", what, lines.empty() ? "" : "; its console's last line: ",
                                      lines.empty() ? "" : lines.back()),
               .remedy = "its console is in " + options.console_file};
}

}  // namespace brink
