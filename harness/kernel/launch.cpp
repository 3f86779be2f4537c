// SPDX-License-Identifier: MIT
#include "kernel/launch.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// Boost looks for vfork by macros of old standards; glibc declares it by default.
#define BOOST_POSIX_HAS_VFORK 1
#include <boost/process.hpp>
#include <boost/process/extend.hpp>
#include <charconv>
#include <cstring>

#include "base/clock.h"
#include "kernel/files.h"
#include "kernel/launch_child.h"
#include "kernel/launch_proof.h"

namespace brink {
namespace {

namespace bp = boost::process;

/// Joins the child's preparation to Boost's fork and exec. Copied by Boost, so it only points.
struct ForkHandler : bp::extend::handler {
  ForkHandler(const ChildSetup* child_setup, char** child_environment, int* error_of_fork)
      : setup(child_setup), environment(child_environment), fork_error(error_of_fork) {}

  template <typename Executor>
  void on_setup(Executor& executor) const {
    executor.env = environment;
  }
  template <typename Executor>
  void on_fork_error(Executor&, const std::error_code& error) const {
    *fork_error = error.value();
  }
  template <typename Executor>
  void on_exec_setup(Executor&) const {
    PrepareChild(*setup);
  }
  template <typename Executor>
  void on_exec_error(Executor&, const std::error_code& error) const {
    ReportExecFailure(*setup, error.value());
  }

  const ChildSetup* setup;
  char** environment;
  int* fork_error;
};

struct Pipe {
  UniqueFd read;
  UniqueFd write;
};

/// The child puts its own descriptors on 0 to 2, so what it gets from here must lie above, also when brink
/// was started with some of those closed.
UniqueFd AboveStandard(int fd) {
  UniqueFd low(fd);
  if (fd < 0 || fd > STDERR_FILENO) {
    return low;
  }
  return UniqueFd(::fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1));
}

Result<Pipe> MakePipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return FailErrno("make a pipe", errno, "raise RLIMIT_NOFILE (ulimit -n) or run fewer jobs");
  }
  return Pipe{.read = AboveStandard(ends[0]), .write = AboveStandard(ends[1])};
}

/// brink's environment with the target's laid over it, as execve(2) wants it.
class Environment {
 public:
  explicit Environment(const std::map<std::string, std::string>& added) {
    for (char** entry = environ; *entry != nullptr; ++entry) {
      const std::string_view text = *entry;
      if (!added.contains(std::string(text.substr(0, text.find('='))))) {
        entries_.emplace_back(text);
      }
    }
    for (const auto& [name, value] : added) {
      entries_.push_back(name + "=" + value);
    }
    for (std::string& entry : entries_) {
      pointers_.push_back(entry.data());
    }
    pointers_.push_back(nullptr);
  }
  [[nodiscard]] char** Get() { return pointers_.data(); }

 private:
  std::vector<std::string> entries_;
  std::vector<char*> pointers_;
};

/// Blocks every signal of this thread while it lives, so that none of brink's handlers runs in the fork.
class BlockedSignals {
 public:
  BlockedSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~BlockedSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  BlockedSignals(const BlockedSignals&) = delete;
  BlockedSignals& operator=(const BlockedSignals&) = delete;

 private:
  sigset_t before_{};
};

Result<ChildSetup> Prepare(const LaunchSpec& spec) {
  if (spec.argv.empty() || !spec.argv.front().starts_with('/')) {
    return Fail("start a process: argv[0] must be an absolute path");
  }
  ChildSetup setup;
  setup.parent = ::getpid();
  setup.shares_memory = spec.share_memory && spec.user.empty() && !spec.image;
  setup.spec = &spec;
  for (const RlimitSetting& setting : spec.rlimits) {
    auto request = ParseRlimit(setting);
    if (!request) {
      return tl::unexpected(request.error());
    }
    setup.rlimits.push_back(*request);
  }
  if (spec.oom_score_adj) {
    const auto end =
        std::to_chars(std::begin(setup.oom_score_text), std::end(setup.oom_score_text), *spec.oom_score_adj);
    setup.oom_score_length = static_cast<int>(end.ptr - std::begin(setup.oom_score_text));
  }
  if (spec.image) {
    setup.root.emplace(*spec.image);
  }
  if (!spec.user.empty()) {
    auto user = FindUser(spec.user, spec.image ? spec.image->folder : "");
    if (!user) {
      return tl::unexpected(user.error());
    }
    setup.change_user = true;
    setup.user = std::move(*user);
  }
  return setup;
}

/// Forks, or with `how` bp::posix::use_vfork does that, and lets go of Boost's handle: its destructor would
/// end the child, and its waiting is not used.
template <typename... How>
Result<pid_t> ForkBy(const LaunchSpec& spec, const ChildSetup& setup, const How&... how) {
  Environment environment(spec.env);
  int fork_error = 0;
  try {
    const BlockedSignals blocked;
    // ignore_error: Boost's own error pipe is inherited by whatever is forked meanwhile; ours reports exec's
    // failure.
    bp::child child(bp::exe = spec.argv.front(),
                    bp::args = std::vector<std::string>(spec.argv.begin() + 1, spec.argv.end()),
                    bp::ignore_error, how..., ForkHandler(&setup, environment.Get(), &fork_error));
    if (fork_error == 0) {
      const pid_t pid = child.id();
      child.detach();
      return pid;
    }
  } catch (const std::exception& error) {
    return Fail("start " + spec.argv.front() + ": " + error.what());
  }
  return FailErrno(
      "start " + spec.argv.front() + ": fork", fork_error,
      "brink itself has reached a limit of tasks or memory: look at ulimit -u, pids.max and free memory");
}

