// SPDX-License-Identifier: MIT
// Modes in which something happens to a descendant while others live on.
#include <fcntl.h>
#include <linux/sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>

#include "victim.h"

namespace victim {
namespace {

/// The descendant's work: it takes the comm `name`, so that a scenario can tell it apart, and touches memory.
[[noreturn]] void BecomeVictim(const char* name, std::size_t bytes) {
  ::prctl(PR_SET_NAME, name);
  for (std::size_t at = 0; at < bytes; at += kMiB) {
    if (char* memory = Map(kMiB, PROT_READ | PROT_WRITE); memory != nullptr) {
      Touch(memory, kMiB);
    }
  }
  ::_exit(kDone);
}

/// Forks `generations` deep; the last one is the victim. A double fork lets the one between exit at once, so
/// that the victim is an orphan that no ancestor can wait for.
void MakeDescendant(long generations, bool orphan, std::size_t bytes) {
  const pid_t child = ::fork();
  if (child != 0) {
    return;
  }
  if (generations <= 1) {
    BecomeVictim("descendant", bytes);
  }
  MakeDescendant(generations - 1, orphan, bytes);
  if (orphan) {
    ::_exit(kDone);
  }
  int status = 0;
  ::wait(&status);
  // As a shell does: a look-alike of a kill, one generation up.
  ::_exit(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
}

/// Until every descendant has ended: each holds the pipe's other end.
void AwaitEnd(int read_end) {
  char byte = 0;
  while (::read(read_end, &byte, 1) != 0) {
  }
}

int Descendant(const Arguments& arguments) {
  const long generations = arguments.Number("depth", 1);
  const bool orphan = arguments.Number("orphan", 0) != 0;
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return Failed("pipe", errno, 0);
  }
  MakeDescendant(generations, orphan, arguments.Bytes("size", 64 * kMiB));
  ::close(ends[1]);
  AwaitEnd(ends[0]);
  int status = 0;
  ::wait(&status);
  if (WIFSIGNALED(status)) {
    Say("the child was killed by signal %d; going on", WTERMSIG(status));
  } else {
    Say("the child exited with %d; going on", WEXITSTATUS(status));
  }
  return static_cast<int>(arguments.Number("exit", kDone));
}

void WriteScore(long score) {
  char text[16];
  const int length = std::snprintf(text, sizeof(text), "%ld", score);
  const int fd = ::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (fd < 0 || ::write(fd, text, static_cast<std::size_t>(length)) != length) {
    ::_exit(kUsage);
  }
  ::close(fd);
}

/// A helper that has been made the preferred victim holds `helper` bytes while this process grows to `size`.
int Pair(const Arguments& arguments) {
  const std::size_t helper_bytes = arguments.Bytes("helper", 16 * kMiB);
  const std::size_t bytes = arguments.Bytes("size", 56 * kMiB);
  int ready[2];
  if (::pipe2(ready, O_CLOEXEC) != 0) {
    return Failed("pipe", errno, 0);
  }
  const pid_t helper = ::fork();
  if (helper == 0) {
    ::prctl(PR_SET_NAME, "helper");
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    WriteScore(arguments.Number("adj", 1000));
    char* memory = Map(helper_bytes, PROT_READ | PROT_WRITE);
    Touch(memory, helper_bytes);
    [[maybe_unused]] const ssize_t ignored = ::write(ready[1], "r", 1);
    SleepForever();
  }
  if (helper < 0) {
    return Failed("fork", errno, 0);  // -1 must never get to kill(2): there it means all processes
  }
  char byte = 0;
  [[maybe_unused]] const ssize_t ignored = ::read(ready[0], &byte, 1);
  for (std::size_t at = 0; at < bytes; at += kMiB) {
    if (char* memory = Map(kMiB, PROT_READ | PROT_WRITE); memory != nullptr) {
      Touch(memory, kMiB);
    }
  }
  // A victim's memory is taken before it has ended: its end is waited for, and which signal came first tells.
  int status = 0;
  ::kill(helper, SIGTERM);
  ::waitpid(helper, &status, 0);
  Say("the helper %s", WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? "was killed" : "lives");
  return kDone;
}

/// Forks a child that has its name, by which scenarios tell it apart, before this process goes on; it runs
/// `body`. Ends this process when there is none: callers send it signals, and kill(2) takes -1 for all
/// processes.
template <typename Body>
pid_t ForkNamed(const char* name, Body body) {
  int named[2];
  if (::pipe2(named, O_CLOEXEC) != 0) {
    ::_exit(Failed("pipe", errno, 0));
  }
  const pid_t child = ::fork();
  if (child == 0) {
    ::prctl(PR_SET_NAME, name);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    ::close(named[1]);
    body();
  }
  if (child < 0) {
    ::_exit(Failed("fork", errno, 0));
  }
  // The end of the file: the child has closed its end, as it has its name, and this one is closed here.
  ::close(named[1]);
  char byte = 0;
  while (::read(named[0], &byte, 1) != 0) {
  }
  ::close(named[0]);
  return child;
}

/// A supervisor ends its worker as a container engine would: SIGKILL, status 137 for whoever asks.
int Supervisor(const Arguments& arguments) {
  const pid_t worker = ForkNamed("worker", SleepForever);
  ::kill(worker, static_cast<int>(arguments.Number("signal", SIGKILL)));
  int status = 0;
  ::waitpid(worker, &status, 0);
  Say("ended the worker by signal %d", WTERMSIG(status));
  return static_cast<int>(arguments.Number("exit", 137));
}

/// One of two children kills the other.
int Siblings(const Arguments&) {
  const pid_t first = ForkNamed("abel", SleepForever);
  const pid_t second = ForkNamed("cain", [first] { ::_exit(::kill(first, SIGKILL) == 0 ? kDone : kFailed); });
  int status = 0;
  ::waitpid(first, &status, 0);
  ::waitpid(second, nullptr, 0);
  Say("one child was killed by signal %d of the other", WTERMSIG(status));
  return kDone;
}

/// A child under the number of a dead one, which the kernel gives to those who may ask for it. Ends this
/// process where it may not: -1 must never get to kill(2).
pid_t ForkAs(pid_t pid, const char* name) {
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<std::uint64_t>(&pid);
  arguments.set_tid_size = 1;
  const long child = ::syscall(SYS_clone3, &arguments, sizeof(arguments));
  if (child == 0) {
    ::prctl(PR_SET_NAME, name);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    SleepForever();
  }
  if (child != pid) {
    ::_exit(Failed("clone3", errno, 0));
  }
  return pid;
}

/// At SIGUSR1 the child "snapshot" ends and another process gets its number; at SIGTERM that one must live.
int Reborn(const Arguments&) {
  sigset_t awaited;
  ::sigemptyset(&awaited);
  ::sigaddset(&awaited, SIGUSR1);
  ::sigaddset(&awaited, SIGTERM);
  ::sigprocmask(SIG_BLOCK, &awaited, nullptr);
  const pid_t snapshot = ForkNamed("snapshot", SleepForever);
  Say("snapshot taken");
  int signal = 0;
  ::sigwait(&awaited, &signal);
  ::kill(snapshot, SIGKILL);
  ::waitpid(snapshot, nullptr, 0);
  const pid_t other = ForkAs(snapshot, "other");
  Say("number used again");
  ::sigwait(&awaited, &signal);
  const bool lives = ::waitpid(other, nullptr, WNOHANG) == 0;
  Say("the other %s", lives ? "lives" : "is dead");
  return lives ? kDone : kFailed;
}

/// Double fork and setsid: the process that was started is gone, its work goes on.
int Daemonise(const Arguments& arguments) {
  const std::size_t bytes = arguments.Bytes("size", 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::setsid();
    if (::fork() == 0) {
      ::prctl(PR_SET_NAME, "daemon");
      ::signal(SIGTERM, SIG_IGN);
      ::signal(SIGHUP, SIG_IGN);
      if (bytes > 0) {
        BecomeVictim("daemon", bytes);
      }
      SleepForever();
    }
    ::_exit(0);
  }
  ::waitpid(child, nullptr, 0);
  Say("the daemon lives on");
  return kDone;
}

constexpr auto kDescendantModes = std::to_array<Mode>({
    {"descendant", "depth orphan size exit", Descendant, "a descendant touches memory, this process reports"},
    {"pair", "helper size adj", Pair, "grow beside a helper with its own oom_score_adj"},
    {"supervisor", "signal exit", Supervisor, "kill the worker, exit as told"},
    {"siblings", "", Siblings, "one child kills the other"},
    {"reborn", "", Reborn, "end a child, then start another under its number"},
    {"daemonise", "size", Daemonise, "leave a daemon behind"},
});

}  // namespace

std::span<const Mode> DescendantModes() { return kDescendantModes; }

}  // namespace victim
