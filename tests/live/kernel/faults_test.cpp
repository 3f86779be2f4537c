// SPDX-License-Identifier: MIT
#include "faults/faults.h"

#include <gmock/gmock.h>

#include "live.h"
#include "model/fault_table.h"
#include "victim.h"

namespace brink::live {
namespace {

using testing::HasSubstr;

class FaultsLive : public LiveTest {};

TEST_F(FaultsLive, GroupLimitIsProvenAlsoWhenRoundedToPages) {
  auto group = MakeGroup(*host_);
  const ImposedFault fault = ImposeOnGroup(group, "server", Of("memory.max", "67108865"));
  EXPECT_TRUE(fault.in_force) << fault.error;
  EXPECT_EQ(fault.read_back, "67108864");
  EXPECT_EQ(fault.target, "server");
  EXPECT_TRUE(ImposeOnGroup(group, "server", Of("memory.max", "max")).in_force);
}

TEST_F(FaultsLive, RefusedGroupLimitSaysWhy) {
  auto group = MakeGroup(*host_);
  const ImposedFault fault = ImposeOnGroup(group, "server", Of("pids.max", "many"));
  EXPECT_FALSE(fault.in_force);
  EXPECT_THAT(fault.error, HasSubstr("pids.max"));
}

TEST_F(FaultsLive, RunningProcessIsChanged) {
  auto group = MakeGroup(*host_);
  auto target = Start(group, Victim("wait"));
  ASSERT_TRUE(target);
  SetStep::Target change;
  change.rlimits = {{.name = "RLIMIT_AS", .soft = "1073741824", .hard = ""}};
  change.oom_score_adj = 500;
  change.nice = 5;
  const auto faults = ImposeOnProcess(Roots{}, target->pid, "server", change);
  ASSERT_EQ(faults.size(), 3U);
  for (const ImposedFault& fault : faults) {
    EXPECT_TRUE(fault.in_force) << fault.name << ": " << fault.error;
  }
  ASSERT_TRUE(group.Kill());
  AwaitEnd(*target);
}

TEST_F(FaultsLive, DeadProcessIsAnErrorNotACrash) {
  SetStep::Target change;
  change.rlimits = {{.name = "RLIMIT_AS", .soft = "1", .hard = ""}};
  change.oom_score_adj = 1;
  change.nice = 1;
  for (const ImposedFault& fault : ImposeOnProcess(Roots{}, 999999999, "server", change)) {
    EXPECT_FALSE(fault.in_force);
    EXPECT_FALSE(fault.error.empty());
  }
}

TEST_F(FaultsLive, ProbeTellsOfEveryFaultOnceAndLeavesNothing) {
  const auto probes = ProbeFaults(Roots{}, *host_);
  EXPECT_EQ(probes.size(), FaultTable().size());
  for (const FaultProbe& probe : probes) {
    EXPECT_NE(FindFault(probe.name), nullptr) << probe.name << ": " << probe.reason;
    EXPECT_TRUE(probe.can_impose || !probe.reason.empty()) << probe.name;
    std::printf("%-28s %s %s | %s\n", probe.name.c_str(), probe.can_impose ? "yes" : "NO",
                probe.reason.c_str(), probe.remedy.c_str());
  }
  EXPECT_NE(::access(host_->Directory("memory", "brink-probe-" + std::to_string(::getpid())).c_str(), F_OK),
            0);
}

}  // namespace
}  // namespace brink::live
