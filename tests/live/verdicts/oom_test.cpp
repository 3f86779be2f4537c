// SPDX-License-Identifier: MIT
// The memory cgroup's OOM killer: who was killed, by which limit, and who lived on.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "base/units.h"
#include "live_case.h"

namespace brink::live {
namespace {

/// Exactly one kill by a memory cgroup, of the process or child of that name.
const OomKill* ExpectOneKill(const Verdict& verdict, const std::string& name) {
  EXPECT_EQ(verdict.oom_kills.size(), 1U);
  if (verdict.oom_kills.empty()) {
    return nullptr;
  }
  const OomKill& kill = verdict.oom_kills.front();
  EXPECT_EQ(kill.process, name);
  EXPECT_EQ(kill.scope, "memcg");
  EXPECT_THAT(kill.cgroup, testing::HasSubstr("brink-"));
  return &kill;
}

class OutOfMemory : public LiveCase {};

TEST_F(OutOfMemory, KillsWhatGrowsBeyondItsGroup) {
  auto verdicts = RunCases(R"(
processes:
  target: {run: [victim, touch, size=96M], oom_score_adj: 300}
cases:
  fault:
    processes: {target: {cgroup: {memory.max: 64MiB}}}
    expect: {target: {outcome: oom_killed, killed_by: "oom:memcg", oom_scope: memcg, binding_limit: memory.max}}
  control:
    processes: {target: {cgroup: {memory.max: 192MiB}}}
    expect: {target: {outcome: survived, no_failures: true, peak_memory: {min: 96MiB, max: 192MiB}}}
)");
  ExpectMet(verdicts["fault"]);
  ExpectSays(verdicts["fault"], "target",
             {.outcome = "oom_killed",
              .call = "none",
              .binding = "memory.max",
              .limit = 64 * kMiB,
              .use = {.min = 60.0 * kMiB, .max = 64.0 * kMiB},
              .signal = 9,
              .killed_by = "oom:memcg"});
  if (const OomKill* kill = ExpectOneKill(verdicts["fault"], "target"); kill != nullptr) {
    EXPECT_EQ(kill->oom_score_adj, 300);
    EXPECT_EQ(kill->comm, "victim");
    EXPECT_GT(kill->anon_rss_bytes, 50 * kMiB);
  }
  EXPECT_EQ(verdicts["fault"].outcome, Outcome::kOomKilled);
  ExpectMet(verdicts["control"]);
}

// A thread that is in mlock when the OOM killer takes its process may have its call fail with EAGAIN, which
// nobody ever sees. It was so in a quarter of the processes here.
TEST_F(OutOfMemory, WhatFailsInAProcessThatIsBeingKilledIsNoFailureOfIts) {
  constexpr int kTargets = 12;
  std::string processes;
  std::string expect;
  for (int i = 0; i < kTargets; ++i) {
    processes += fmt::format(
        "  target{}: {{run: [victim, lock, total=64M, threads=8], cgroup: {{memory.max: 32MiB}}}}\n", i);
    expect += fmt::format("      target{}: {{outcome: oom_killed, no_failures: true}}\n", i);
  }
  auto verdicts = RunCases("\nprocesses:\n" + processes + "cases:\n  case:\n    expect:\n" + expect);
  ExpectMet(verdicts["case"]);
  EXPECT_EQ(verdicts["case"].oom_kills.size(), kTargets);
}

/// A descendant grows, named by its comm; the target waits for it and reports.
constexpr const char* kDescendant = R"(
parameters: {depth: "1", orphan: "0"}
processes:
  target:
    run: [victim, descendant, "depth=${depth}", "orphan=${orphan}", size=96M]
    cgroup: {memory.max: 64MiB}
    children: {worker: {title: descendant}}
cases:
  case:
    expect:
      target: {outcome: survived, exit: 0}
      worker: {outcome: oom_killed, killed_by: "oom:memcg", binding_limit: memory.max}
)";

struct Family {
  std::string name;
  std::string depth;
  std::string orphan;
};

class Descendants : public LiveCase, public testing::WithParamInterface<Family> {};

TEST_P(Descendants, AreToldFromTheirParents) {
  const Verdict verdict = RunCase(kDescendant, {{"depth", GetParam().depth}, {"orphan", GetParam().orphan}});
  ExpectMet(verdict);
  ExpectSays(verdict, "target", {.outcome = "survived", .exit = 0, .killed_by = ""});
  ExpectSays(verdict, "worker",
             {.outcome = "oom_killed", .binding = "memory.max", .limit = 64 * kMiB, .signal = 9});
  ExpectOneKill(verdict, "worker");
}

INSTANTIATE_TEST_SUITE_P(OutOfMemory, Descendants,
                         testing::Values(Family{"Child", "1", "0"}, Family{"Grandchild", "2", "0"},
                                         Family{"DoubleForkedGrandchild", "2", "1"}),
                         [](const auto& test) { return test.param.name; });

// The parent exits with 137 as a shell does; it was not killed, its child was.
TEST_F(OutOfMemory, OfAChildIsToldFromTheParentsExitWith137) {
  const Verdict verdict = RunCase(R"(
processes:
  target:
    run: [victim, descendant, size=96M, exit=137]
    cgroup: {memory.max: 64MiB}
    children: {worker: {title: descendant}}
cases: {case: {expect: {target: {outcome: failed, exit: 137}, worker: {outcome: oom_killed}}}}
)");
  ExpectMet(verdict);
  ExpectSays(verdict, "target", {.outcome = "failed", .exit = 137, .killed_by = ""});
  ExpectSays(verdict, "worker", {.outcome = "oom_killed", .signal = 9});
}

// The helper holds more than 10,000 pages: a dying process gives its last ones back only after the kernel has
// ticked it off (mm/mmap.c exit_mmap, mm/mmu_gather.c MAX_GATHER_BATCH_COUNT), and beside a small victim a
// second one may be taken.
TEST_F(OutOfMemory, TakesTheOneWithTheHigherScoreThoughItIsSmaller) {
  auto verdicts = RunCases(R"(
parameters: {adj: "1000"}
processes:
  target:
    run: [victim, pair, helper=64M, size=112M, "adj=${adj}"]
    cgroup: {memory.max: 160MiB}
    children: {helper: {title: helper}}
cases:
  fault:
    expect: {target: {outcome: survived, exit: 0, log: "helper was killed"}, helper: {outcome: oom_killed}}
  control:
    parameters: {adj: "0"}
    expect: {target: {outcome: oom_killed}}
)");
  ExpectMet(verdicts["fault"]);
  ExpectSays(verdicts["fault"], "helper", {.outcome = "oom_killed", .killed_by = "oom:memcg"});
  if (const OomKill* kill = ExpectOneKill(verdicts["fault"], "helper"); kill != nullptr) {
    EXPECT_EQ(kill->oom_score_adj, 1000);
    EXPECT_EQ(kill->invoker_comm, "victim");
  }
  ExpectMet(verdicts["control"]);
  ExpectOneKill(verdicts["control"], "target");
}

// Two processes of the plan in one group: the small one is preferred as victim.
TEST_F(OutOfMemory, InASharedGroupFollowsOomScoreAdj) {
  const Verdict verdict = RunCase(R"(
groups: {shared: {memory.max: 96MiB}}
processes:
  primary: {run: [victim, touch, size=64M], cgroup: {group: shared}, start: manual}
  helper:
    run: [victim, touch, size=48M]
    env: {VICTIM_STAYS: "1"}
    cgroup: {group: shared}
    oom_score_adj: 900
    ready: {log: staying, timeout: 10s}
steps: [{start: primary}, {wait: {exit: primary}}]
cases: {case: {expect: {primary: {outcome: survived, exit: 0}, helper: {outcome: oom_killed}}}}
)");
  ExpectMet(verdict);
  ExpectSays(verdict, "helper",
             {.outcome = "oom_killed", .binding = "memory.max", .limit = 96 * kMiB, .signal = 9});
  ExpectSays(verdict, "primary", {.outcome = "survived", .exit = 0, .killed_by = ""});
  ExpectOneKill(verdict, "helper");
}

TEST_F(OutOfMemory, CountsSharedMemoryThatNobodyMaps) {
  auto verdicts = RunCases(R"(
processes:
  target: {run: [victim, shm, how=write, size=96M], cgroup: {memory.max: 64MiB}}
cases:
  fault:
    expect: {target: {outcome: oom_killed, binding_limit: memory.max}}
  control:
    processes: {target: {cgroup: {memory.max: 192MiB}}}
    expect: {target: {outcome: survived}}
)");
  ExpectMet(verdicts["fault"]);
  if (const OomKill* kill = ExpectOneKill(verdicts["fault"], "target"); kill != nullptr) {
    EXPECT_LT(kill->anon_rss_bytes, 8 * kMiB);
    EXPECT_LT(kill->shmem_rss_bytes, 8 * kMiB);
  }
  ExpectMet(verdicts["control"]);
}

TEST_F(OutOfMemory, CountsSharedMemoryThatIsMapped) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, shm, how=map, size=96M], cgroup: {memory.max: 64MiB}}}
cases: {case: {expect: {target: {outcome: oom_killed, binding_limit: memory.max}}}}
)");
  ExpectMet(verdict);
  if (const OomKill* kill = ExpectOneKill(verdict, "target"); kill != nullptr) {
    EXPECT_GT(kill->shmem_rss_bytes, 50 * kMiB);
  }
}

