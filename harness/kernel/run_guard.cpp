// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <fmt/format.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <spdlog/spdlog.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "kernel/cgroup_tree.h"
#include "kernel/files.h"
#include "kernel/journal.h"
#include "kernel/machine_guard.h"
#include "kernel/machine_restore.h"

namespace brink {

struct RunGuard::State {
  Roots roots;
  std::unique_ptr<CgroupHost> host;
  RunEntry entry;
  pid_t guardian = -1;
  UniqueFd dismissal;  // one byte: all is clean
  bool finished = false;
};

namespace {

constexpr double kCleanUpTimeoutS = 30;

/// Removes the group and the entry of a brink that is gone.
Status CleanUpRun(const Roots& roots, const CgroupHost& host, const RunEntry& entry) {
  if (auto status = RemoveGroupTree(host, entry.group, kCleanUpTimeoutS); !status) {
    return status;
  }
  return RemoveRunEntry(roots, entry);
}

/// Values that no case holds any more are put back at the latest now. What somebody else changed is told.
Status CleanUpMachine(const Roots& roots) {
  // Whoever holds the gate now will restore the machine before changing it: not worth a wait.
  const auto notes = RestoreMachineIfUnused(roots, 0);
  if (!notes) {
    return tl::unexpected(notes.error());
  }
  return notes->foreign.empty() ? Status{} : ForeignValues(*notes);
}

/// Nothing of brink's terminal, session or descriptors stays with the guardian, and no polite signal ends it.
void Detach(std::array<int, 2> keep) {
  ::setsid();
  ::prctl(PR_SET_NAME, "brink-guard");
  for (const int signal : {SIGTERM, SIGINT, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP}) {
    ::signal(signal, SIG_IGN);
  }
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  const UniqueFd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (const int standard : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    ::dup2(null.Get(), standard);
  }
  std::sort(keep.begin(), keep.end());
  const auto first = static_cast<unsigned>(keep[0]);
  const auto second = static_cast<unsigned>(keep[1]);
  if (first > 3) {
    ::syscall(SYS_close_range, 3U, first - 1, 0U);
  }
  if (second > first + 1) {
    ::syscall(SYS_close_range, first + 1, second - 1, 0U);
  }
  ::syscall(SYS_close_range, second + 1, ~0U, 0U);
  // As low as the host allows: without CAP_SYS_RESOURCE only up to what brink itself was given.
  static_cast<void>(WriteSmallFile("/proc/self/oom_score_adj", "-1000"));
}

/// Waits for brink's word or its death. The kernel makes the pidfd readable whatever kills it.
[[noreturn]] void Guard(const Roots& roots, const CgroupHost& host, const RunEntry& entry, int brink,
                        int dismissal) {
  Detach({brink, dismissal});
  for (;;) {
    std::array<pollfd, 2> ready = {
        {{.fd = dismissal, .events = POLLIN, .revents = 0}, {.fd = brink, .events = POLLIN, .revents = 0}}};
    if (::poll(ready.data(), ready.size(), -1) < 0) {
      continue;
    }
    char word = 0;
    if ((ready[0].revents & POLLIN) != 0 && ::read(dismissal, &word, 1) == 1) {
      ::_exit(0);
    }
    if (ready[1].revents != 0 || ready[0].revents != 0) {
      break;
    }
  }
  // The machine first: it hurts others, a leftover group does not. What fails here stays in the journal for
  // `brink restore`.
  const auto machine = RestoreMachineIfUnused(roots, kCleanUpTimeoutS);
  const auto groups = CleanUpRun(roots, host, entry);
  // A child between fork and exec may have held the dead brink's locks; a case that shared the machine may
  // have ended.
  constexpr double kLingeringS = 5;
  const auto again = RestoreMachineIfUnused(roots, kCleanUpTimeoutS, kLingeringS);
  ::_exit(machine && groups && again ? 0 : 1);
}

Result<pid_t> StartGuardian(const Roots& roots, const CgroupHost& host, const RunEntry& entry,
                            UniqueFd& dismissal) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    return FailErrno("make the guardian's pipe");
  }
  const UniqueFd read_end(ends[0]);
  dismissal.Reset(ends[1]);
  const UniqueFd self(static_cast<int>(::syscall(SYS_pidfd_open, ::getpid(), 0)));
  if (!self.Valid()) {
    return FailErrno("pidfd_open", errno, "brink needs Linux 5.8 or newer");
  }
  const pid_t guardian = ::fork();
  if (guardian < 0) {
    return FailErrno("fork the guardian");
  }
  if (guardian == 0) {
    Guard(roots, host, entry, self.Get(), read_end.Get());
  }
  return guardian;
}

}  // namespace

