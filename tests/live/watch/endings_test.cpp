// SPDX-License-Identifier: MIT
// How processes end, and by whose hand: look-alikes told apart.
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "evidence/watch_events.h"
#include "watch_fixture.h"

namespace brink {
namespace {

constexpr int kSiUser = 0;
constexpr int kSiTkill = -6;

constexpr int kRefused = 97;

/// A fork that sleeps, with the number `pid`. Ends the calling process when that is refused: -1 must never
/// get to kill(2), which takes it for all processes of the machine.
int ForkAs(pid_t pid) {
  clone_args arguments{};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<std::uint64_t>(&pid);
  arguments.set_tid_size = 1;
  const long child = ::syscall(SYS_clone3, &arguments, sizeof(arguments));
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  if (child <= 0 || child != pid) {
    ::_exit(kRefused);
  }
  return pid;
}

/// A fork that sleeps; ends the calling process when there is none.
int ForkSleeper() {
  const int pid = ::fork();
  if (pid == 0) {
    ::pause();
    ::_exit(0);
  }
  if (pid <= 0) {
    ::_exit(1);
  }
  return pid;
}

void End(int pid) {
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
}

class Endings : public WatchTest {
 protected:
  [[nodiscard]] std::optional<SignalSeen> SignalTo(int pid, int signal) const {
    for (const auto& seen : Seen<SignalSeen>()) {
      if (seen.sent.pid == pid && seen.sent.signal == signal) {
        return seen;
      }
    }
    return std::nullopt;
  }
};

TEST_F(Endings, ASiblingThatKillsIsNamed) {
  const int target = Start(1, [] { return ::pause(); });
  const int killer = RunToEnd(2, [&] { return ::kill(target, SIGKILL); });
  AwaitExit(target);
  EXPECT_EQ(ExitOf(target)->signal, SIGKILL);
  const auto signal = SignalTo(target, SIGKILL);
  ASSERT_TRUE(signal);
  EXPECT_EQ(signal->token, 1U);
  EXPECT_EQ(signal->sender_token, 2U);
  EXPECT_EQ(signal->sent.sender_pid, killer);
  EXPECT_EQ(signal->sent.sender_comm, "live_watch");
  EXPECT_EQ(signal->sent.code, kSiUser);
}

TEST_F(Endings, SignalsToADeadProcessDoNotHideThoseToTheNextOneOfItsNumber) {
  const int parent = RunToEnd(1, [] {
    sigset_t blocked;  // then they stay pending, and end nobody
    ::sigemptyset(&blocked);
    ::sigaddset(&blocked, SIGUSR1);
    ::sigprocmask(SIG_BLOCK, &blocked, nullptr);
    const int first = ForkSleeper();
    for (int i = 0; i < 2 * BRINK_SIGNAL_DETAILS; ++i) {
      ::kill(first, SIGUSR1);
    }
    End(first);
    const int second = ForkAs(first);
    ::kill(second, SIGUSR1);
    End(second);
    return 0;
  });
  if (ExitOf(parent)->exit_code == kRefused) {
    GTEST_SKIP() << "a process cannot be given a number here: that needs CAP_CHECKPOINT_RESTORE";
  }
  ASSERT_EQ(ExitOf(parent)->exit_code, 0);
  int told = 0;
  for (const auto& seen : Seen<SignalSeen>()) {
    told += seen.sent.signal == SIGUSR1 ? 1 : 0;
  }
  EXPECT_EQ(told, BRINK_SIGNAL_DETAILS + 1);
}

TEST_F(Endings, AStrangerThatKillsIsNamedWithoutToken) {
  const int target = Start(1, [] { return ::pause(); });
  ::kill(target, SIGTERM);
  AwaitExit(target);
  EXPECT_EQ(ExitOf(target)->signal, SIGTERM);
  const auto signal = SignalTo(target, SIGTERM);
  ASSERT_TRUE(signal);
  EXPECT_EQ(signal->sender_token, 0U);
  EXPECT_EQ(signal->sent.sender_pid, ::getpid());
}

TEST_F(Endings, AnExitOf137IsNoSignal) {
  const int pid = RunToEnd(1, [] { return 137; });
  EXPECT_EQ(ExitOf(pid)->exit_code, 137);
  EXPECT_FALSE(ExitOf(pid)->signal);
  EXPECT_TRUE(Seen<SignalSeen>().empty());
}

TEST_F(Endings, AnExitOf9IsNoSignal) {
  const int pid = RunToEnd(1, [] { return 9; });
  EXPECT_EQ(ExitOf(pid)->exit_code, 9);
  EXPECT_FALSE(ExitOf(pid)->signal);
}

TEST_F(Endings, AnAbortIsTheProcessesOwnDoing) {
  const int pid = RunToEnd(1, [] { return ::raise(SIGABRT); });
  EXPECT_EQ(ExitOf(pid)->signal, SIGABRT);
  const auto signal = SignalTo(pid, SIGABRT);
  ASSERT_TRUE(signal);
  EXPECT_EQ(signal->sent.code, kSiTkill);
  EXPECT_EQ(signal->sender_token, 1U);
}

TEST_F(Endings, ASignalThatIsIgnoredIsNotTold) {
  const int pid = RunToEnd(1, [] {
    ::signal(SIGTERM, SIG_IGN);
    ::kill(::getpid(), SIGTERM);
    return 0;
  });
  EXPECT_EQ(ExitOf(pid)->exit_code, 0);
  EXPECT_TRUE(Seen<SignalSeen>().empty());
}

TEST_F(Endings, AFloodOfSignalsIsBoundedAndHidesNoKill) {
  const int pid = RunToEnd(1, [] {
    ::signal(SIGUSR1, [](int) {});
    for (int i = 0; i < 100'000; ++i) {
      ::raise(SIGUSR1);
    }
    return ::kill(::getpid(), SIGKILL);
  });
  EXPECT_LE(Seen<SignalSeen>().size(), 17U);
  EXPECT_TRUE(SignalTo(pid, SIGKILL));
  EXPECT_EQ(watch_->EventsLost(), 0U);
}

}  // namespace
}  // namespace brink
