// SPDX-License-Identifier: MIT
#include "kernel/cgroup.h"

#include <gmock/gmock.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "live.h"
#include "victim.h"

namespace brink::live {
namespace {

using testing::HasSubstr;

class CgroupLive : public LiveTest {};

TEST_F(CgroupLive, SetsAndReadsBackEveryLimitThatBothVersionsHave) {
  auto group = MakeGroup(*host_, {"cpu", "cpuset"});
  const std::vector<std::pair<std::string, std::string>> limits = {
      {"memory.max", "67108864"}, {"memory.max", "134217728"}, {"memory.max", "33554432"},
      {"pids.max", "20"},         {"cpu.max", "20000 100000"}, {"cpu.max", "50000 200000"},
      {"cpu.max", "max 100000"},  {"cpuset.cpus", "0"},        {"memory.max", "max"},
      {"pids.max", "max"}};
  for (const auto& [name, value] : limits) {
    auto status = group.Set(name, value);
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(group.Get(name).value_or("?"), value) << name;
  }
  EXPECT_TRUE(group.Remove());
}

TEST_F(CgroupLive, SwapKeepsItsShareWhenMemoryMaxChanges) {
  auto group = MakeGroup(*host_);
  ASSERT_TRUE(group.Set("memory.max", "67108864"));
  if (auto status = group.Set("memory.swap.max", "1048576"); !status) {
    GTEST_SKIP() << "this kernel does not account swap (" << status.error().message
                 << "): " << status.error().remedy;
  }
  EXPECT_EQ(group.Get("memory.swap.max").value_or("?"), "1048576");
  for (const char* limit : {"134217728", "33554432"}) {
    auto status = group.Set("memory.max", limit);
    ASSERT_TRUE(status) << status.error().message;
    EXPECT_EQ(group.Get("memory.max").value_or("?"), limit);
    EXPECT_EQ(group.Get("memory.swap.max").value_or("?"), "1048576");
  }
}

TEST_F(CgroupLive, LimitOfTheOtherVersionIsRefusedByName) {
  auto group = MakeGroup(*host_);
  const bool v1 = host_->MemoryVersion() == CgroupVersion::kV1;
  auto status = v1 ? group.Set("memory.high", "1048576") : group.Set("memory.oom_kill_disable", "1");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr(v1 ? "needs cgroup v2" : "needs cgroup v1"));
  EXPECT_FALSE(status.error().remedy.empty());
}

TEST_F(CgroupLive, ControllerThatTheGroupWasMadeWithoutIsNamed) {
  auto group = MakeGroup(*host_);
  if (host_->VersionOf("cpu") == CgroupVersion::kV2) {
    GTEST_SKIP() << "cgroup v2 has one directory for all controllers; only v1 can show this";
  }
  auto status = group.Set("cpu.max", "10000 100000");
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("without the controller cpu"));
}

TEST_F(CgroupLive, ExistingGroupIsNotTakenOver) {
  auto group = MakeGroup(*host_);
  auto again = Cgroup::Create(*host_, group.Path());
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().message, HasSubstr("exists already"));
  EXPECT_TRUE(group.Remove());
}

TEST_F(CgroupLive, OnlyBrinksOwnNamesAreMadeOrRemoved) {
  for (const char* path : {"system.slice", "brink-1/../x", "", "/brink-1", "brink-1//x", "brink-1/"}) {
    EXPECT_FALSE(Cgroup::Create(*host_, path)) << path;
    EXPECT_FALSE(RemoveGroupTree(*host_, path)) << path;
  }
}

TEST_F(CgroupLive, OomKillIsCounted) {
  auto group = MakeGroup(*host_);
  ASSERT_TRUE(group.Set("memory.max", "16777216"));
  EXPECT_EQ(group.Counters().oom_kills, 0U);
  auto target = Start(group, Victim("eat-memory"));
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_EQ(AwaitEnd(*target).signal, SIGKILL);
  const CgroupCounters counters = group.Counters();
  EXPECT_EQ(counters.oom_kills, 1U);
  EXPECT_GT(counters.limit_hits.value_or(0), 0U);
  EXPECT_EQ(counters.memory_limit, 16777216U);
}

TEST_F(CgroupLive, WhatWasReclaimedAndIsNeededAgainIsCounted) {
  auto group = MakeGroup(*host_);
  ASSERT_TRUE(group.Set("memory.max", "8388608"));
  EXPECT_EQ(group.Stat().refaulted_pages, 0U);
  const std::string file = testing::TempDir() + "brink-refault-" + std::to_string(::getpid());
  auto target = Start(group, {"/bin/sh", "-c",
                              "head -c 33554432 /dev/zero > " + file + "; sync " + file +
                                  "; for i in 1 2 3; do cat " + file + " > /dev/null; done"});
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_EQ(AwaitEnd(*target).exit_code, 0);
  std::filesystem::remove(file);
  const CgroupStat stat = group.Stat();
  EXPECT_GT(stat.refaulted_pages, 1000U);
  ASSERT_TRUE(stat.shmem_bytes);
  EXPECT_LT(*stat.shmem_bytes, 1U << 20);
  EXPECT_EQ(stat.stalled_s.has_value(), host_->MemoryVersion() == CgroupVersion::kV2);
}

