// SPDX-License-Identifier: MIT
// RLIMIT_MEMLOCK, RLIMIT_AS, RLIMIT_DATA and RLIMIT_STACK.
#include "base/units.h"
#include "live_case.h"

namespace brink::live {
namespace {

class MemlockLimit : public LiveCase {};

TEST_F(MemlockLimit, StopsMlockOfAnOrdinaryUserAndNotOfRoot) {
  ExpectFaultAndControl(
      {.shared = "processes: {target: {run: [victim, lock, total=1M], rlimits: {memlock: 256KiB}}}",
       .fault = "processes: {target: {user: nobody}}",
       .control = ""},
      {.outcome = "failed",
       .call = "mlock",
       .error = "ENOMEM",
       .binding = "RLIMIT_MEMLOCK",
       .limit = 256 << 10,
       .use = {.min = 256 << 10, .max = 256 << 10},
       .exit = 3});
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
  ExpectFaultAndControl(
      {.shared = "processes: {target: {run: [victim, lock-all], rlimits: {memlock: 1MiB}}}",
       .fault = "processes: {target: {user: nobody}}",
       .control = ""},
      {.outcome = "failed", .call = "mlockall", .binding = "RLIMIT_MEMLOCK", .limit = kMiB, .exit = 3});
}

TEST_F(MemlockLimit, MakesALockedMmapSayEagain) {
  ExpectFaultAndControl({.shared = "processes: {target: {run: [victim, map-locked, size=1M], user: nobody}}",
                         .fault = "processes: {target: {rlimits: {memlock: 256KiB}}}",
                         .control = "processes: {target: {rlimits: {memlock: 4MiB}}}"},
                        {.outcome = "failed",
                         .call = "mmap",
                         .error = "EAGAIN",
                         .binding = "RLIMIT_MEMLOCK",
                         .limit = 256 << 10,
                         .exit = 3});
}

class AddressSpaceLimit : public LiveCase {};

TEST_F(AddressSpaceLimit, StopsMmap) {
  ExpectFaultAndControl(
      {.shared = "processes: {target: {run: [victim, grow, how=mmap-readonly, chunk=1M, total=512M]}}",
       .fault = "processes: {target: {rlimits: {as: 256MiB}}}",
       .control = "processes: {target: {rlimits: {as: 1GiB}}}"},
      {.outcome = "failed",
       .call = "mmap",
       .binding = "RLIMIT_AS",
       .limit = 256 * kMiB,
       .use = {.min = 254.0 * kMiB, .max = 256.0 * kMiB},
       .exit = 3});
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
  ExpectFaultAndControl(
      {.shared = "processes: {target: {run: [victim, grow, how=brk, chunk=1M, total=128M]}}",
       .fault = "processes: {target: {rlimits: {data: 64MiB}}}",
       .control = "processes: {target: {rlimits: {data: 256MiB}}}"},
      {.outcome = "failed",
       .call = "brk",
       .binding = "RLIMIT_DATA",
       .limit = 64 * kMiB,
       .use = {.min = 62.0 * kMiB, .max = 64.0 * kMiB},
       .exit = 3});
}

// Private writable mappings are data (mm/mmap.c, may_expand_vm); read-only ones are not.
TEST_F(DataLimit, StopsWritableMappingsOnly) {
  ExpectFaultAndControl(
      {.shared = "processes: {target: {run: [victim, grow, how=mmap, chunk=1M, total=128M], "
                 "rlimits: {data: 64MiB}}}",
       .fault = "",
       .control = "processes: {target: {run: [victim, grow, how=mmap-readonly, chunk=1M, total=128M]}}"},
      {.outcome = "failed", .call = "mmap", .binding = "RLIMIT_DATA", .limit = 64 * kMiB, .exit = 3});
}

class StackLimit : public LiveCase {};

// No call fails: the fault handler finds no room and sends SIGSEGV.
TEST_F(StackLimit, EndsADeepRecursion) {
  ExpectFaultAndControl({.shared = "processes: {target: {run: [victim, stack, size=16M]}}",
                         .fault = "processes: {target: {rlimits: {stack: 1MiB}}}",
                         .control = "processes: {target: {rlimits: {stack: 64MiB}}}"},
                        {.outcome = "failed",
                         .call = "page_fault",
                         .error = "ENOMEM",
                         .binding = "RLIMIT_STACK",
                         .limit = kMiB,
                         .signal = 11,
                         .killed_by = "self"});
}

}  // namespace
}  // namespace brink::live
