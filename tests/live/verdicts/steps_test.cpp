// SPDX-License-Identifier: MIT
// Readiness and steps: what is done to targets while they run.
#include <gmock/gmock.h>

#include "base/units.h"
#include "live_case.h"

namespace brink::live {
namespace {

class Readiness : public LiveCase {};

TEST_F(Readiness, IsAPortThatAcceptsConnections) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, listen, "port=${port}"], ready: {tcp: "${port}"}}}
steps: [{wait: {tcp: "${port}"}, timeout: 5s}]
cases: {case: {expect: {target: {outcome: survived, no_failures: true}}}}
)");
  ExpectMet(verdict);
}

TEST_F(Readiness, IsACommandThatSucceeds) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, pid-file, "file=${dir}/pid"], ready: {exec: [test, -s, "${dir}/pid"]}}}
steps: [{as: look, run: [cat, "${dir}/pid"], expect: {exit: 0, output: "^[0-9]+$"}}]
cases: {case: {expect: {target: {outcome: survived}, look: {exit: 0}}}}
)");
  ExpectMet(verdict);
}

// Three processes start one after the other, each once the one before it is ready.
TEST_F(Readiness, OrdersProcesses) {
  const Verdict verdict = RunCase(R"(
processes:
  first: {run: [victim, pid-file, "file=${dir}/first"], ready: {log: ready}}
  second: {run: [cat, "${dir}/first"], ready: {log: "^[0-9]+$"}}
  third: {run: [victim, exit]}
steps: [{wait: {exit: third}}]
cases: {case: {expect: {first: {outcome: survived}, second: {exit: 0}, third: {exit: 0}}}}
)");
  ExpectMet(verdict);
}

TEST_F(Readiness, ThatNeverComesIsNoSuccess) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, hang], ready: {log: "will not come", timeout: 300ms}}}
steps: [{wait: {time: 10ms}}]
cases: {case: {expect: {target: {outcome: survived}}}}
)");
  EXPECT_EQ(verdict.expected_met, std::optional(false)) << verdict.reason;
  EXPECT_THAT(verdict.reason, testing::HasSubstr("ready"));
}

class Step : public LiveCase {};

TEST_F(Step, SendsSignalsAndWaitsForTheAnswer) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, signals], ready: {log: ready}}}
steps:
  - {signal: {target: SIGUSR1}}
  - {wait: {log: {process: target, pattern: "got signal 10"}}, timeout: 5s}
  - {signal: {target: SIGHUP}}
  - {wait: {log: {process: target, pattern: "got signal 1$"}}, timeout: 5s}
  - {stop: target}
cases: {case: {expect: {target: {outcome: survived, exit: 0, log: ["got signal 10", "got signal 15"], log_absent: "got signal 12"}}}}
)");
  ExpectMet(verdict);
  ExpectSays(verdict, "target", {.outcome = "survived", .call = "none", .exit = 0, .killed_by = ""});
}

/// The shell ends at once and passes nothing on; the loop behind it would go on for ever.
TEST_F(Step, StopsWhatAShellHasStartedTooAndInOrder) {
  const Verdict verdict = RunCase(R"(
processes:
  target:
    run: [sh, -c, "sh -c 'trap \"echo tidied up >&2; exit 0\" TERM; echo up >&2; while :; do sleep 0.02; done' | cat"]
    ready: {log: up}
steps:
  - {stop: target}
  - {wait: {log: {process: target, pattern: tidied up}}, timeout: 5s}
cases: {case: {expect: {target: {outcome: survived, signal: SIGTERM, log: tidied up}}}}
)");
  ExpectMet(verdict);
  EXPECT_EQ(verdict.processes.at("target").left_running_count, 0U);
}

TEST_F(Step, KillsWhatAStoppedProcessHasStartedAndWillNotEnd) {
  const Verdict verdict = RunCase(R"(
processes:
  target:
    run: [sh, -c, "sh -c 'trap \"\" TERM; echo up; while :; do sleep 0.02; done' | cat"]
    ready: {log: up}
    stop: {timeout: 300ms}
steps:
  - {stop: target}
cases: {case: {expect: {target: {outcome: survived, signal: SIGTERM}}}}
)");
  ExpectMet(verdict);
  EXPECT_EQ(verdict.processes.at("target").left_running_count, 0U);
}

