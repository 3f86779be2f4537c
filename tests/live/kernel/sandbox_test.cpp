// SPDX-License-Identifier: MIT
#include <sys/wait.h>

#include <filesystem>

#include "evidence/watch.h"
#include "live.h"
#include "run/case_runner.h"
#include "sandbox/host.h"
#include "victim.h"

namespace brink::live {
namespace {

class SandboxLive : public LiveTest {};

TEST_F(SandboxLive, RunsATargetBelowItsRootAndLeavesNothing) {
  Roots roots;
  roots.run = testing::TempDir() + "brink-sandbox-" + std::to_string(::getpid());
  auto sandbox = HostSandbox::Start(roots);
  ASSERT_TRUE(sandbox) << sandbox.error().message;
  EXPECT_FALSE(sandbox->Facts().kernel.empty());
  EXPECT_GT(sandbox->Facts().memory_bytes, 0U);
  EXPECT_EQ(sandbox->Facts().sysctls.count("vm.max_map_count"), 1U);
  auto group = Cgroup::Create(sandbox->Cgroups(), sandbox->GroupRoot() + "/case");
  ASSERT_TRUE(group) << group.error().message;
  auto target = Start(*group, Victim("wait"));
  ASSERT_TRUE(target) << target.error().message;
  const auto status = sandbox->Finish();
  EXPECT_TRUE(status) << status.error().message;
  EXPECT_EQ(AwaitEnd(*target).signal, SIGKILL);
  EXPECT_TRUE(group->Remove());
  EXPECT_TRUE(std::filesystem::is_empty(roots.run + "/runs"));
  std::filesystem::remove_all(roots.run);
}

/// Loses an event as a fork storm does: more processes than can be followed.
void LoseAnEvent(Watch& watch, WatchToken token) {
  constexpr int kBeyond = 5'000'000;  // no real process's number: PID_MAX_LIMIT is 4 Mi
  constexpr int kMore = 20'000;       // than are followed at a time
  auto registration = watch.MakeRegistration(token);
  const pid_t parent = ::fork();
  if (parent == 0) {
    bool full = Watch::RegisterSelf(::getpid(), &registration) != 0;
    for (int i = 0; i < kMore && !full; ++i) {
      full = Watch::RegisterSelf(kBeyond + i, &registration) != 0;
    }
    ::_exit(full && ::fork() >= 0 ? 0 : 1);
  }
  int status = 1;
  ::waitpid(parent, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_GT(watch.EventsLost(), 0U);
  watch.Forget({token});
}

TEST_F(SandboxLive, EventsThatAnEarlierCaseLostAreNotLostInTheNext) {
  constexpr WatchToken kEarlier = 1U << 30;  // no case counts so far
  Roots roots;
  const std::string folder = testing::TempDir() + "brink-lost-" + std::to_string(::getpid());
  roots.run = folder + "/run";
  auto sandbox = HostSandbox::Start(roots);
  ASSERT_TRUE(sandbox) << sandbox.error().message;
  auto watch = Watch::Load();
  ASSERT_TRUE(watch) << watch.error().message << " " << watch.error().remedy;
  LoseAnEvent(*watch, kEarlier);
  Plan plan;
  plan.scenario = "lost";
  plan.case_name = "next";
  plan.run_dir = folder;
  plan.data_dir = folder;
  plan.groups.push_back({.name = "target", .settings = {}});
  ProcessPlan& target = plan.processes.emplace_back();
  target.name = "target";
  target.argv = {"/bin/true"};
  target.cwd = folder;
  target.group = "target";
  std::filesystem::create_directories(folder + "/logs");
  CaseContext context;
  context.sandbox = &*sandbox;
  context.watch = &*watch;
  CaseResult result = RunCase(plan, {}, context);
  EXPECT_EQ(result.evidence.harness_error, "");
  ASSERT_EQ(result.evidence.processes.size(), 1U);
  EXPECT_EQ(result.evidence.processes.front().exit_code, 0);
  EXPECT_EQ(result.evidence.events_lost, 0U);
  ASSERT_TRUE(result.groups);
  EXPECT_TRUE(result.groups->Remove());
  EXPECT_TRUE(sandbox->Finish());
  std::filesystem::remove_all(folder);
}

TEST_F(SandboxLive, UnwritableJournalIsAnErrorWithItsRemedy) {
  Roots roots;
  roots.run = "/proc/brink";
  const auto sandbox = HostSandbox::Start(roots);
  ASSERT_FALSE(sandbox);
  EXPECT_NE(sandbox.error().message.find("/proc/brink"), std::string::npos);
  EXPECT_FALSE(sandbox.error().remedy.empty());
}

}  // namespace
}  // namespace brink::live
