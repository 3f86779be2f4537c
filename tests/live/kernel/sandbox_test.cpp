// SPDX-License-Identifier: MIT
#include <filesystem>

#include "live.h"
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