TEST_F(Step, SendsNoSignalToWhoeverHasTheNumberOfADeadChild) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, reborn], ready: {log: "snapshot taken"}, children: {snapshot: {title: snapshot}}}}
steps:
  - {wait: {mappings: {process: snapshot, above: 1}}, timeout: 5s}
  - {signal: {target: SIGUSR1}}
  - {wait: {log: {process: target, pattern: "number used again"}}, timeout: 5s}
  - {signal: {snapshot: SIGKILL}}
  - {stop: target}
cases: {case: {expect: {target: {outcome: survived}}}}
)");
  EXPECT_THAT(verdict.expectations,
              testing::Contains(testing::AllOf(
                  testing::Field(&ExpectationResult::found, testing::HasSubstr("snapshot is not running")),
                  testing::Field(&ExpectationResult::met, std::optional(false)))));
  EXPECT_EQ(verdict.processes.at("target").exit_code, 0) << "the other process was hit";
}

TEST_F(Step, StartsAProcessAgain) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [sh, -c, "echo once >> ${dir}/starts"], start: manual}}
steps:
  - {start: target}
  - {wait: {exit: target}}
  - {start: target}
  - {wait: {exit: target}}
  - {as: count, run: [wc, -l, "${dir}/starts"], expect: {output: "^2 "}}
cases: {case: {expect: {target: {outcome: survived, exit: 0}, count: {exit: 0}}}}
)");
  ExpectMet(verdict);
}

/// The target waits with its limits as the scenario has them; a step changes one; then it begins.
std::string Changing(const std::string& mode, const std::string& limits, const std::string& change) {
  return R"(
processes:
  target: {run: [victim, )" +
         mode + R"(], env: {VICTIM_WAITS: "1"}, ready: {log: waiting}, )" + limits + R"(}
steps:
  - )" + change +
         R"(
  - {signal: {target: SIGUSR1}}
  - {wait: {exit: target}}
)";
}

TEST_F(Step, SetsTheLimitOfARunningGroup) {
  const Verdict verdict =
      RunCase(Changing("touch, size=96M", "cgroup: {memory.max: 192MiB}",
                       "{set: {target: {cgroup: {memory.max: 64MiB}}}}") +
              "cases: {case: {expect: {target: {outcome: oom_killed, binding_limit: memory.max}}}}\n");
  ExpectMet(verdict);
  ExpectSays(verdict, "target", {.outcome = "oom_killed", .binding = "memory.max", .limit = 64 * kMiB});
}

TEST_F(Step, RaisesTheLimitOfARunningGroup) {
  const Verdict verdict = RunCase(Changing("touch, size=96M", "cgroup: {memory.max: 64MiB}",
                                           "{set: {target: {cgroup: {memory.max: 192MiB}}}}") +
                                  "cases: {case: {expect: {target: {outcome: survived, exit: 0}}}}\n");
  ExpectMet(verdict);
}

TEST_F(Step, SetsTheRlimitOfARunningProcess) {
  const Verdict verdict = RunCase(
      Changing("grow, how=mmap-readonly, total=512M", "nice: 5", "{set: {target: {rlimits: {as: 128MiB}}}}") +
      "cases: {case: {expect: {target: {outcome: failed, binding_limit: RLIMIT_AS}}}}\n");
  ExpectMet(verdict);
  ExpectSays(verdict, "target",
             {.outcome = "failed", .binding = "RLIMIT_AS", .limit = 128 * kMiB, .exit = 3});
}

TEST_F(Step, SetsTheScoreOfARunningProcess) {
  const Verdict verdict = RunCase(
      Changing("touch, size=96M", "cgroup: {memory.max: 64MiB}", "{set: {target: {oom_score_adj: 777}}}") +
      "cases: {case: {expect: {target: {outcome: oom_killed}}}}\n");
  ExpectMet(verdict);
  ASSERT_EQ(verdict.oom_kills.size(), 1U);
  EXPECT_EQ(verdict.oom_kills.front().oom_score_adj, 777);
}