// The group is at its limit all the time, yet nobody need die: the kernel takes page cache back.
TEST_F(OutOfMemory, SparesPageCache) {
  const Verdict verdict = RunCase(R"(
processes:
  target: {run: [victim, page-cache, size=96M, "file=${dir}/cache"], cgroup: {memory.max: 32MiB}}
cases: {case: {expect: {target: {outcome: survived, exit: 0}}}}
)");
  ExpectMet(verdict);
  EXPECT_THAT(verdict.oom_kills, testing::IsEmpty());
}

TEST_F(OutOfMemory, FindsADaemonThatChangedItsName) {
  const Verdict verdict = RunCase(R"(
processes:
  target:
    run: [victim, daemonise, size=96M]
    cgroup: {memory.max: 64MiB}
    children: {daemon: {title: daemon}}
steps: [{wait: {exit: target}}, {wait: {exit: daemon}}]
cases: {case: {expect: {target: {outcome: survived, exit: 0}, daemon: {outcome: oom_killed}}}}
)");
  ExpectMet(verdict);
  ExpectOneKill(verdict, "daemon");
}

// v1 only: at the limit the process waits instead.
TEST_F(OutOfMemory, HangsWhereItsKillerIsDisabled) {
  if (TheGround().session->Host().cgroup_version != "v1") {
    GTEST_SKIP() << "memory.oom_kill_disable exists on cgroup v1 only";
  }
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, touch, size=96M], cgroup: {memory.max: 64MiB, memory.oom_kill_disable: 1}}}
timeout: 2s
cases: {case: {expect: {target: {outcome: hung, stalled: true}}}}
)");
  ExpectMet(verdict);
  ExpectSays(verdict, "target", {.outcome = "hung", .binding = "memory.max", .limit = 64 * kMiB});
  ASSERT_TRUE(verdict.processes.at("target").stall);
  EXPECT_GT(verdict.processes.at("target").stall->under_oom_s, 0);
  EXPECT_THAT(verdict.processes.at("target").reason, testing::HasSubstr("memory.max"));
}

}  // namespace
}  // namespace brink::live
