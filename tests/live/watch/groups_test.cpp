// SPDX-License-Identifier: MIT
// Limits of control groups: OOM kills and refused forks.
#include <linux/magic.h>
#include <sys/mman.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <fstream>

#include "base/units.h"
#include "watch_fixture.h"

namespace brink {
namespace {

constexpr int kSiKernel = 0x80;

/// Touches memory until it is killed.
int Grow() {
  for (int i = 0; i < 1024; ++i) {
    void* area = ::mmap(nullptr, kMiB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    std::memset(area, 1, kMiB);
  }
  return 0;
}

class Groups : public WatchTest {};

TEST_F(Groups, AnOomKillTellsTheGroupWhoseLimitWasExhausted) {
  const TestGroup group("memory", "oom", 24 * kMiB);
  if (!group.Problem().empty()) {
    GTEST_SKIP() << group.Problem();
  }
  const int pid = RunToEnd(4, [&] {
    std::ofstream("/proc/self/oom_score_adj") << 321 << std::flush;
    return group.Join() ? Grow() : 1;
  });
  EXPECT_EQ(ExitOf(pid)->signal, SIGKILL);
  const auto kills = Seen<OomKillSeen>();
  ASSERT_EQ(kills.size(), 1U);
  EXPECT_EQ(kills[0].token, 4U);
  EXPECT_EQ(kills[0].kill.pid, pid);
  EXPECT_EQ(kills[0].kill.comm, "live_watch");
  EXPECT_EQ(kills[0].kill.scope, "memcg");
  EXPECT_EQ(kills[0].kill.cgroup, group.Path());
  EXPECT_NE(kills[0].memory_group_id, 0U);
  EXPECT_EQ(kills[0].kill.limit_bytes, 24 * kMiB);
  EXPECT_GT(kills[0].kill.use_bytes, 23 * kMiB);
  EXPECT_GT(kills[0].kill.anon_rss_bytes, 16 * kMiB);
  EXPECT_EQ(kills[0].kill.oom_score_adj, 321);
  EXPECT_EQ(kills[0].kill.invoker_pid, pid);
  EXPECT_GT(ExitOf(pid)->peak_rss_bytes, 16 * kMiB);
  const auto signals = Seen<SignalSeen>();
  ASSERT_FALSE(signals.empty());
  EXPECT_EQ(signals[0].sent.signal, SIGKILL);
  EXPECT_EQ(signals[0].sent.code, kSiKernel);
}

TEST_F(Groups, AnOomKilledGrandchildIsTheVictimNotItsAncestors) {
  const TestGroup group("memory", "oomchild", 24 * kMiB);
  if (!group.Problem().empty()) {
    GTEST_SKIP() << group.Problem();
  }
  const int pid = RunToEnd(4, [&] {
    const int child = ::fork();
    if (child == 0) {
      ::_exit(group.Join() ? Grow() : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? 11 : 1;
  });
  EXPECT_EQ(ExitOf(pid)->exit_code, 11);
  const auto kills = Seen<OomKillSeen>();
  ASSERT_EQ(kills.size(), 1U);
  EXPECT_EQ(kills[0].kill.pid, Seen<ForkSeen>()[0].pid);
  EXPECT_EQ(kills[0].token, 4U);
}

TEST_F(Groups, AKillInAGroupIsNoOomKill) {
  const TestGroup group("memory", "kill", 24 * kMiB);
  if (!group.Problem().empty()) {
    GTEST_SKIP() << group.Problem();
  }
  const int pid = RunToEnd(4, [&] { return group.Join() ? ::kill(::getpid(), SIGKILL) : 1; });
  EXPECT_EQ(ExitOf(pid)->signal, SIGKILL);
  EXPECT_TRUE(Seen<OomKillSeen>().empty());
}

TEST_F(Groups, AForkBeyondPidsMaxTellsTheGroupAndItsCount) {
  const TestGroup group("pids", "pids", 1);
  if (!group.Problem().empty()) {
    GTEST_SKIP() << group.Problem();
  }
  const int pid = RunToEnd(4, [&] { return group.Join() && ::fork() < 0 && errno == EAGAIN ? 0 : 1; });
  ASSERT_EQ(ExitOf(pid)->exit_code, 0);
  const FailedCall call = FirstFailure("clone");
  EXPECT_EQ(call.errno_name, "EAGAIN");
  ASSERT_GE(call.pids_groups.size(), 2U);
  EXPECT_EQ(call.pids_groups[0].path, group.Path());
  EXPECT_EQ(call.pids_groups[0].limit, 1U);
  EXPECT_EQ(call.pids_groups[0].use, 1U);
}

TEST_F(Groups, AFailureTellsTheMemoryGroupsAboveIt) {
  const TestGroup group("memory", "chain", 64 * kMiB);
  if (!group.Problem().empty()) {
    GTEST_SKIP() << group.Problem();
  }
  RunToEnd(4, [&] {
    if (!group.Join()) {
      return 1;
    }
    return ::mmap(nullptr, 1UL << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 0 : 1;
  });
  const FailedCall call = FirstFailure("mmap");
  ASSERT_GE(call.memory_groups.size(), 2U);
  EXPECT_EQ(call.memory_groups[0].path, group.Path());
  EXPECT_EQ(call.memory_groups[0].limit, 64 * kMiB);
  EXPECT_LT(call.memory_groups[0].use, 64 * kMiB);
  EXPECT_EQ(call.memory_groups.back().path, "");
  EXPECT_EQ(call.memory_groups.back().limit, kNoLimit);
}

TEST_F(Groups, AFailureTellsHowMuchOfItsGroupIsPageCache) {
  const TestGroup group("memory", "cache", 64 * kMiB);
  const std::string path = "/var/tmp/brink-cache-" + std::to_string(::getpid());
  struct statfs disk {};
  if (!group.Problem().empty() || ::statfs("/var/tmp", &disk) != 0 || disk.f_type == TMPFS_MAGIC) {
    GTEST_SKIP() << group.Problem();
  }
  RunToEnd(4, [&] {
    if (!group.Join()) {
      return 1;
    }
    std::ofstream(path) << std::string(24 * kMiB, 'x') << std::flush;
    return ::mmap(nullptr, 1UL << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 0 : 1;
  });
  std::remove(path.c_str());
  const FailedCall call = FirstFailure("mmap");
  ASSERT_FALSE(call.memory_groups.empty());
  EXPECT_GE(call.memory_groups[0].reclaimable, 20 * kMiB);
  EXPECT_LE(call.memory_groups[0].reclaimable, call.memory_groups[0].use);
  EXPECT_EQ(call.memory_groups.back().reclaimable, 0U);
}

}  // namespace
}  // namespace brink
