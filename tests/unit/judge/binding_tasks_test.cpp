// SPDX-License-Identifier: MIT
// Limits of tasks, and what is said where none or more than one fits.
#include <gtest/gtest.h>

#include <string>

#include "calls.h"
#include "judge/judge.h"

namespace brink::testing {
namespace {

TEST(Binding, TasksOfTheUserCountForOrdinaryUsersOnly) {
  FailedCall call = Call("clone", "EAGAIN", {0x1200011});
  call.limits.nproc = 20;
  call.user_tasks = 19;
  EXPECT_EQ(NameOf(call), "none");
  call.user_tasks = 20;
  EXPECT_EQ(NameOf(call), "RLIMIT_NPROC");
  call.resource_capable = true;
  EXPECT_EQ(NameOf(call), "none");
  call.resource_capable = false;
  call.uid = 0;
  EXPECT_EQ(NameOf(call), "none");
}

TEST(Binding, ExecRefusesOnlyAUserAboveTheLimit) {
  FailedCall call = Call("execve", "EAGAIN");
  call.limits.nproc = 20;
  call.user_tasks = 20;
  EXPECT_EQ(NameOf(call), "none");
  call.user_tasks = 21;
  EXPECT_EQ(NameOf(call), "RLIMIT_NPROC");
}

TEST(Binding, PidsOfAnyLevelAndOfTheMachine) {
  FailedCall call = Call("clone3", "EAGAIN");
  call.pids_groups = {{.path = "/a/b", .use = 5, .limit = kNoLimit}, {.path = "/a", .use = 11, .limit = 12}};
  EXPECT_EQ(NameOf(call), "none");
  call.pids_groups[1].use = 12;
  EXPECT_EQ(NameOf(call), "pids.max");
  call.pids_groups.clear();
  call.machine.threads = 32768 - 300;
  EXPECT_EQ(NameOf(call), "kernel.pid_max");
  call.machine.pid_max = 4194304;
  call.machine.threads = 190000;
  EXPECT_EQ(NameOf(call), "kernel.threads-max");
}

TEST(Binding, TasksOfAMachineAreNoFewerThanWereCountedWhenTheCallFailed) {
  FailedCall call = Call("clone3", "EAGAIN");
  call.machine.pid_max = 1500;
  call.machine.threads = 133;  // read when the program had ended
  EXPECT_EQ(NameOf(call), "none");
  call.user_tasks = 1415;
  EXPECT_EQ(NameOf(call), "kernel.pid_max");
  call.user_tasks = 1;
  call.threads = 1356;
  EXPECT_EQ(NameOf(call), "kernel.pid_max");
  call.threads = 1;
  call.pids_groups = {{.path = "/a", .use = 1356, .limit = kNoLimit}};
  EXPECT_EQ(NameOf(call), "kernel.pid_max");
}

TEST(Binding, ListsTheCandidatesOfEagainWhenNoneFits) {
  FailedCall call = Call("clone", "EAGAIN", {0x1200011});
  call.limits.nproc = 20;
  call.pids_groups = {{.path = "/a", .use = 5, .limit = 12}};
  const Binding binding = BindingOf(call);
  EXPECT_FALSE(binding.limit);
  for (const char* name : {"RLIMIT_NPROC", "pids.max", "kernel.pid_max", "kernel.threads-max"}) {
    EXPECT_NE(binding.reason.find(name), std::string::npos) << binding.reason;
  }
}

TEST(Binding, SaysWhenTwoLimitsFit) {
  FailedCall call = Mmap(kMiB);
  call.map_count = 4001;
  call.limits.as = 20 * kMiB;
  const Binding binding = BindingOf(call);
  EXPECT_FALSE(binding.limit);
  EXPECT_NE(binding.reason.find("2 limits fit ENOMEM of mmap"), std::string::npos) << binding.reason;
}

TEST(Binding, AnOverflowingRequestIsBeyondEveryLimit) {
  FailedCall call = Mmap(UINT64_MAX - 5);
  call.limits.as = kGiB;
  call.overcommit_refused = false;
  EXPECT_EQ(NameOf(call), "RLIMIT_AS");
}

TEST(Binding, AnUnknownCallIsNoGuess) { EXPECT_EQ(NameOf(Call("io_uring_setup", "EAGAIN")), "none"); }

}  // namespace
}  // namespace brink::testing