TEST_F(Step, SetsTheMachine) {
  const Verdict verdict = RunCase(
      "\nmachine: {sysctl: {vm.max_map_count: 60000}}" +
      Changing("split, call=munmap", "nice: 5", "{set: {machine: {sysctl: {vm.max_map_count: 5000}}}}") +
      "cases: {case: {expect: {target: {outcome: failed, binding_limit: vm.max_map_count}}}}\n");
  ExpectMet(verdict);
  ExpectSays(verdict, "target", {.outcome = "failed", .binding = "vm.max_map_count", .limit = 5000});
}

TEST_F(Step, SqueezesMemory) {
  const Verdict verdict =
      RunCase(Changing("touch, size=96M", "cgroup: {memory.max: 256MiB}",
                       "{squeeze: {target: {memory.max: {to: 64MiB, by: 32MiB, every: 10ms}}}}") +
              "cases: {case: {expect: {target: {outcome: oom_killed, binding_limit: memory.max}}}}\n");
  ExpectMet(verdict);
  ExpectSays(verdict, "target", {.outcome = "oom_killed", .binding = "memory.max", .limit = 64 * kMiB});
}

TEST_F(Step, ASqueezeThatTheKernelRefusesIsInconclusive) {
  if (TheGround().session->Host().cgroup_version != "v1") {
    GTEST_SKIP() << "cgroup v1 only refuses a limit below what is in use; v2 kills";
  }
  const Verdict verdict = RunCase(R"(
processes:
  target: {run: [victim, touch, size=60M], env: {VICTIM_STAYS: "1"}, cgroup: {memory.max: 200MiB}}
steps:
  - {wait: {memory: {process: target, above: 50MiB}}, timeout: 5s}
  - {squeeze: {target: {memory.max: {to: 10MiB, by: 40MiB, every: 10ms}}}}
cases: {case: {expect: {target: {outcome: survived}}}}
)");
  EXPECT_EQ(verdict.outcome, Outcome::kInconclusive);
  EXPECT_THAT(verdict.reason, testing::HasSubstr("of target is not in force"));
}

TEST_F(Step, WaitsForMappings) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, map-many, count=3000], env: {VICTIM_STAYS: "1"}}}
steps: [{wait: {mappings: {process: target, above: 2900}}, timeout: 5s}]
cases: {case: {expect: {target: {outcome: survived, peak_map_count: {min: 2900, max: 3200}}}}}
)");
  ExpectMet(verdict);
}

TEST_F(Step, WaitsForAShareOfMemory) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, touch, size=64M], env: {VICTIM_STAYS: "1"}, cgroup: {memory.max: 100MiB}}}
steps: [{wait: {memory: {process: target, above: 50%}}, timeout: 5s}]
cases: {case: {expect: {target: {outcome: survived, peak_memory: {min: 50MiB, max: 100MiB}}}}}
)");
  ExpectMet(verdict);
}

TEST_F(Step, RunsACommandBesideTheNextOnes) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, signals], ready: {log: ready}}}
steps:
  - {as: follower, run: [victim, signals], background: true, timeout: 300ms}
  - {as: quick, run: [victim, exit, code=7], expect: {exit: 7, output: "exiting with 7", time: 10s}}
cases: {case: {expect: {target: {outcome: survived}, quick: {exit: 7, output: "exiting"}}}}
)");
  // The command in the background never ends: that is reported, whatever the others did.
  EXPECT_EQ(verdict.expected_met, std::optional(false)) << verdict.reason;
}

TEST_F(Step, WhoseExpectationFailsIsReported) {
  auto verdicts = RunCases(R"(
processes: {target: {run: [victim, signals], ready: {log: ready}}}
cases:
  fault:
    steps: [{as: check, run: [victim, exit, code=4], expect: {exit: 0}}]
    expect: {target: {outcome: survived}}
  control:
    steps: [{as: check, run: [victim, exit, code=0], expect: {exit: 0}}]
    expect: {target: {outcome: survived}}
)");
  EXPECT_EQ(verdicts["fault"].expected_met, std::optional(false)) << verdicts["fault"].reason;
  ExpectMet(verdicts["control"]);
}

TEST_F(Step, ThatWaitsInVainIsReported) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, hang], ready: {log: hanging}}}
steps: [{wait: {log: {process: target, pattern: "will not come"}}, timeout: 200ms}]
cases: {case: {expect: {target: {outcome: survived}}}}
)");
  EXPECT_EQ(verdict.expected_met, std::optional(false)) << verdict.reason;
}

}  // namespace
}  // namespace brink::live