TEST_F(CgroupLive, LoweringBelowWhatIsUsedIsRefusedWithTheFigureOrKills) {
  auto group = MakeGroup(*host_);
  auto target = Start(group, Victim("wait"));
  ASSERT_TRUE(target) << target.error().message;
  ReadUntil(*target, "ready");
  auto status = group.Set("memory.max", "4096");
  if (host_->MemoryVersion() == CgroupVersion::kV1) {
    ASSERT_FALSE(status);
    EXPECT_EQ(status.error().code, EBUSY);
    EXPECT_THAT(status.error().message, HasSubstr("the group uses"));
    EXPECT_FALSE(status.error().remedy.empty());
    ASSERT_TRUE(group.Kill());
  }
  AwaitEnd(*target);
}

TEST_F(CgroupLive, ForkBombUnderPidsMaxIsKilledAndRemoved) {
  auto group = MakeGroup(*host_);
  ASSERT_TRUE(group.Set("pids.max", "40"));
  auto target = Start(group, Victim("fork-bomb"));
  ASSERT_TRUE(target) << target.error().message;
  EXPECT_THAT(ReadUntil(*target, "fork refused"), HasSubstr("fork refused"));
  EXPECT_GT(group.Counters().pids_refused.value_or(0), 0U);
  const auto status = group.Remove();
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(AwaitEnd(*target).signal, SIGKILL);
  EXPECT_TRUE(group.Pids().empty());
}

TEST_F(CgroupLive, RemovesATreeWhoseProcessesIgnoreSignalsOrHideInDaemons) {
  auto parent = MakeGroup(*host_);
  auto child = Cgroup::Create(*host_, parent.Path() + "/case", {"cpuset"});
  ASSERT_TRUE(child) << child.error().message;
  auto stubborn = Start(*child, Victim("ignore-term"));
  auto daemon = Start(*child, Victim("daemonise"));
  ASSERT_TRUE(stubborn && daemon);
  ReadUntil(*stubborn, "ready");
  ReadUntil(*daemon, "ready");
  EXPECT_EQ(AwaitEnd(*daemon).exit_code, 0);
  EXPECT_EQ(child->Pids().size(), 2U);
  EXPECT_EQ(parent.Pids().size(), 2U);
  const auto status = parent.Remove();
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(AwaitEnd(*stubborn).signal, SIGKILL);
  EXPECT_TRUE(child->Remove()) << "what is gone already is no error";
}

TEST_F(CgroupLive, KillLeavesTheGroupUsable) {
  auto group = MakeGroup(*host_);
  ASSERT_TRUE(group.Set("pids.max", "7"));
  auto first = Start(group, Victim("wait"));
  ASSERT_TRUE(first);
  ASSERT_TRUE(group.Kill());
  AwaitEnd(*first);
  EXPECT_EQ(group.Get("pids.max").value_or("?"), "7");
  auto second = Start(group, Victim("exit-0"));
  ASSERT_TRUE(second);
  EXPECT_EQ(AwaitEnd(*second).exit_code, 0);
}

TEST_F(CgroupLive, ProcessStuckWithoutAnOomKillerIsKilled) {
  auto group = MakeGroup(*host_);
  ASSERT_TRUE(group.Set("memory.max", "16777216"));
  if (auto status = group.Set("memory.oom_kill_disable", "1"); !status) {
    GTEST_SKIP() << status.error().message << ": " << status.error().remedy;
  }
  EXPECT_EQ(group.Get("memory.oom_kill_disable").value_or("?"), "1");
  auto target = Start(group, Victim("eat-memory"));
  ASSERT_TRUE(target) << target.error().message;
  for (int attempt = 0; attempt < 20000 && group.Counters().under_oom != true; ++attempt) {
    ::poll(nullptr, 0, 1);  // the file has an event, but this test is not about it
  }
  ASSERT_EQ(group.Counters().under_oom, true);
  const auto status = group.Remove();
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(AwaitEnd(*target).signal, SIGKILL);
}

TEST_F(CgroupLive, VersionTwoControllersAreEnabledOnTheWay) {
  if (host_->VersionOf("hugetlb") != CgroupVersion::kV2) {
    GTEST_SKIP() << "no spare controller on cgroup v2 here: mount one with cgroup2 beside v1";
  }
  auto parent = MakeGroup(*host_, {"hugetlb"});
  auto child = Cgroup::Create(*host_, parent.Path() + "/deep", {"hugetlb"});
  ASSERT_TRUE(child) << child.error().message << " " << child.error().remedy;
  EXPECT_EQ(::access((host_->Directory("hugetlb", child->Path()) + "/hugetlb.2MB.max").c_str(), F_OK), 0);
  ASSERT_TRUE(child->Remove());
  ASSERT_TRUE(parent.Remove());
  EXPECT_NE(::access(host_->Directory("hugetlb", parent.Path()).c_str(), F_OK), 0);
}

}  // namespace
}  // namespace brink::live
