// SPDX-License-Identifier: MIT
#include "kernel/launch.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <thread>

#include "kernel/files.h"
#include "live.h"
#include "victim.h"

namespace brink::live {
namespace {

using testing::HasSubstr;
using testing::Not;

class LaunchLive : public LiveTest {};

TEST_F(LaunchLive, StartsUnderAllFaultsWithProofOfEach) {
  auto group = MakeGroup(*host_);
  ASSERT_TRUE(group.Set("memory.max", "67108864"));
  LaunchSpec spec;
  spec.oom_score_adj = 300;
  spec.nice = 3;
  spec.rlimits = {
      {"RLIMIT_MEMLOCK", "65536", "65536"}, {"RLIMIT_NOFILE", "64", ""}, {"RLIMIT_CORE", "0", "0"}};
  auto target = Start(group, Victim("exit-0"), spec);
  ASSERT_TRUE(target) << target.error().message;
  std::map<std::string, std::string> read_back;
  for (const ImposedFault& fault : target->proof) {
    EXPECT_TRUE(fault.in_force) << fault.name << ": " << fault.error;
    read_back[fault.name] = fault.read_back;
  }
  EXPECT_EQ(read_back["oom_score_adj"], "300");
  EXPECT_EQ(read_back["nice"], "3");
  EXPECT_EQ(read_back["RLIMIT_MEMLOCK"], "65536");
  EXPECT_THAT(read_back["RLIMIT_NOFILE"], HasSubstr("64:"));
  EXPECT_EQ(read_back["cgroup"], "/" + group.Path());
  EXPECT_EQ(AwaitEnd(*target).exit_code, 0);
}

TEST_F(LaunchLive, TargetHasDefaultSignalsItsOwnSessionAndNoDescriptorOfBrink) {
  auto group = MakeGroup(*host_);
  ::signal(SIGPIPE, SIG_IGN);
  LaunchSpec spec;
  spec.cwd = "/tmp";
  spec.env = {{"BRINK_LIVE", "yes"}};
  auto target = Start(group, Victim("show-itself"), spec);
  ::signal(SIGPIPE, SIG_DFL);
  ASSERT_TRUE(target) << target.error().message;
  const std::string text = ReadUntil(*target, "env ");
  EXPECT_THAT(text, HasSubstr("SigBlk:\t0000000000000000"));
  EXPECT_THAT(text, HasSubstr("SigIgn:\t0000000000000000"));
  EXPECT_THAT(text, HasSubstr("fd 0 /dev/null"));
  EXPECT_THAT(text, HasSubstr("fd 1 pipe"));
  EXPECT_THAT(text, Not(HasSubstr("cgroup.procs")));
  EXPECT_THAT(text, Not(HasSubstr("fd 4 ")));  // 3 is the folder it lists
  EXPECT_THAT(text, HasSubstr("cwd /tmp"));
  EXPECT_THAT(text, HasSubstr("session 1"));
  EXPECT_THAT(text, HasSubstr("env yes"));
  EXPECT_EQ(AwaitEnd(*target).exit_code, 0);
}

TEST_F(LaunchLive, RunsAsAnotherUser) {
  auto group = MakeGroup(*host_);
  LaunchSpec spec;
  spec.user = "nobody";
  auto target = Start(group, {"/usr/bin/id", "-un"}, spec);
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_THAT(ReadUntil(*target, "\n"), HasSubstr("nobody"));
  EXPECT_EQ(AwaitEnd(*target).exit_code, 0);
}

TEST_F(LaunchLive, WithMemoryOfItsOwnStartsAllTheSame) {
  auto group = MakeGroup(*host_);
  const auto joins = group.JoinFds();
  ASSERT_TRUE(joins);
  LaunchSpec spec;
  spec.argv = Victim("exit-9");
  for (const UniqueFd& fd : *joins) {
    spec.join_fds.push_back(fd.Get());
  }
  auto target = Launch(spec);
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_EQ(AwaitEnd(*target).exit_code, 9);
  spec.argv = {"/no/such/program"};
  auto missing = Launch(spec);
  ASSERT_FALSE(missing);
  EXPECT_THAT(missing.error().message, HasSubstr("exec /no/such/program"));
}

TEST_F(LaunchLive, SharesNoMemoryWhereTheOomKillerTakesTheWholeGroup) {
  auto group = MakeGroup(*host_);
  EXPECT_TRUE(MayShareMemory(Roots{}, group));
  if (host_->MemoryVersion() == CgroupVersion::kV2) {
    ASSERT_TRUE(group.Set("memory.oom.group", "1"));
    EXPECT_FALSE(MayShareMemory(Roots{}, group));
    ASSERT_TRUE(group.Set("memory.oom.group", "0"));
  }
  const auto fake = std::filesystem::temp_directory_path() / GroupName();
  std::filesystem::create_directories(fake / "sys/vm");
  std::ofstream(fake / "sys/vm/oom_kill_allocating_task") << "1\n";
  EXPECT_FALSE(MayShareMemory(Roots{.proc = fake.string()}, group));
  std::filesystem::remove_all(fake);
}

/// A frozen child gets no further than its join.
TEST_F(LaunchLive, AChildThatHangsBeforeItsExecIsEnded) {
  std::string frozen;
  for (const std::string& mount : host_->Mounts()) {
    if (::access((mount + "/cgroup.controllers").c_str(), F_OK) == 0) {
      frozen = mount + "/" + GroupName();
    }
  }
  if (frozen.empty()) {
    GTEST_SKIP() << "no cgroup v2 hierarchy has a controller that brink uses: mount one to freeze a group in";
  }
  ASSERT_EQ(::mkdir(frozen.c_str(), 0755), 0);
  ASSERT_TRUE(WriteSmallFile(frozen + "/cgroup.freeze", "1"));
  const UniqueFd join(::open((frozen + "/cgroup.procs").c_str(), O_WRONLY | O_CLOEXEC));
  for (const bool share_memory : {true, false}) {
    LaunchSpec spec;
    spec.argv = Victim("exit-0");
    spec.join_fds = {join.Get()};
    spec.share_memory = share_memory;
    spec.longest_preparation = std::chrono::milliseconds(100);
    auto target = Launch(spec);
    ASSERT_FALSE(target);
    EXPECT_THAT(target.error().message, HasSubstr("not at its exec after 0.1 s"));
    EXPECT_THAT(target.error().message, HasSubstr("signal 9"));
  }
  EXPECT_EQ(::rmdir(frozen.c_str()), 0);
}

TEST_F(LaunchLive, PassesEmptyAndBlankArguments) {
  auto group = MakeGroup(*host_);
  auto target = Start(group, {"/usr/bin/printf", "<%s>", "", "a b", "\"q\""});
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_THAT(ReadUntil(*target, "q"), HasSubstr("<><a b><\"q\">"));
  EXPECT_EQ(AwaitEnd(*target).exit_code, 0);
}

TEST_F(LaunchLive, MissingProgramLeavesNothing) {
  auto group = MakeGroup(*host_);
  auto target = Start(group, {"/nowhere/program"});
  ASSERT_FALSE(target);
  EXPECT_THAT(target.error().message, HasSubstr("exec /nowhere/program: No such file or directory"));
  EXPECT_EQ(target.error().code, ENOENT);
  EXPECT_FALSE(target.error().remedy.empty());
  EXPECT_TRUE(group.Pids().empty());
  EXPECT_TRUE(group.Remove());
}

TEST_F(LaunchLive, NamesWhyAFileCannotBeExecuted) {
  auto group = MakeGroup(*host_);
  auto folder = Start(group, {"/tmp"});
  ASSERT_FALSE(folder);
  EXPECT_EQ(folder.error().code, EACCES);
  const std::string file = testing::TempDir() + "brink-not-a-program-" + std::to_string(::getpid());
  std::ofstream(file) << "neither a script nor a program\n";
  std::filesystem::permissions(file, std::filesystem::perms::owner_all);
  auto text = Start(group, {file});
  std::filesystem::remove(file);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().code, ENOEXEC);
}

TEST_F(LaunchLive, RefusedFaultNamesItselfAndItsRemedy) {
  auto group = MakeGroup(*host_);
  LaunchSpec spec;
  spec.rlimits = {{"RLIMIT_AS", "200", "100"}};  // soft above hard: refused to everyone
  auto target = Start(group, Victim("exit-0"), spec);
  ASSERT_FALSE(target);
  EXPECT_THAT(target.error().message, HasSubstr("RLIMIT_AS 200:100: Invalid argument"));
  EXPECT_THAT(target.error().remedy, HasSubstr("must not exceed"));
  EXPECT_TRUE(group.Pids().empty());
}

TEST_F(LaunchLive, NegativeOomScoreIsProvenOrRefusedWithTheCapability) {
  auto group = MakeGroup(*host_);
  auto fds = group.JoinFds();
  ASSERT_TRUE(fds);
  LaunchSpec spec;
  spec.argv = Victim("exit-0");
  spec.oom_score_adj = -500;
  std::vector<ImposedFault> proof;
  auto target = Launch(spec, &proof);
  if (target) {
    EXPECT_EQ(target->proof.front().read_back, "-500");
    AwaitEnd(*target);
    return;
  }
  EXPECT_THAT(target.error().message, HasSubstr("oom_score_adj -500: Permission denied"));
  EXPECT_THAT(target.error().remedy, HasSubstr("CAP_SYS_RESOURCE"));
  ASSERT_EQ(proof.size(), 1U);
  EXPECT_FALSE(proof.front().in_force);
}

TEST_F(LaunchLive, UnknownUserAndMissingFolderAreNamed) {
  auto group = MakeGroup(*host_);
  LaunchSpec user;
  user.user = "no-such-user";
  auto first = Start(group, Victim("exit-0"), user);
  ASSERT_FALSE(first);
  EXPECT_THAT(first.error().message, HasSubstr("no-such-user"));
  LaunchSpec folder;
  folder.cwd = "/nowhere";
  auto second = Start(group, Victim("exit-0"), folder);
  ASSERT_FALSE(second);
  EXPECT_THAT(second.error().message, HasSubstr("cwd /nowhere: No such file or directory"));
}

int RefuseToRegister(pid_t, void*) { return ENOSPC; }

TEST_F(LaunchLive, FailedRegistrationPreventsExec) {
  auto group = MakeGroup(*host_);
  LaunchSpec spec;
  spec.register_self = RefuseToRegister;
  auto target = Start(group, Victim("exit-0"), spec);
  ASSERT_FALSE(target);
  EXPECT_EQ(target.error().code, ENOSPC);
}

TEST_F(LaunchLive, TellsExitNineFromSigkill) {
  auto group = MakeGroup(*host_);
  auto exits = Start(group, Victim("exit-9"));
  ASSERT_TRUE(exits) << exits.error().message;
  const ExitStatus exit = AwaitEnd(*exits);
  EXPECT_EQ(exit.exit_code, 9);
  EXPECT_FALSE(exit.signal);

  auto killed = Start(group, Victim("wait"));
  ASSERT_TRUE(killed) << killed.error().message;
  EXPECT_FALSE(Reap(killed->pid));  // it is alive
  ::kill(killed->pid, SIGKILL);
  const ExitStatus death = AwaitEnd(*killed);
  EXPECT_EQ(death.signal, SIGKILL);
  EXPECT_FALSE(death.exit_code);
}

TEST_F(LaunchLive, TargetDiesWithTheThreadThatStartedIt) {
  auto group = MakeGroup(*host_);
  Result<Launched> target = Fail("not started");
  std::thread starter([&] { target = Start(group, Victim("wait"), LaunchSpec{}); });
  starter.join();
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_EQ(AwaitEnd(*target).signal, SIGKILL);
}

TEST_F(LaunchLive, ManyThreadsStartTargetsAtOnce) {
  auto group = MakeGroup(*host_);
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 25; ++n) {
        auto target = Start(group, {"/bin/true"});
        good += target && AwaitEnd(*target).exit_code == 0 ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(good, 100);
}

}  // namespace
}  // namespace brink::live
