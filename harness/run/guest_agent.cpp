// SPDX-License-Identifier: MIT
#include "run/guest_agent.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/random.h>
#include <poll.h>
#include <spdlog/spdlog.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <condition_variable>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/slowness.h"
#include "kernel/files.h"
#include "model/json.h"
#include "run/agent_shell.h"
#include "run/machine_traces.h"
#include "run/session.h"
#include "sandbox/channel.h"
#include "sandbox/guest.h"
#include "sandbox/limits_of_self.h"

namespace brink {
namespace {

using Message = Channel::Message;

/// A folder of the guest's scratch disk, made by its init (containers/guest/init).
constexpr const char* kScratch = "/run/brink-guest/scratch";
constexpr auto kAliveEvery = std::chrono::seconds(1);

/// The virtio port of this name: /sys/class/virtio-ports/vport1p1/name.
Result<UniqueFd> OpenPort(const std::string& name) {
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/class/virtio-ports", code)) {
    if (ReadSmallFile(entry.path() / "name").value_or("") == name) {
      const std::string path = "/dev/" + entry.path().filename().string();
      UniqueFd port(::open(path.c_str(), O_RDWR | O_CLOEXEC));
      return port.Valid() ? Result<UniqueFd>(std::move(port)) : FailErrno("open " + path);
    }
  }
  return Fail("there is no virtio port named " + name,
              "this command runs only in a guest that brink started");
}

/// Says that it lives, once a second, for as long as it does.
class Heart {
 public:
  explicit Heart(Channel& channel) : thread_([this, &channel] { Beat(channel); }) {}
  ~Heart() {
    {
      const std::scoped_lock lock(mutex_);
      stopped_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  Heart(const Heart&) = delete;
  Heart& operator=(const Heart&) = delete;

 private:
  void Beat(Channel& channel) {
    std::unique_lock lock(mutex_);
    while (!wake_.wait_for(lock, kAliveEvery, [&] { return stopped_; })) {
      static_cast<void>(
          channel.Send({{"type", "alive"}}));  // the main thread finds out when the host is gone
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopped_ = false;
  std::thread thread_;
};

/// The next message; nothing when the host has hung up.
std::optional<Message> NextMessage(Channel& channel, std::vector<Message>& waiting) {
  while (waiting.empty()) {
    pollfd ready{.fd = channel.Fd(), .events = POLLIN, .revents = 0};
    if (::poll(&ready, 1, -1) < 0 && errno != EINTR) {
      return std::nullopt;
    }
    if (const auto received = channel.Receive(waiting); !received && waiting.empty()) {
      return std::nullopt;
    }
  }
  Message message = std::move(waiting.front());
  waiting.erase(waiting.begin());
  return message;
}

/// Targets see what they would see on the host: neither init's words nor those of the kernel's command line.
void TakeEnvironment(const Message& setup) {
  ::clearenv();
  for (const auto& entry : setup.value("environment", Message::array())) {
    const auto text = entry.get<std::string>();
    if (const std::size_t equals = text.find('='); equals != std::string::npos && equals > 0) {
      ::setenv(text.substr(0, equals).c_str(), text.c_str() + equals + 1, 1);
    }
  }
  TakeLimits(setup.value("limits", Message::array()));
}

/// A machine that goes on from a saved state has that state's time and random numbers.
void TakeTimeAndSeed(const Message& setup) {
  const auto now_ns = setup.value("time_ns", std::int64_t{0});
  constexpr std::int64_t kNsPerS = 1'000'000'000;
  const timespec now{.tv_sec = now_ns / kNsPerS, .tv_nsec = now_ns % kNsPerS};
  if (now_ns == 0 || ::clock_settime(CLOCK_REALTIME, &now) != 0) {
    spdlog::warn("the clock is not set");
  }
  const auto seed = setup.value("seed", std::vector<std::uint8_t>{});
  const UniqueFd random(::open("/dev/urandom", O_WRONLY | O_CLOEXEC));
  if (::write(random.Get(), seed.data(), seed.size()) != static_cast<ssize_t>(seed.size()) ||
      ::ioctl(random.Get(), RNDRESEEDCRNG) != 0) {
    spdlog::warn("random numbers are not seeded anew: {}", std::generic_category().message(errno));
  }
}

/// The targets' files go to a disk of the guest's own: the shared folder has neither the speed nor the
/// meaning of one.
class DataDir {
 public:
  explicit DataDir(const Plan& plan)
      : place_(plan.data_dir), folder_(fmt::format("{}/{}", kScratch, ::getpid())) {
    std::error_code code;
    std::filesystem::create_directories(folder_, code);
    if (code || ::mount(folder_.c_str(), place_.c_str(), nullptr, MS_BIND, nullptr) != 0) {
      problem_ = code ? code.message() : std::generic_category().message(errno);
      return;
    }
    mounted_ = true;
  }
  DataDir(const DataDir&) = delete;
  DataDir& operator=(const DataDir&) = delete;
  ~DataDir() { static_cast<void>(Remove()); }
  [[nodiscard]] const std::string& Problem() const { return problem_; }
  /// False when something still uses it.
  [[nodiscard]] bool Remove() {
    if (mounted_ && ::umount2(place_.c_str(), 0) != 0) {
      return false;
    }
    mounted_ = false;
    std::error_code code;
    std::filesystem::remove_all(folder_, code);
    return !code;
  }

 private:
  std::string place_;
  std::string folder_;
  std::string problem_;
  bool mounted_ = false;
};

/// Why this machine must not run another case; empty when it may. A kernel that was tainted when it came up
/// is none the worse for it.
std::string SoilOf(const Evidence& evidence, const std::string& taint_at_start, std::uint64_t oom_kills) {
  const std::string tainted = ReadSmallFile("/proc/sys/kernel/tainted").value_or("");
  if (tainted != taint_at_start) {
    return fmt::format("the kernel is tainted ({}), by a warning or worse", tainted);
  }
  return Exhaustion(evidence, oom_kills);
}

/// Since the machine came up.
std::uint64_t OomKills() {
  return FindNumber(ReadSmallFile("/proc/vmstat").value_or(""), "oom_kill").value_or(0);
}

class Agent {
 public:
  explicit Agent(Channel& channel) : channel_(channel) {}

  int Serve() {
    if (!channel_.Send({{"type", "up"}})) {
      return 1;
    }
    std::vector<Message> waiting;
    const auto setup = NextMessage(channel_, waiting);
    if (!setup) {
      return 1;
    }
    TakeTimeAndSeed(*setup);
    if (setup->value("shell", false)) {
      PrepareForShell();
      const Heart heart(channel_);
      return ServeShell(channel_, std::move(waiting));
    }
    TakeEnvironment(*setup);
    const double slowness =
        std::clamp(MeasureWork() / std::max(setup->value("work_s", 0.0), 1e-6), 1.0, kSlowestTimes);
    SetSlowness(slowness);
    SessionOptions options;
    options.may_change_machine = true;
    options.machine = Machine::kDisposable;
    options.progress = [&](const Plan&, const std::string& line) {
      static_cast<void>(channel_.Send({{"type", "progress"}, {"text", line}}));
    };
    auto session = Session::Start(std::move(options));
    if (!session) {
      static_cast<void>(channel_.Send(
          {{"type", "hello"}, {"error", session.error().message}, {"remedy", session.error().remedy}}));
      return 1;
    }
    Evidence facts;
    facts.host = session->Host();
    const Heart heart(channel_);
    if (!channel_.Send({{"type", "hello"}, {"facts", EvidenceToJson(facts)}, {"time_scale", slowness}})) {
      return 1;
    }
    at_start_ = ReadTraces(Roots{}, kScratch);
    while (const auto message = NextMessage(channel_, waiting)) {
      RunPlan(*session, *message);
    }
    return session->Finish() ? 0 : 1;
  }

 private:
  void RunPlan(Session& session, const Message& message) {
    auto plan = PlanFromJson(message.value("plan", ""));
    Evidence evidence;
    std::string soil;
    const std::uint64_t oom_kills_before = OomKills();
    if (!plan) {
      evidence.harness_error = "the plan cannot be read in the guest: " + plan.error().message;
    } else {
      DataDir data(*plan);
      if (data.Problem().empty()) {
        evidence = session.Collect(*plan);
      } else {
        evidence.harness_error =
            "mount the guest's scratch disk on " + plan->data_dir + ": " + data.Problem();
      }
      soil = SoilOf(evidence, taint_at_start_, OomKills() - oom_kills_before);
      if (!data.Remove() && soil.empty()) {
        soil = "a process still uses " + plan->data_dir;
      }
      if (const auto put_back = session.PutBack(); !put_back && soil.empty()) {
        soil = put_back.error().message;
      }
      if (soil.empty()) {
        soil = DifferencesOf(at_start_, ReadTraces(Roots{}, kScratch));
      }
    }
    Message result{{"type", "result"}, {"evidence", EvidenceToJson(evidence)}, {"soiled", soil}};
    if (plan && plan->not_runnable) {
      result["not_runnable"] = *plan->not_runnable;
      result["remedy"] = plan->not_runnable_remedy;
    }
    static_cast<void>(channel_.Send(result));
  }

  Channel& channel_;
  MachineTraces at_start_;
  std::string taint_at_start_ = ReadSmallFile("/proc/sys/kernel/tainted").value_or("");
};

int Serve() {
  auto port = OpenPort("brink");
  if (!port) {
    spdlog::error("{} ({})", port.error().message, port.error().remedy);
    return 1;
  }
  // On a machine that is out of memory it must still be heard, and must not wait for its own code to be read
  // again.
  static_cast<void>(::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT));
  // What the kernel has to say of OOM kills belongs on the console, which is kept.
  static_cast<void>(WriteSmallFile("/proc/sys/kernel/printk", "7"));
  Channel channel(std::move(*port));
  return Agent(channel).Serve();
}

/// The machine is powered off then, which is not to look like something that a target did.
void TellThatTheAgentWasKilled(int signal) {
  if (auto port = OpenPort("brink")) {
    Channel channel(std::move(*port));
    static_cast<void>(channel.Send({{"type", "agent_killed"}, {"signal", signal}}));
  }
}

}  // namespace

int RunGuestAgent() {
  const char* shell = std::getenv("BRINK_SHELL");
  if (::getpid() != 1) {
    return Serve();
  }
  const pid_t agent = ::fork();
  if (agent == 0) {
    return shell == nullptr ? Serve() : BecomeShell(shell);
  }
  int status = 0;
  for (pid_t ended = 0; ended != agent;) {
    ended = ::waitpid(-1, &status, 0);
    if (ended < 0 && errno == ECHILD) {
      break;
    }
  }
  if (shell == nullptr && WIFSIGNALED(status)) {
    TellThatTheAgentWasKilled(WTERMSIG(status));
  }
  ::sync();
  ::reboot(RB_POWER_OFF);
  return 1;
}

}  // namespace brink
