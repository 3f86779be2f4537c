// SPDX-License-Identifier: MIT
#include "sandbox/run_script.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>

#include <array>
#include <atomic>
#include <boost/process.hpp>
#include <boost/process/extend.hpp>
#include <cerrno>

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

/// While it lives, signals that would end brink end the script instead, which clears up. Whoever has blocked
/// them has another way to hear of them, and the script hears of a terminal's by itself.
class Interrupts {
 public:
  Interrupts() {
    sigset_t blocked;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    caught_ = ::sigismember(&blocked, SIGINT) == 0;
    if (!caught_) {
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

  [[nodiscard]] bool Caught() const { return caught_; }
  [[nodiscard]] bool Came() const { return caught_ && g_interrupted; }
  /// From now on it is `group` that gets them, also the one that has come already.
  void PassTo(pid_t group) const {
    if (caught_) {
      g_group = group;
    }
    if (Came()) {
      ::kill(-group, SIGTERM);
    }
  }

 private:
  static constexpr std::array<int, 3> kSignals{SIGINT, SIGTERM, SIGHUP};
  bool caught_ = false;
  std::array<struct sigaction, kSignals.size()> before_{};
};

/// In the child, between fork and exec: nothing of how brink treats signals is for a shell script.
void PrepareChild(bool own_group) {
  if (own_group) {
    ::setpgid(0, 0);
  }
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

}  // namespace

Status RunScript(const std::string& script, const std::vector<std::string>& arguments,
                 const std::function<void(const std::string&)>& progress) {
  std::error_code code;
  const Interrupts interrupts;
  bp::ipstream output;
  bp::child child(
      bp::exe = script, bp::args = arguments, bp::std_in<bp::null, bp::std_out> bp::null,
      bp::std_err > output, bp::extend::on_exec_setup = [&](auto&) { PrepareChild(interrupts.Caught()); },
      code);
  if (code) {
    return FailErrno("start " + script, code.value());
  }
  if (interrupts.Caught()) {
    ::setpgid(child.id(), child.id());  // whoever of both comes first
    interrupts.PassTo(child.id());
  }
  std::vector<std::string> lines;
  for (std::string line; std::getline(output, line);) {
    if (progress && !IsComplaint(line, MessagePrefix(script))) {
      progress(line);
    }
    lines.push_back(std::move(line));
  }
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
