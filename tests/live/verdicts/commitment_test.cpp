// SPDX-License-Identifier: MIT
// Promises of memory: the commit limit, a request beyond the machine, huge pages; and failures that no limit
// caused.
#include <gmock/gmock.h>

#include "base/units.h"
#include "live_case.h"

namespace brink::live {
namespace {

class CommitLimit : public LiveCase {};

// Room for the process, not for its copy.
TEST_F(CommitLimit, StopsTheForkOfALargeProcess) {
  const Verdict fault = ExpectFaultAndControl(
      {.shared = "processes: {target: {run: [victim, fork-large, size=400M]}}",
       .fault = "machine: {sysctl: {vm.overcommit_memory: 2, vm.overcommit_kbytes: +600MiB}}",
       .control = "machine: {sysctl: {vm.overcommit_memory: 1}}"},
      {.outcome = "failed", .call = "clone", .error = "ENOMEM", .binding = "commit_limit", .exit = 3});
  ASSERT_TRUE(fault.binding_limit && fault.binding_limit->use);
  EXPECT_LE(*fault.binding_limit->use, fault.binding_limit->limit);
  EXPECT_GE(*fault.binding_limit->use + 400 * kMiB, fault.binding_limit->limit);
}

TEST_F(CommitLimit, StopsAMapping) {
  ExpectFaultAndControl(
      {.shared = "machine: {sysctl: {vm.overcommit_memory: 2, vm.overcommit_kbytes: +600MiB}}\n"
                 "processes: {target: {run: [victim, grow, how=mmap, chunk=10M, total=1G]}}",
       .fault = "",
       .control = "processes: {target: {run: [victim, grow, how=mmap, chunk=10M, total=200M]}}"},
      {.outcome = "failed", .call = "mmap", .binding = "commit_limit", .exit = 3});
}

// Mode 0 refuses one request larger than memory and swap together (mm/util.c, __vm_enough_memory).
TEST_F(CommitLimit, OfModeZeroStopsOneObviousExcess) {
  ExpectFaultAndControl(
      {.shared = "machine: {sysctl: {vm.overcommit_memory: 0}}\n"
                 "processes: {target: {run: [victim, grow, how=mmap, chunk=16384G, total=16384G]}}",
       .fault = "",
       .control = "processes: {target: {run: [victim, grow, how=mmap, chunk=512M, total=1G]}}"},
      {.outcome = "failed", .call = "mmap", .binding = "commit_limit", .exit = 3});
}

class HugePages : public LiveCase {};

TEST_F(HugePages, AreMissedWhereThePoolHasNone) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, hugetlb, size=2G]}}
cases: {case: {expect: {target: {outcome: failed, failure: {call: mmap, errno: ENOMEM}, binding_limit: hugepages}}}}
)");
  ExpectMet(verdict);
  ExpectSays(verdict, "target", {.outcome = "failed", .binding = "hugepages", .exit = 3});
}

class NoLimit : public LiveCase {};

// A wrong argument is no want of memory, and must not be counted as one.
TEST_F(NoLimit, IsBlamedForAWrongArgument) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, unaligned]}}
cases: {case: {expect: {target: {outcome: survived, no_failures: true}}}}
)");
  ExpectMet(verdict);
  ExpectSays(verdict, "target", {.outcome = "survived", .call = "none", .binding = "none", .exit = 0});
  EXPECT_THAT(verdict.failures, testing::IsEmpty());
}

class UnmappedRange : public LiveCase, public testing::WithParamInterface<std::string> {};

// ENOMEM, and every limit far away: the verdict names none and says why.
TEST_P(UnmappedRange, IsBlamedOnNoLimit) {
  const Verdict verdict = RunCase(R"(
parameters: {call: mprotect}
processes: {target: {run: [victim, unmapped, "call=${call}"]}}
cases: {case: {expect: {target: {outcome: failed, failure: {errno: ENOMEM}, binding_limit: none}}}}
)",
                                  {{"call", GetParam()}});
  ExpectMet(verdict);
  ExpectSays(verdict, "target",
             {.outcome = "failed", .call = GetParam(), .error = "ENOMEM", .binding = "none", .exit = 3});
}

INSTANTIATE_TEST_SUITE_P(NoLimit, UnmappedRange, testing::Values("mprotect", "mlock"),
                         [](const auto& test) { return test.param; });

// A failing call is evidence, not yet a failure.
TEST_F(NoLimit, EndsAProgramThatGoesOnWithLess) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, probe, size=128M], rlimits: {as: 100MiB}}}
cases: {case: {expect: {target: {outcome: survived, failure: {call: mmap, errno: ENOMEM}, exit: 0}}}}
)");
  ExpectMet(verdict);
  ExpectSays(verdict, "target",
             {.outcome = "survived", .call = "mmap", .error = "ENOMEM", .binding = "RLIMIT_AS", .exit = 0});
  EXPECT_EQ(CountFailures(verdict, "target", "mmap", "ENOMEM"), 1U);
}

}  // namespace
}  // namespace brink::live
