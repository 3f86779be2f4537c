// SPDX-License-Identifier: MIT
// vm.max_map_count, by every call that meets it. Each has its control under the machine's usual limit.
#include <gmock/gmock.h>

#include "live_case.h"

namespace brink::live {
namespace {

constexpr std::uint64_t kLimit = 5000;
/// A call that needs two mappings more, or keeps a reserve (mremap: mm/mremap.c, move_vma), fails a little
/// below the limit; mmap is allowed one above it.
constexpr Range kAtTheLimit{.min = kLimit - 6, .max = kLimit + 1};

struct Splitter {
  std::string call;
  std::string error;
};

class Splitting : public LiveCase, public testing::WithParamInterface<Splitter> {};

TEST_P(Splitting, FailsAtTheLimitAndNotBelowIt) {
  const auto& [call, error] = GetParam();
  ExpectFaultAndControl(
      {.shared = "processes: {target: {run: [victim, split, call=" + call + ", count=8000]}}",
       .fault = "machine: {sysctl: {vm.max_map_count: 5000}}",
       .control = ""},
      {.outcome = "failed",
       .call = call,
       .error = error,
       .binding = "vm.max_map_count",
       .limit = kLimit,
       .use = kAtTheLimit,
       .exit = 3,
       .killed_by = ""});
}

// A madvise that splits says EAGAIN at the limit (mm/madvise.c maps ENOMEM to it).
INSTANTIATE_TEST_SUITE_P(MappingLimit, Splitting,
                         testing::Values(Splitter{"munmap", "ENOMEM"}, Splitter{"mprotect", "ENOMEM"},
                                         Splitter{"mlock", "ENOMEM"}, Splitter{"madvise", "EAGAIN"}),
                         [](const auto& test) { return test.param.call; });

class Mapping : public LiveCase, public testing::WithParamInterface<std::pair<std::string, std::string>> {};

TEST_P(Mapping, FailsAtTheLimitAndNotBelowIt) {
  const auto& [mode, call] = GetParam();
  ExpectFaultAndControl({.shared = "processes: {target: {run: [victim, " + mode + ", count=8000]}}",
                         .fault = "machine: {sysctl: {vm.max_map_count: 5000}}",
                         .control = ""},
                        {.outcome = "failed",
                         .call = call,
                         .error = "ENOMEM",
                         .binding = "vm.max_map_count",
                         .limit = kLimit,
                         .use = kAtTheLimit,
                         .exit = 3});
}

INSTANTIATE_TEST_SUITE_P(MappingLimit, Mapping,
                         testing::Values(std::pair("map-many", "mmap"), std::pair("map-fixed", "mmap"),
                                         std::pair("remap", "mremap")),
                         [](const auto& test) {
                           std::string name = test.param.first;
                           std::erase(name, '-');
                           return name;
                         });

class MappingLimit : public LiveCase {};

// The heap fails by a break that does not move: the system call itself reports no error.
TEST_F(MappingLimit, StopsTheHeapToo) {
  const Verdict verdict = RunCase(R"(
machine: {sysctl: {vm.max_map_count: 5000}}
processes: {target: {run: [victim, brk-at-limit]}}
cases: {case: {expect: {target: {failure: {call: brk, errno: ENOMEM}, binding_limit: vm.max_map_count}}}}
)");
  ExpectMet(verdict);
  ExpectSays(verdict, "target",
             {.outcome = "failed", .binding = "vm.max_map_count", .limit = kLimit, .exit = 3});
  EXPECT_EQ(CountFailures(verdict, "target", "brk", "ENOMEM"), 1U);
  EXPECT_EQ(CountFailures(verdict, "target", "mmap", "ENOMEM"), 1U);
}

// The incident: what fails first is giving memory back.
TEST_F(MappingLimit, FailsFreeingFirstAndAllocationAfterIt) {
  const Verdict verdict = RunCase(R"(
machine: {sysctl: {vm.max_map_count: 5000}}
processes: {target: {run: [victim, chain]}}
cases:
  case: {expect: {target: {failure: {call: munmap, errno: ENOMEM}, log: "then malloc worked, malloc failed"}}}
)");
  ExpectMet(verdict);
  ExpectSays(
      verdict, "target",
      {.outcome = "failed", .call = "munmap", .error = "ENOMEM", .binding = "vm.max_map_count", .exit = 3});
  EXPECT_GE(CountFailures(verdict, "target", "mmap", "ENOMEM"), 1U);
}

// The stack is named while its process lives.
TEST_F(MappingLimit, IsMetInANamedFunction) {
  const Verdict verdict = RunCase(R"(
machine: {sysctl: {vm.max_map_count: 5000}}
processes: {target: {run: [victim, chain], env: {VICTIM_STAYS: "1"}}}
steps: [{wait: {log: {process: target, pattern: staying}}, timeout: 10s}]
cases: {case: {expect: {target: {outcome: survived, failure: {call: munmap}}}}}
)");
  ExpectMet(verdict);
  ASSERT_TRUE(verdict.first_failure);
  EXPECT_THAT(verdict.first_failure->stack, testing::AllOf(testing::Contains(testing::HasSubstr("munmap")),
                                                           testing::Contains(testing::HasSubstr("main"))));
}

// pthread_create says EAGAIN; below it the stack's mmap or mprotect failed with ENOMEM.
TEST_F(MappingLimit, StopsThreadsByTheirStacks) {
  const Verdict fault = ExpectFaultAndControl(
      {.shared = "processes: {target: {run: [victim, threads, count=3000]}}",
       .fault = "machine: {sysctl: {vm.max_map_count: 3000}}",
       .control = ""},
      {.outcome = "failed", .error = "ENOMEM", .binding = "vm.max_map_count", .limit = 3000, .exit = 3});
  EXPECT_THAT(fault.first_failure->call, testing::AnyOf("mmap", "mprotect"));
  EXPECT_THAT(fault.reason, testing::HasSubstr("pthread_create failed: EAGAIN"));
}

}  // namespace
}  // namespace brink::live
