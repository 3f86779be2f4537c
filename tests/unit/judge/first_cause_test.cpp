// SPDX-License-Identifier: MIT
// Of a process that met several limits before it failed: the first cause is named, what followed is told.
#include <gmock/gmock.h>

#include <string>
#include <utility>
#include <vector>

#include "calls.h"
#include "judge/judge.h"
#include "server_case.h"

namespace brink::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

struct Kind {
  FailedCall call;
  std::uint64_t count = 1;
};

/// A server that failed after these, in this order.
Verdict FailedAfter(const std::vector<Kind>& kinds) {
  Evidence evidence = ServerEvidence(1);
  double t_s = 0.1;
  for (const Kind& kind : kinds) {
    evidence.failed_calls.push_back(kind.call);
    evidence.failed_calls.back().t_s = t_s;
    evidence.failure_counts.push_back({.process = "server",
                                       .call = kind.call.call,
                                       .errno_name = kind.call.errno_name,
                                       .count = kind.count});
    t_s += 0.1;
  }
  return Judge(ServerPlan(), evidence);
}

std::string LimitAfter(const std::vector<Kind>& kinds) {
  const Verdict verdict = FailedAfter(kinds);
  return verdict.binding_limit ? verdict.binding_limit->name : "none: " + verdict.binding_reason;
}

FailedCall AtMapCount(FailedCall call) {
  call.map_count = call.machine.max_map_count;
  return call;
}

FailedCall Munmap() { return AtMapCount(Call("munmap", "ENOMEM", {0x1000, kPage})); }

FailedCall AtAddressSpace() {
  FailedCall call = Mmap(kGiB);
  call.limits.as = kGiB;
  return call;
}

FailedCall AtMemlock() {
  FailedCall call = Call("mlock", "ENOMEM", {0x1000, kMiB});
  call.limits.memlock = kPage;
  return call;
}

FailedCall AtPids() {
  FailedCall call = Call("clone", "EAGAIN", {0x1200011});
  call.pids_groups = {{.path = "/a", .use = 10, .limit = 10}};
  return call;
}

TEST(FirstCause, MemoryThatWasNotGivenBackGoesBeforeWhatWasRefusedForIt) {
  const Verdict verdict = FailedAfter({{Munmap(), 100}, {AtAddressSpace()}});
  ASSERT_TRUE(verdict.binding_limit);
  EXPECT_EQ(verdict.binding_limit->name, "vm.max_map_count");
  EXPECT_THAT(verdict.reason, HasSubstr("exited with 1 at 0.50 s; munmap failed with ENOMEM 100 times"));
  EXPECT_THAT(verdict.reason, HasSubstr("; after that mmap failed with ENOMEM once at 0.20 s"));
  ASSERT_EQ(verdict.chain.size(), 3U);
  EXPECT_EQ(verdict.chain[0].limit, "vm.max_map_count");
  EXPECT_EQ(verdict.chain[1].limit, "RLIMIT_AS");
  EXPECT_EQ(verdict.chain[2].kind, "end");
  EXPECT_EQ(LimitAfter({{Munmap(), 1}, {AtAddressSpace()}}), "vm.max_map_count") << "once is no probe here";
}

TEST(FirstCause, WhatFailedAgainAndAgainGoesBeforeWhatFailedAfterIt) {
  EXPECT_EQ(LimitAfter({{AtAddressSpace(), 9}, {AtPids()}}), "RLIMIT_AS");
}

TEST(FirstCause, AProbeIsSurvived) {
  const Verdict verdict = FailedAfter({{AtAddressSpace(), 2}, {AtPids()}});
  ASSERT_TRUE(verdict.binding_limit);
  EXPECT_EQ(verdict.binding_limit->name, "pids.max");
  EXPECT_THAT(verdict.reason, Not(HasSubstr("after that")));
  EXPECT_EQ(verdict.chain.front().limit, "RLIMIT_AS");
}

TEST(FirstCause, MemoryThatIsNotLockedOrNotInHugePagesIsThereAllTheSame) {
  EXPECT_EQ(LimitAfter({{AtMemlock(), 6000}, {AtAddressSpace()}}), "RLIMIT_AS");
  EXPECT_EQ(LimitAfter({{AtMemlock(), 6000}}), "RLIMIT_MEMLOCK");
  FailedCall huge = Mmap(2 * kMiB, kReadWrite, kHugetlb);
  EXPECT_EQ(LimitAfter({{huge, 500}, {Munmap()}}), "vm.max_map_count");
}

TEST(FirstCause, TheCallThatMetTheLimitFirstTells) {
  const Verdict verdict =
      FailedAfter({{AtMapCount(Call("mlock", "ENOMEM", {0x1000, kPage})), 30}, {Munmap(), 30}});
  EXPECT_THAT(verdict.reason, HasSubstr("; mlock failed with ENOMEM 30 times"));
}

}  // namespace
}  // namespace brink::testing