Result<RunGuard> RunGuard::Start(const Roots& roots) {
  if (auto status = MakeRunDirectory(roots); !status) {
    return tl::unexpected(status.error());
  }
  const auto leftovers = RestoreLeftovers(roots);
  if (!leftovers) {
    return tl::unexpected(leftovers.error());
  }
  for (const std::string& note : leftovers->notes) {
    spdlog::warn("left by a killed brink: {}", note);
  }
  auto host = CgroupHost::Discover(roots);
  if (!host) {
    return tl::unexpected(host.error());
  }
  auto state = std::make_unique<State>();
  state->roots = roots;
  state->host = std::make_unique<CgroupHost>(std::move(*host));
  state->entry.pid = ::getpid();
  state->entry.start_ticks = StartTicks(roots, ::getpid()).value_or(0);
  state->entry.group =
      "brink-" + std::to_string(state->entry.pid) + "-" + std::to_string(state->entry.start_ticks);
  // The guardian first: whoever writes the entry must be watched already, or a kill in between leaves the
  // entry behind.
  const auto guardian = StartGuardian(roots, *state->host, state->entry, state->dismissal);
  if (!guardian) {
    return tl::unexpected(guardian.error());
  }
  state->guardian = *guardian;
  if (auto status = WriteRunEntry(roots, state->entry); !status) {
    state->dismissal.Reset();
    ::waitpid(state->guardian, nullptr, 0);
    return tl::unexpected(status.error());
  }
  RunGuard guard;
  guard.state_ = std::move(state);
  return guard;
}

RunGuard::RunGuard(RunGuard&&) noexcept = default;

RunGuard& RunGuard::operator=(RunGuard&& other) noexcept {
  std::swap(state_, other.state_);
  return *this;
}

RunGuard::~RunGuard() {
  if (auto status = Finish(); !status) {
    spdlog::error("{}", status.error().message);
  }
}

const std::string& RunGuard::GroupRoot() const { return state_->entry.group; }

Status RunGuard::Finish() {
  if (state_ == nullptr || state_->finished) {
    return {};
  }
  state_->finished = true;
  const auto machine = CleanUpMachine(state_->roots);
  const auto run = CleanUpRun(state_->roots, *state_->host, state_->entry);
  auto status = machine ? run : machine;
  // After a failure the guardian tries again: it is left to notice brink's end.
  if (!status) {
    state_->dismissal.Reset();
    return status;
  }
  constexpr char kAllClean = 'c';
  if (::write(state_->dismissal.Get(), &kAllClean, 1) != 1) {
    return FailErrno("dismiss the guardian");
  }
  while (::waitpid(state_->guardian, nullptr, 0) < 0 && errno == EINTR) {
  }
  return {};
}

namespace {

std::string DescribeCleanUp(const RunEntry& entry, std::size_t processes) {
  return fmt::format("removed group {} of brink {}, which did not end by itself{}", entry.group, entry.pid,
                     processes == 0   ? ""
                     : processes == 1 ? ", and ended the process in it"
                                      : fmt::format(", and ended the {} processes in it", processes));
}

}  // namespace

Result<Leftovers> RestoreLeftovers(const Roots& roots) {
  Leftovers leftovers;
  std::vector<std::string>& notes = leftovers.notes;
  std::string alive;
  const auto host = CgroupHost::Discover(roots);
  if (!host) {
    return tl::unexpected(host.error());
  }
  RemoveUnfinishedEntries(roots);
  for (const auto& entry : ReadRunEntries(roots)) {
    if (!entry) {
      notes.push_back(entry.error().message + ": " + entry.error().remedy);
      continue;
    }
    const auto start = StartTicks(roots, entry->pid);
    if (start && *start == entry->start_ticks) {
      alive += (alive.empty() ? "pid " : ", ") + std::to_string(entry->pid);
      continue;
    }
    const std::size_t processes = ProcessesBelow(GroupDirectories(*host, entry->group)).size();
    if (auto status = CleanUpRun(roots, *host, *entry); !status) {
      return tl::unexpected(status.error());
    }
    notes.push_back(DescribeCleanUp(*entry, processes));
  }
  constexpr double kGateTimeoutS = 5;
  const auto machine = RestoreMachineIfUnused(roots, kGateTimeoutS);
  if (!machine) {
    return tl::unexpected(machine.error());
  }
  notes.insert(notes.end(), machine->restored.begin(), machine->restored.end());
  notes.insert(notes.end(), machine->foreign.begin(), machine->foreign.end());
  if (machine->in_use) {
    leftovers.in_use = "machine-wide values are in use by a running brink" +
                       (alive.empty() ? std::string() : " (" + alive + ")");
  }
  return leftovers;
}

}  // namespace brink
