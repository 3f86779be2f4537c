// SPDX-License-Identifier: MIT
#include "kernel/launch_child.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace brink {
namespace {

constexpr int kExitNotStarted = 127;

void Send(int fd, const void* data, std::size_t size) {
  // A pipe holds 64 KiB and the records are a few KiB, so a write never blocks or splits.
  while (::write(fd, data, size) < 0 && errno == EINTR) {
  }
}

[[noreturn]] void GiveUp(const ChildSetup& setup, ChildStep step, int error, std::int32_t index = 0) {
  const ChildRecord record{.step = step, .index = index, .error = error};
  Send(setup.report_fd, &record, sizeof(record));
  ::_exit(kExitNotStarted);
}

void DieWithParent(const ChildSetup& setup) {
  if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) {
    GiveUp(setup, ChildStep::kSession, errno);
  }
  if (::getppid() != setup.parent) {  // it died before the request was in force
    ::_exit(kExitNotStarted);
  }
}

/// The parent of a vfork can look at no clock, so the child brings its own end; exec removes the timer.
void BoundTheWait(const ChildSetup& setup) {
  if (!setup.shares_memory) {
    return;
  }
  const auto seconds = std::chrono::floor<std::chrono::seconds>(setup.spec->longest_preparation);
  const std::chrono::nanoseconds rest = setup.spec->longest_preparation - seconds;
  const itimerspec once{.it_interval = {}, .it_value = {.tv_sec = seconds.count(), .tv_nsec = rest.count()}};
  sigevent event = {};
  event.sigev_notify = SIGEV_SIGNAL;
  event.sigev_signo = SIGKILL;
  int timer = 0;  // the kernel's own number: libc's timer_create() keeps books in memory that is the parent's
  if (::syscall(SYS_timer_create, CLOCK_MONOTONIC, &event, &timer) != 0 ||
      ::syscall(SYS_timer_settime, timer, 0, &once, nullptr) != 0) {
    GiveUp(setup, ChildStep::kSession, errno);
  }
}

/// The parent blocked all signals, so that none of its handlers runs in here; after this the defaults hold.
void ResetSignals() {
  struct sigaction defaults = {};
  defaults.sa_handler = SIG_DFL;
  for (int signal = 1; signal < _NSIG; ++signal) {
    ::sigaction(signal, &defaults, nullptr);  // fails for SIGKILL, SIGSTOP and libc's own two: they need none
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
}

void ConnectOutput(const ChildSetup& setup) {
  if (::dup2(setup.null_fd, STDIN_FILENO) < 0 || ::dup2(setup.output_fd, STDOUT_FILENO) < 0 ||
      ::dup2(setup.output_fd, STDERR_FILENO) < 0) {
    GiveUp(setup, ChildStep::kOutput, errno);
  }
  // brink opens everything with O_CLOEXEC; this is for descriptors of libraries that do not. Unknown
  // before 5.11.
  ::syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, CLOSE_RANGE_CLOEXEC);
}

void EnterSharedMemory(const ChildSetup& setup) {
  if (setup.spec->shared_memory != nullptr && !setup.spec->shared_memory->Enter()) {
    GiveUp(setup, ChildStep::kSharedMemory, errno);
  }
}

void ChangeRoot(const ChildSetup& setup) {
  if (!setup.root) {
    return;
  }
  if (const int failed = setup.root->Enter(); failed >= 0) {
    GiveUp(setup, ChildStep::kImage, errno, failed);
  }
}

void JoinGroups(const ChildSetup& setup) {
  std::int32_t index = 0;
  for (const int fd : setup.spec->join_fds) {
    if (::write(fd, "0", 1) != 1) {
      GiveUp(setup, ChildStep::kJoin, errno, index);
    }
    ++index;
  }
}

void SetNice(const ChildSetup& setup) {
  if (!setup.spec->nice) {
    return;
  }
  if (::setpriority(PRIO_PROCESS, 0, *setup.spec->nice) != 0) {
    GiveUp(setup, ChildStep::kNice, errno);
  }
  const ChildRecord record{.step = ChildStep::kNice, .value = ::getpriority(PRIO_PROCESS, 0)};
  Send(setup.report_fd, &record, sizeof(record));
}

/// /proc/self/oom_score_adj, opened before RLIMIT_NOFILE may forbid it, for writing and for reading it back
/// later.
int SetOomScore(const ChildSetup& setup) {
  if (!setup.spec->oom_score_adj) {
    return -1;
  }
  const int fd = ::open("/proc/self/oom_score_adj", O_RDWR | O_CLOEXEC);
  const auto length = static_cast<std::size_t>(setup.oom_score_length);
  if (fd < 0 || ::write(fd, setup.oom_score_text, length) < 0) {
    GiveUp(setup, ChildStep::kOomScore, errno);
  }
  return fd;
}

