// SPDX-License-Identifier: MIT
// RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_DATA and RLIMIT_STACK.
#include "live_case.h"

namespace brink::live {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20;

class MemlockLimit : public LiveCase {};

TEST_F(MemlockLimit, StopsMlockOfAnOrdinaryUserAndNotOfRoot) {
  auto verdicts = RunCases(R"(
processes:
  target: {run: [victim, lock, total=1M], rlimits: {memlock: 256KiB}}
cases:
  fault:
    processes: {target: {user: nobody}}
    expect: {target: {outcome: failed, failure: {call: mlock, errno: ENOMEM}, binding_limit: RLIMIT_MEMLOCK}}
  control:
    expect: {target: {outcome: survived, no_failures: true}}
)");
  ExpectMet(verdicts["fault"]);
  ExpectSays(verdicts["fault"], "target",
             {.outcome = "failed",
              .call = "mlock",
              .error = "ENOMEM",
              .binding = "RLIMIT_MEMLOCK",
              .limit = 256 << 10,
              .use = {.min = 256 << 10, .max = 256 << 10},
              .exit = 3});
  ExpectMet(verdicts["control"]);
}

TEST_F(MemlockLimit, OfNothingRefusesByPermission) {
  const Verdict verdict = RunCase(R"(
processes:
  target: {run: [victim, lock, total=64K], user: nobody, rlimits: {memlock: 0}}
cases: {case: {expect: {target: {failure: {call: mlock, errno: EPERM}, binding_limit: RLIMIT_MEMLOCK}}}}
)");
  ExpectMet(verdict);
  ExpectSays(verdict, "target", {.outcome = "failed", .binding = "RLIMIT_MEMLOCK", .limit = 0, .exit = 3});
}

TEST_F(MemlockLimit, StopsMlockallByTheWholeAddressSpace) {
  auto verdicts = RunCases(R"(
processes:
  target: {run: [victim, lock-all], user: nobody}
cases:
  fault:
    processes: {target: {rlimits: {memlock: 1MiB}}}
    expect: {target: {outcome: failed, failure: {call: mlockall, errno: ENOMEM}, binding_limit: RLIMIT_MEMLOCK}}
  control:
    processes: {target: {user: root, rlimits: {memlock: 1MiB}}}
    expect: {target: {outcome: survived, no_failures: true}}
)");
  ExpectMet(verdicts["fault"]);
  ExpectSays(verdicts["fault"], "target",
             {.outcome = "failed", .binding = "RLIMIT_MEMLOCK", .limit = kMiB, .exit = 3});
  ExpectMet(verdicts["control"]);
}

TEST_F(MemlockLimit, MakesALockedMmapSayEagain) {
  auto verdicts = RunCases(R"(
processes:
  target: {run: [victim, map-locked, size=1M], user: nobody}
cases:
  fault:
    processes: {target: {rlimits: {memlock: 256KiB}}}
    expect: {target: {outcome: failed, failure: {call: mmap, errno: EAGAIN}, binding_limit: RLIMIT_MEMLOCK}}
  control:
    processes: {target: {rlimits: {memlock: 4MiB}}}
    expect: {target: {outcome: survived, no_failures: true}}
)");
  ExpectMet(verdicts["fault"]);
  ExpectSays(verdicts["fault"], "target",
             {.outcome = "failed", .binding = "RLIMIT_MEMLOCK", .limit = 256 << 10, .exit = 3});
  ExpectMet(verdicts["control"]);
}

class AddressSpaceLimit : public LiveCase {};

TEST_F(AddressSpaceLimit, StopsMmap) {
  auto verdicts = RunCases(R"(
processes:
  target: {run: [victim, grow, how=mmap-readonly, chunk=1M, total=512M]}
cases:
  fault:
    processes: {target: {rlimits: {as: 256MiB}}}
    expect: {target: {outcome: failed, failure: {call: mmap, errno: ENOMEM}, binding_limit: RLIMIT_AS}}
  control:
    processes: {target: {rlimits: {as: 1GiB}}}
    expect: {target: {outcome: survived, no_failures: true}}
)");
  ExpectMet(verdicts["fault"]);
  ExpectSays(verdicts["fault"], "target",
             {.outcome = "failed",
              .binding = "RLIMIT_AS",
              .limit = 256 * kMiB,
              .use = {.min = 254.0 * kMiB, .max = 256.0 * kMiB},
              .exit = 3});
  ExpectMet(verdicts["control"]);
}

// malloc tries the heap first, then a mapping: both fail.
TEST_F(AddressSpaceLimit, StopsMallocByHeapAndByMapping) {
  const Verdict verdict = RunCase(R"(
processes:
  target: {run: [victim, grow, how=malloc, chunk=64K, total=512M], rlimits: {as: 128MiB}}
cases: {case: {expect: {target: {outcome: failed, failure: {errno: ENOMEM}, binding_limit: RLIMIT_AS}}}}
)");
  ExpectMet(verdict);
  ExpectSays(verdict, "target",
             {.outcome = "failed", .call = "brk", .error = "ENOMEM", .binding = "RLIMIT_AS"});
  EXPECT_GE(CountFailures(verdict, "target", "mmap", "ENOMEM"), 1U);
}

// The look-alike: both limits are there, the message is the same, and the figures tell them apart.
TEST_F(AddressSpaceLimit, IsToldFromTheMappingLimit) {
  auto verdicts = RunCases(R"(
machine: {sysctl: {vm.max_map_count: 5000}}
processes:
  target: {run: [victim, map-many], rlimits: {as: 256MiB}}
cases:
  mappings:
    expect: {target: {failure: {call: mmap, errno: ENOMEM}, binding_limit: vm.max_map_count}}
  bytes:
    processes: {target: {run: [victim, grow, how=mmap-readonly, chunk=1M, total=512M]}}
    expect: {target: {failure: {call: mmap, errno: ENOMEM}, binding_limit: RLIMIT_AS}}
)");
  ExpectMet(verdicts["mappings"]);
  ExpectMet(verdicts["bytes"]);
}

class DataLimit : public LiveCase {};

TEST_F(DataLimit, StopsTheHeap) {
  auto verdicts = RunCases(R"(
processes:
  target: {run: [victim, grow, how=brk, chunk=1M, total=128M]}
cases:
  fault:
    processes: {target: {rlimits: {data: 64MiB}}}
    expect: {target: {outcome: failed, failure: {call: brk, errno: ENOMEM}, binding_limit: RLIMIT_DATA}}
  control:
    processes: {target: {rlimits: {data: 256MiB}}}
    expect: {target: {outcome: survived, no_failures: true}}
)");
  ExpectMet(verdicts["fault"]);
  ExpectSays(verdicts["fault"], "target",
             {.outcome = "failed",
              .binding = "RLIMIT_DATA",
              .limit = 64 * kMiB,
              .use = {.min = 62.0 * kMiB, .max = 64.0 * kMiB},
              .exit = 3});
  ExpectMet(verdicts["control"]);
}

// Private writable mappings are data (mm/mmap.c, may_expand_vm); read-only ones are not.
TEST_F(DataLimit, StopsWritableMappingsOnly) {
  auto verdicts = RunCases(R"(
processes:
  target: {run: [victim, grow, how=mmap, chunk=1M, total=128M], rlimits: {data: 64MiB}}
cases:
  fault:
    expect: {target: {outcome: failed, failure: {call: mmap, errno: ENOMEM}, binding_limit: RLIMIT_DATA}}
  control:
    processes: {target: {run: [victim, grow, how=mmap-readonly, chunk=1M, total=128M]}}
    expect: {target: {outcome: survived, no_failures: true}}
)");
  ExpectMet(verdicts["fault"]);
  ExpectSays(verdicts["fault"], "target",
             {.outcome = "failed", .binding = "RLIMIT_DATA", .limit = 64 * kMiB});
  ExpectMet(verdicts["control"]);
}

class StackLimit : public LiveCase {};

// No call fails: the fault handler finds no room and sends SIGSEGV.
TEST_F(StackLimit, EndsADeepRecursion) {
  auto verdicts = RunCases(R"(
processes:
  target: {run: [victim, stack, size=16M]}
cases:
  fault:
    processes: {target: {rlimits: {stack: 1MiB}}}
    expect: {target: {outcome: failed, signal: SIGSEGV, killed_by: self, failure: {call: page_fault},
                      binding_limit: RLIMIT_STACK}}
  control:
    processes: {target: {rlimits: {stack: 64MiB}}}
    expect: {target: {outcome: survived, no_failures: true}}
)");
  ExpectMet(verdicts["fault"]);
  ExpectSays(verdicts["fault"], "target",
             {.outcome = "failed",
              .call = "page_fault",
              .error = "ENOMEM",
              .binding = "RLIMIT_STACK",
              .limit = kMiB,
              .signal = 11,
              .killed_by = "self"});
  ExpectMet(verdicts["control"]);
}

}  // namespace
}  // namespace brink::live
