// SPDX-License-Identifier: MIT
#include "sandbox/guest.h"

#include <fmt/format.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <optional>
#include <vector>

#include "base/clock.h"
#include "model/json.h"
#include "sandbox/channel.h"
#include "sandbox/kernels.h"
#include "sandbox/limits_of_self.h"
#include "sandbox/qemu.h"

namespace brink {
namespace {

using Message = Channel::Message;

constexpr std::size_t kConsoleLines = 30;
constexpr std::size_t kConsoleLineLength = 400;
/// Without a word of the agent, which speaks every second, the guest counts as hung. An agent on a machine
/// that is out of memory may stall for long; plain TCG beside other load does so for seconds.
constexpr double kSilenceS = 30;
constexpr double kBootS = 120;
/// What a case may take beyond its own timeout: starting, stopping, clearing up.
constexpr double kGraceS = 60;
/// How long QEMU may take to end after a guest was lost, and to tell why.
constexpr double kFarewellS = 5;

/// The last lines of a byte stream.
class ConsoleTail {
 public:
  void Append(std::string_view text) {
    for (const char letter : text) {
      if (letter == '\n') {
        lines_.push_back(std::move(line_));
        line_.clear();
        if (lines_.size() > kConsoleLines) {
          lines_.pop_front();
        }
      } else if (letter != '\r' && line_.size() < kConsoleLineLength) {
        line_ += letter;
      }
    }
  }
  [[nodiscard]] std::vector<std::string> Lines() const {
    std::vector<std::string> lines(lines_.begin(), lines_.end());
    if (!line_.empty()) {
      lines.push_back(line_);
    }
    return lines;
  }

 private:
  std::deque<std::string> lines_;
  std::string line_;
};

Clock::time_point After(double seconds) {
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(Seconds(seconds));
}

std::string CommandLine(const GuestOptions& options) {
  // Words without a dot and unknown to the kernel become init's environment (kernel-parameters.txt).
  std::string line = fmt::format(
      "{} BRINK_CGROUP={} BRINK_AGENT=\"{}\" BRINK_RUN=\"{}\"", kGuestKernelWords, options.spec.cgroup,
      std::filesystem::read_symlink("/proc/self/exe").string(), options.shared_dir);
  for (const std::string& word : options.spec.boot) {
    line += " " + word;
  }
  return line;
}

QemuOptions MachineOf(const GuestOptions& options) {
  QemuOptions machine;
  machine.accelerator = options.accelerator;
  machine.image = options.kernel_image;
  machine.initrd = options.initrd;
  machine.command_line = CommandLine(options);
  machine.memory_bytes = options.spec.memory_bytes;
  machine.swap_bytes = options.spec.swap_bytes;
  machine.cpus = options.spec.cpus;
  machine.run_dir = options.shared_dir;
  return machine;
}

Message EnvironmentMessage() {
  Message environment = Message::array();
  for (char** entry = environ; *entry != nullptr; ++entry) {
    environment.push_back(*entry);
  }
  return environment;
}

/// The timeout of a plan is that of its steps; starting and stopping its processes come on top.
double LongestS(const Plan& plan) {
  double longest = plan.timeout_s + kGraceS;
  for (const ProcessPlan& process : plan.processes) {
    longest += process.stop_timeout_s + (process.ready ? process.ready->timeout_s : 0);
  }
  return longest;
}

}  // namespace

struct Guest::State {
  GuestOptions options;
  std::optional<Qemu> qemu;
  std::optional<Channel> channel;
  std::ofstream console_file;
  ConsoleTail console;
  std::string monitor_text;
  std::deque<Message> messages;
  Clock::time_point last_heard = Clock::now();
  HostFacts facts;
  double time_scale = 1;
  bool panicked = false;
  bool reset = false;
  bool exited = false;
  std::string cut;  // why the channel is no more
  bool soiled = false;
  std::string lost;
  std::string lost_detail;

