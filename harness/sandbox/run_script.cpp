// SPDX-License-Identifier: MIT
#include "sandbox/run_script.h"

#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/process.hpp>
#include <boost/process/extend.hpp>
#include <cerrno>

#include "base/readable.h"
#include "base/unique_fd.h"
#include "kernel/files.h"

namespace brink {
namespace {

namespace bp = boost::process;

/// The group of the script that runs; 0: none does.
std::atomic<pid_t> g_group{0};
std::atomic<bool> g_interrupted{false};

void PassOn(int signal) {
  g_interrupted = true;
  if (const pid_t group = g_group; group > 0) {
    ::kill(-group, signal);
  }
}

/// While it lives, signals that would end brink end the script instead, which clears up. Those of a caller
/// that has blocked them are only looked at: they stay pending, for the caller's own way to hear of them.
class Interrupts {
 public:
  Interrupts() {
    sigset_t blocked;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    caught_ = ::sigismember(&blocked, SIGINT) == 0;
    if (!caught_) {
      sigset_t looked_for;
      ::sigemptyset(&looked_for);
      for (const int signal : kSignals) {
        ::sigaddset(&looked_for, signal);
      }
      pending_.Reset(::signalfd(-1, &looked_for, SFD_CLOEXEC));
      return;
    }
    g_interrupted = false;
    struct sigaction action {};
    action.sa_handler = PassOn;
    action.sa_flags = SA_RESTART;
    for (std::size_t at = 0; at < kSignals.size(); ++at) {
      ::sigaction(kSignals[at], &action, &before_[at]);
    }
  }
  Interrupts(const Interrupts&) = delete;
  Interrupts& operator=(const Interrupts&) = delete;
  ~Interrupts() {
    g_group = 0;
    for (std::size_t at = 0; caught_ && at < kSignals.size(); ++at) {
      ::sigaction(kSignals[at], &before_[at], nullptr);
    }
  }

  [[nodiscard]] bool Came() const { return caught_ ? g_interrupted.load() : IsReadable(pending_.Get()); }
  /// From now on it is `group` that gets those that are caught, also the one that has come already.
  void PassTo(pid_t group) const {
    if (!caught_) {
      return;
    }
    g_group = group;
    if (Came()) {
      ::kill(-group, SIGTERM);
    }
  }
  /// Readable once one that is not caught has come; -1: they are caught.
  [[nodiscard]] int PendingFd() const { return pending_.Get(); }

 private:
  static constexpr std::array<int, 3> kSignals{SIGINT, SIGTERM, SIGHUP};
  bool caught_ = false;
  UniqueFd pending_;
  std::array<struct sigaction, kSignals.size()> before_{};
};

/// In the child, between fork and exec: nothing of how brink treats signals is for a shell script.
void PrepareChild() {
  ::setpgid(0, 0);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    ::signal(signal, SIG_DFL);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
}

constexpr std::string_view kRemedy = "remedy: ";

/// How its complaints begin; all else that it says is progress.
std::string MessagePrefix(const std::string& script) { return script.substr(script.rfind('/') + 1) + ": "; }

bool IsComplaint(const std::string& line, const std::string& prefix) {
  return line.starts_with(prefix) || line.starts_with(' ');
}

Error ComplaintOf(const std::vector<std::string>& lines, const std::string& script) {
  const std::string prefix = MessagePrefix(script);
  Error error;
  for (const std::string& line : lines) {
    const std::string_view text = Trim(line);
    if (text.starts_with(prefix)) {
      error.message = text.substr(prefix.size());
    } else if (text.starts_with(kRemedy)) {
      error.remedy = text.substr(kRemedy.size());
    }
  }
  if (error.message.empty()) {
    error.message =
        fmt::format("{} failed{}{}", script, lines.empty() ? "" : ": ", lines.empty() ? "" : lines.back());
  }
  return error;
}

/// How long after the last word a script that was told to end is told again.
constexpr int kAgainMs = 5000;

/// Each line to `take`, until the script and all that it runs have closed their end; ends them when a signal
/// comes that is not caught.
void ReadLines(int output, const Interrupts& interrupts, pid_t group,
               const std::function<void(std::string)>& take) {
  std::string text;
  std::array<pollfd, 2> fds{{{.fd = output, .events = POLLIN, .revents = 0},
                             {.fd = interrupts.PendingFd(), .events = POLLIN, .revents = 0}}};
  while (true) {
    const int ready = ::poll(fds.data(), fds.size(), kAgainMs);
    if (ready == 0 && interrupts.Came()) {
      ::kill(-group, SIGTERM);  // a shell that was about to run a command waits for that one first
    }
    if (ready <= 0) {
      continue;
    }
    if (fds[1].revents != 0) {
      ::kill(-group, SIGTERM);
      fds[1].fd = -1;  // it stays readable
    }
    std::array<char, 4096> buffer{};
    const ssize_t count = fds[0].revents != 0 ? ::read(output, buffer.data(), buffer.size()) : -1;
    if (count == 0) {
      break;
    }
    text.append(buffer.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
    for (std::size_t end = 0; (end = text.find('\n')) != std::string::npos; text.erase(0, end + 1)) {
      take(text.substr(0, end));
    }
  }
  if (!text.empty()) {
    take(std::move(text));
  }
}

}  // namespace

Status RunScript(const std::string& script, const std::vector<std::string>& arguments,
                 const std::function<void(const std::string&)>& progress) {
  std::error_code code;
  const Interrupts interrupts;
  bp::pipe output;
  bp::child child(
      bp::exe = script, bp::args = arguments, bp::std_in<bp::null, bp::std_out> bp::null,
      bp::std_err > output, bp::extend::on_exec_setup = [](auto&) { PrepareChild(); }, code);
  if (code) {
    return FailErrno("start " + script, code.value());
  }
  ::setpgid(child.id(), child.id());  // whoever of both comes first
  interrupts.PassTo(child.id());
  std::vector<std::string> lines;
  ReadLines(output.native_source(), interrupts, child.id(), [&](std::string line) {
    if (progress && !IsComplaint(line, MessagePrefix(script))) {
      progress(line);
    }
    lines.push_back(std::move(line));
  });
  child.wait(code);
  if (interrupts.Came()) {
    return tl::unexpected(Error{.message = "interrupted", .remedy = "", .code = EINTR});
  }
  if (code || child.native_exit_code() != 0) {
    return tl::unexpected(ComplaintOf(lines, script));
  }
  return {};
}

}  // namespace brink