Result<pid_t> Fork(const LaunchSpec& spec, const ChildSetup& setup) {
  return setup.shares_memory ? ForkBy(spec, setup, bp::posix::use_vfork) : ForkBy(spec, setup);
}

tl::unexpected<Error> NotAtItsExec(const LaunchSpec& spec) {
  const auto seconds = Seconds(spec.longest_preparation).count();
  return Fail(fmt::format("not at its exec after {} s", seconds), "is its memory group full, or frozen?");
}

/// Everything the child wrote before its exec or its end: after vfork it is all there; else until one of the
/// two closes the pipe.
Result<std::string> ReadReport(const LaunchSpec& spec, bool all_there, int fd) {
  const auto deadline = Clock::now() + spec.longest_preparation;
  std::string report;
  char buffer[8192];
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    const int count = left > 0 ? ::poll(&ready, 1, all_there ? 0 : static_cast<int>(left)) : 0;
    if (count == 0) {
      return all_there ? Result<std::string>(report) : NotAtItsExec(spec);
    }
    const ssize_t got = count < 0 ? -1 : ::read(fd, buffer, sizeof(buffer));
    if (got < 0 && errno != EINTR) {
      return FailErrno("read the child's report");
    }
    if (got == 0) {
      return report;
    }
    report.append(buffer, got < 0 ? 0 : static_cast<std::size_t>(got));
  }
}

/// Ends and reaps a child that was not started as asked.
std::string Discard(pid_t pid) {
  ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                             : "exit status " + std::to_string(WEXITSTATUS(status));
}

}  // namespace

bool MayShareMemory(const Roots& roots, const Cgroup& group) {
  return ReadNumber(roots.proc + "/sys/vm/oom_kill_allocating_task") == 0U &&
         group.Get("memory.oom.group").value_or("0") == "0";  // no such file on v1
}

Result<Launched> Launch(const LaunchSpec& spec, std::vector<ImposedFault>* proof_on_failure) {
  auto setup = Prepare(spec);
  if (!setup) {
    return tl::unexpected(setup.error());
  }
  auto output = MakePipe();
  auto report = MakePipe();
  const UniqueFd null = AboveStandard(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  if (!output || !report || !null.Valid()) {
    return !output   ? tl::unexpected(output.error())
           : !report ? tl::unexpected(report.error())
                     : FailErrno("open /dev/null");
  }
  ::fcntl(output->read.Get(), F_SETFL, O_NONBLOCK);
  setup->null_fd = null.Get();
  setup->output_fd = output->write.Get();
  setup->report_fd = report->write.Get();

  const auto start = Clock::now();
  const auto pid = Fork(spec, *setup);
  const bool hung = setup->shares_memory && Clock::now() - start >= spec.longest_preparation;
  if (!pid) {
    return tl::unexpected(pid.error());
  }
  report->write.Reset();
  Launched launched{.pid = *pid,
                    .pidfd = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, *pid, 0))),
                    .output = std::move(output->read),
                    .proof = {}};
  const int pidfd_error = launched.pidfd.Valid() ? 0 : errno;
  const auto text = hung ? Result<std::string>(NotAtItsExec(spec))
                         : ReadReport(spec, setup->shares_memory, report->read.Get());
  auto outcome = text ? ReadProof(spec, setup->rlimits, *text, launched.proof) : tl::unexpected(text.error());
  if (outcome && pidfd_error != 0) {
    outcome = FailErrno("pidfd_open", pidfd_error, "brink needs Linux 5.8 or newer");
  }
  if (!outcome) {
    const std::string end = Discard(*pid);
    if (proof_on_failure != nullptr) {
      *proof_on_failure = std::move(launched.proof);
    }
    return Within("start " + spec.argv.front() + (text ? "" : " (" + end + ")"), outcome.error());
  }
  return launched;
}

Result<ExitStatus> Reap(pid_t pid) {
  int status = 0;
  rusage usage = {};
  pid_t reaped = 0;
  do {
    reaped = ::wait4(pid, &status, WNOHANG, &usage);
  } while (reaped < 0 && errno == EINTR);
  const std::string operation = "reap process " + std::to_string(pid);
  if (reaped < 0) {
    return FailErrno(operation);
  }
  if (reaped == 0) {
    return Fail(operation + ": it has not ended", "wait until its pidfd is readable");
  }
  ExitStatus exit;
  if (WIFSIGNALED(status)) {
    exit.signal = WTERMSIG(status);
  } else {
    exit.exit_code = WEXITSTATUS(status);
  }
  constexpr std::uint64_t kKibibyte = 1024;
  exit.max_rss_bytes = static_cast<std::uint64_t>(usage.ru_maxrss) * kKibibyte;
  return exit;
}

}  // namespace brink