  void Poll(Clock::time_point until);
  void ReadConsole();
  void ReadMonitor();
  void ReadChannel();
  void TellLost(Clock::time_point deadline);
  [[nodiscard]] bool Cancelled() const;
  [[nodiscard]] std::optional<Message> Wait(Clock::time_point deadline,
                                            const std::function<void(const std::string&)>& progress);
  [[nodiscard]] Evidence Lost(double duration_s) const;
  [[nodiscard]] GuestRecord Record() const;
  [[nodiscard]] Status Greet();
};

bool Guest::State::Cancelled() const {
  pollfd cancel{.fd = options.cancel_fd, .events = POLLIN, .revents = 0};
  return options.cancel_fd >= 0 && ::poll(&cancel, 1, 0) > 0;
}

void Guest::State::ReadConsole() {
  std::array<char, 4096> buffer{};
  const ssize_t count = ::read(qemu->console.Get(), buffer.data(), buffer.size());
  if (count <= 0) {
    qemu->console.Reset();
    return;
  }
  const std::string_view text(buffer.data(), static_cast<std::size_t>(count));
  console.Append(text);
  console_file << text << std::flush;
}

/// QMP: one JSON object a line (QEMU's docs/interop/qmp-spec).
void Guest::State::ReadMonitor() {
  std::array<char, 4096> buffer{};
  const ssize_t count = ::read(qemu->monitor.Get(), buffer.data(), buffer.size());
  if (count <= 0) {
    qemu->monitor.Reset();
    return;
  }
  monitor_text.append(buffer.data(), static_cast<std::size_t>(count));
  for (std::size_t end = 0; (end = monitor_text.find('\n')) != std::string::npos;) {
    const Message line = Message::parse(monitor_text.substr(0, end), nullptr, false);
    monitor_text.erase(0, end + 1);
    const std::string event = line.is_object() ? line.value("event", "") : "";
    panicked = panicked || event == "GUEST_PANICKED";
    if (event == "SHUTDOWN" && line.contains("data")) {
      const std::string reason = line["data"].value("reason", "");
      panicked = panicked || reason == "guest-panic";
      reset = reset || reason == "guest-reset";
    }
  }
}

void Guest::State::ReadChannel() {
  std::vector<Message> received;
  const auto status = channel->Receive(received);
  for (Message& message : received) {
    last_heard = Clock::now();
    messages.push_back(std::move(message));
  }
  if (!status) {
    cut = status.error().message;
  }
}

/// One look at everything the guest says, waiting for it until then at most.
void Guest::State::Poll(Clock::time_point until) {
  std::array<pollfd, 5> fds{{{.fd = qemu->console.Get(), .events = POLLIN, .revents = 0},
                             {.fd = qemu->monitor.Get(), .events = POLLIN, .revents = 0},
                             {.fd = cut.empty() ? channel->Fd() : -1, .events = POLLIN, .revents = 0},
                             {.fd = qemu->PidFd(), .events = POLLIN, .revents = 0},
                             {.fd = options.cancel_fd, .events = POLLIN, .revents = 0}}};
  const auto wait = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now()).count();
  if (::poll(fds.data(), fds.size(), static_cast<int>(std::clamp<long>(wait, 0, 1000))) <= 0) {
    return;
  }
  if (fds[0].revents != 0) {
    ReadConsole();
  }
  if (fds[1].revents != 0) {
    ReadMonitor();
  }
  if (fds[2].revents != 0) {
    ReadChannel();
  }
  exited = exited || (fds[3].revents != 0 && fds[0].revents == 0 && fds[1].revents == 0);
}

/// Once it is clear that the guest is gone: how. QEMU may still have to say why.
void Guest::State::TellLost(Clock::time_point deadline) {
  const bool silent = !exited && cut.empty() && !panicked;
  const double silence = Seconds(Clock::now() - last_heard).count();
  for (const auto farewell = After(kFarewellS);
       !exited && !silent && Clock::now() < farewell && !Cancelled();) {
    Poll(farewell);
  }
  if (panicked) {
    lost = "panicked";
    lost_detail = "the guest's kernel panicked";
  } else if (reset) {
    lost = "reset";
    lost_detail = "the guest restarted by itself";
  } else if (exited) {
    lost = "exited";
    lost_detail = "QEMU ended" + (qemu->Output().empty() ? std::string() : ": " + qemu->Output());
  } else if (silent) {
    lost = "hung";
    lost_detail = Clock::now() >= deadline && silence < kSilenceS
                      ? "the guest did not finish the case within its time"
                      : fmt::format("the guest did not answer for {:.0f} s", silence);
  } else {
    lost = "cut";
    lost_detail = "the guest's agent is gone: " + cut;
  }
}

/// The next message that is no sign of life or progress. Nothing when the guest is lost, or the user gives
/// up.
std::optional<Message> Guest::State::Wait(Clock::time_point deadline,
                                          const std::function<void(const std::string&)>& progress) {
  while (!Cancelled()) {
    while (!messages.empty()) {
      Message message = std::move(messages.front());
      messages.pop_front();
      const std::string type = message.value("type", "");
      if (type == "progress" && progress) {
        progress(message.value("text", ""));
      } else if (type != "alive" && type != "progress") {
        return message;
      }
    }
    const bool silent = Seconds(Clock::now() - last_heard).count() > kSilenceS;
    if (exited || panicked || !cut.empty() || silent || Clock::now() >= deadline) {
      TellLost(deadline);
      return std::nullopt;
    }
    Poll(deadline);
  }
  return std::nullopt;
}

GuestRecord Guest::State::Record() const {
  GuestRecord record;
  record.kernel = options.spec.kernel;
  record.accelerator = options.accelerator;
  record.time_scale = time_scale;
  record.lost = lost;
  record.lost_detail = lost_detail;
  if (!lost.empty()) {
    record.console = console.Lines();
  }
  return record;
}