void ReadBackOomScore(const ChildSetup& setup, int fd) {
  if (fd < 0) {
    return;
  }
  char text[16] = {};
  if (::pread(fd, text, sizeof(text) - 1, 0) <= 0) {
    GiveUp(setup, ChildStep::kOomScore, errno);
  }
  // No strtol: it consults the locale.
  const bool negative = text[0] == '-';
  std::int32_t value = 0;
  for (const char* digit = text + (negative ? 1 : 0); *digit >= '0' && *digit <= '9'; ++digit) {
    value = value * 10 + (*digit - '0');
  }
  const ChildRecord record{.step = ChildStep::kOomScore, .value = negative ? -value : value};
  Send(setup.report_fd, &record, sizeof(record));
}

void SetRlimits(const ChildSetup& setup) {
  std::int32_t index = 0;
  for (const RlimitRequest& request : setup.rlimits) {
    rlimit limit = {};
    if (::prlimit(0, static_cast<__rlimit_resource>(request.resource), nullptr, &limit) != 0) {
      GiveUp(setup, ChildStep::kRlimit, errno, index);
    }
    limit.rlim_cur = request.soft ? *request.soft : limit.rlim_cur;
    limit.rlim_max = request.hard ? *request.hard : limit.rlim_max;
    if (::prlimit(0, static_cast<__rlimit_resource>(request.resource), &limit, nullptr) != 0) {
      GiveUp(setup, ChildStep::kRlimit, errno, index);
    }
    ++index;
  }
}

void ReadBackRlimits(const ChildSetup& setup) {
  std::int32_t index = 0;
  for (const RlimitRequest& request : setup.rlimits) {
    rlimit limit = {};
    if (::prlimit(0, static_cast<__rlimit_resource>(request.resource), nullptr, &limit) != 0) {
      GiveUp(setup, ChildStep::kRlimit, errno, index);
    }
    const ChildRecord record{
        .step = ChildStep::kRlimit, .index = index, .soft = limit.rlim_cur, .hard = limit.rlim_max};
    Send(setup.report_fd, &record, sizeof(record));
    ++index;
  }
}

/// Raw system calls: libc's setuid() wants to tell the other threads, which this fork does not have.
void ChangeUser(const ChildSetup& setup) {
  if (!setup.change_user) {
    return;
  }
  if (::syscall(SYS_setgroups, setup.user.groups.size(), setup.user.groups.data()) != 0 ||
      ::syscall(SYS_setresgid, setup.user.gid, setup.user.gid, setup.user.gid) != 0 ||
      ::syscall(SYS_setresuid, setup.user.uid, setup.user.uid, setup.user.uid) != 0) {
    GiveUp(setup, ChildStep::kUser, errno);
  }
  DieWithParent(setup);  // a change of user clears the request
}

void ReadBackGroups(const ChildSetup& setup, int fd) {
  char text[4096];
  const ssize_t length = ::read(fd, text, sizeof(text));
  if (length < 0) {
    GiveUp(setup, ChildStep::kGroups, errno);
  }
  const ChildRecord record{.step = ChildStep::kGroups, .value = static_cast<std::int32_t>(length)};
  Send(setup.report_fd, &record, sizeof(record));
  Send(setup.report_fd, text, static_cast<std::size_t>(length));
}

}  // namespace

void PrepareChild(const ChildSetup& setup) {
  if (::setsid() < 0) {
    GiveUp(setup, ChildStep::kSession, errno);
  }
  DieWithParent(setup);
  BoundTheWait(setup);
  ResetSignals();
  ConnectOutput(setup);
  EnterSharedMemory(setup);
  ChangeRoot(setup);  // before it joins its group, which shall not pay for the mounts
  JoinGroups(setup);
  SetNice(setup);
  const int oom_score_fd = SetOomScore(setup);
  const int groups_fd = ::open("/proc/self/cgroup", O_RDONLY | O_CLOEXEC);
  if (groups_fd < 0) {
    GiveUp(setup, ChildStep::kGroups, errno);
  }
  if (setup.spec->register_self != nullptr) {
    if (const int error = setup.spec->register_self(::getpid(), setup.spec->register_context); error != 0) {
      GiveUp(setup, ChildStep::kRegister, error);
    }
  }
  SetRlimits(setup);
  ChangeUser(setup);
  if (!setup.spec->cwd.empty() && ::chdir(setup.spec->cwd.c_str()) != 0) {
    GiveUp(setup, ChildStep::kCwd, errno);
  }
  ReadBackRlimits(setup);
  ReadBackOomScore(setup, oom_score_fd);
  ReadBackGroups(setup, groups_fd);
  const ChildRecord ready{.step = ChildStep::kReady};
  Send(setup.report_fd, &ready, sizeof(ready));
}

void ReportExecFailure(const ChildSetup& setup, int error) { GiveUp(setup, ChildStep::kExec, error); }

}  // namespace brink