Evidence Guest::State::Lost(double duration_s) const {
  Evidence evidence;
  evidence.host = facts;
  evidence.guest = Record();
  evidence.grade_reason = lost_detail;
  evidence.duration_s = duration_s;
  evidence.interrupted = Cancelled();
  return evidence;
}

/// The agent gets brink's environment and limits, which targets inherit, and tells what it is.
Status Guest::State::Greet() {
  const auto deadline = After(kBootS);
  last_heard = After(kBootS);  // nothing can be heard of a machine that boots
  const auto complain = [&](const std::string& what) {
    const auto lines = console.Lines();
    return Fail(fmt::format("{}{}{}", what, lines.empty() ? "" : "; its console's last line: ",
                            lines.empty() ? "" : lines.back()),
                "its console is in " + options.console_file);
  };
  if (!Wait(deadline, {})) {
    return Cancelled() ? Fail("interrupted while the guest booted")
                       : complain("the guest did not boot: " + lost_detail);
  }
  last_heard = Clock::now();
  const auto sent =
      channel->Send({{"type", "setup"}, {"environment", EnvironmentMessage()}, {"limits", OwnLimits()}});
  if (!sent) {
    return complain("the guest takes no message: " + sent.error().message);
  }
  const auto hello = Wait(deadline, {});
  if (!hello) {
    return Cancelled() ? Fail("interrupted while the guest booted")
                       : complain("the guest's agent failed: " + lost_detail);
  }
  if (hello->contains("error")) {
    return Fail("the guest's agent: " + hello->value("error", ""), hello->value("remedy", ""));
  }
  auto evidence = EvidenceFromJson(hello->value("facts", ""));
  if (!evidence) {
    return Within("the guest's agent", evidence.error());
  }
  facts = evidence->host;
  static const double host_work = MeasureWork();
  time_scale = std::clamp(hello->value("work_s", 0.0) / host_work, 1.0, 50.0);
  return {};
}

Guest::Guest() : state_(std::make_unique<State>()) {}

Guest::~Guest() {
  if (state_->qemu) {
    state_->qemu->Kill();  // nothing in it is wanted any more
  }
}

Result<std::unique_ptr<Guest>> Guest::Start(const GuestOptions& options) {
  std::unique_ptr<Guest> guest(new Guest);
  State& state = *guest->state_;
  state.options = options;
  state.console_file.open(options.console_file, std::ios::binary | std::ios::trunc);
  auto qemu = Qemu::Start(MachineOf(options));
  if (!qemu) {
    return tl::unexpected(qemu.error());
  }
  state.qemu.emplace(std::move(*qemu));
  state.channel.emplace(std::move(state.qemu->channel));
  constexpr std::string_view kNegotiate = "{\"execute\": \"qmp_capabilities\"}\n";
  if (::write(state.qemu->monitor.Get(), kNegotiate.data(), kNegotiate.size()) < 0) {
    return FailErrno("write to QEMU's monitor");
  }
  if (auto greeted = state.Greet(); !greeted) {
    return tl::unexpected(greeted.error());
  }
  return guest;
}

Error BecomeGuestShell(const GuestOptions& options) {
  QemuOptions machine = MachineOf(options);
  winsize size = {};
  ::ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
  const char* terminal = std::getenv("TERM");
  machine.command_line += fmt::format(" BRINK_SHELL={}x{} TERM={}", size.ws_row, size.ws_col,
                                      terminal == nullptr ? "linux" : terminal);
  return BecomeQemu(machine);
}

Evidence Guest::Run(const Plan& plan, const std::function<void(const std::string&)>& progress) {
  State& state = *state_;
  const auto start = Clock::now();
  const Plan scaled = WithScaledTimeouts(plan, state.time_scale);
  state.last_heard = start;
  const auto sent = state.channel->Send({{"type", "run"}, {"plan", PlanToJson(scaled)}});
  if (!sent) {
    state.cut = sent.error().message;
  }
  const auto answer = state.Wait(After(LongestS(scaled)), progress);
  const double duration = Seconds(Clock::now() - start).count();
  if (!answer) {
    state.soiled = true;
    return state.Lost(duration);
  }
  auto evidence = EvidenceFromJson(answer->value("evidence", ""));
  if (!evidence) {
    state.soiled = true;
    Evidence broken = state.Lost(duration);
    broken.harness_error = "the guest's evidence cannot be read: " + evidence.error().message;
    return broken;
  }
  if (const std::string soil = answer->value("soiled", ""); !soil.empty()) {
    spdlog::info("the guest is thrown away: {}", soil);
    state.soiled = true;
  }
  evidence->guest = state.Record();
  return std::move(*evidence);
}

bool Guest::Usable() const { return !state_->soiled; }

const GuestOptions& Guest::Options() const { return state_->options; }

}  // namespace brink
