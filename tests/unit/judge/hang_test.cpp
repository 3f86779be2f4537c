// SPDX-License-Identifier: MIT
// What holds up a process that hung, and what then becomes of the case.
#include <gmock/gmock.h>

#include "base/units.h"
#include "judge/judge.h"
#include "server_case.h"

namespace brink::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

/// The server hung, and in state `state`; its worker, which the plan names, had been killed for memory.
Evidence HungAfterItsWorkerWasKilled(const std::string& state) {
  Evidence evidence = ServerEvidence(0);
  evidence.timed_out = true;
  evidence.duration_s = 10;
  ProcessRecord& server = evidence.processes.front();
  server.exit_code.reset();
  server.end_s.reset();
  server.alive_at_end = true;
  server.timed_out = true;
  server.state = state;
  ProcessRecord worker;
  worker.name = "worker";
  worker.kind = ProcessRecord::Kind::kChild;
  worker.parent = "server";
  worker.pid = 8;
  worker.started = true;
  worker.end_s = 0.5;
  worker.signal = 9;
  evidence.processes.push_back(worker);
  evidence.oom_kills = {{.process = "worker",
                         .pid = 8,
                         .comm = "worker",
                         .scope = "memcg",
                         .limit_bytes = 64 * kMiB,
                         .use_bytes = 64 * kMiB,
                         .t_s = 0.5}};
  return evidence;
}

TEST(Hang, OfAParentWhoseWorkerWasKilledIsTheCasesOutcomeWithThatForItsReason) {
  const Verdict verdict = Judge(ServerPlan(), HungAfterItsWorkerWasKilled("S"));
  EXPECT_EQ(verdict.outcome, Outcome::kHung);
  EXPECT_EQ(verdict.processes.at("worker").outcome, Outcome::kOomKilled);
  EXPECT_THAT(verdict.reason, HasSubstr("server: was alive when the timeout"));
  EXPECT_THAT(verdict.reason, HasSubstr("the OOM killer had taken its worker (pid 8 worker) at 0.50 s"));
  ASSERT_TRUE(verdict.binding_limit);
  EXPECT_EQ(verdict.binding_limit->name, "memory.max");
}

TEST(Hang, OfAParentThatRunsIsNotBlamedOnAKilledWorker) {
  const Verdict verdict = Judge(ServerPlan(), HungAfterItsWorkerWasKilled("R"));
  EXPECT_EQ(verdict.processes.at("server").outcome, Outcome::kHung);
  EXPECT_FALSE(verdict.processes.at("server").binding_limit);
  EXPECT_EQ(verdict.outcome, Outcome::kOomKilled);
  EXPECT_THAT(verdict.reason, HasSubstr("; server: was alive when the timeout"));
}

TEST(Hang, ThatAStepWaitedForNamesTheStepsTimeAndNotTheCases) {
  Evidence evidence = HungAfterItsWorkerWasKilled("S");
  evidence.timed_out = false;
  Plan plan = ServerPlan();
  StepPlan wait;
  wait.action = WaitStep{.process = "server"};
  wait.timeout_s = 2;
  plan.steps = {wait};
  StepRecord step;
  step.text = "wait until server is done";
  step.timed_out = true;
  evidence.steps = {step};
  EXPECT_THAT(Judge(plan, evidence).reason,
              HasSubstr("was alive when step 1 (\"wait until server is done\") ran out of its time of 2 s"));
}

TEST(Hang, WhereNothingIsExpectedSaysWhatWas) {
  const Verdict verdict = Judge(ServerPlan(), HungAfterItsWorkerWasKilled("S"));
  EXPECT_EQ(verdict.expected_met, false);
  ASSERT_EQ(verdict.expectations.size(), 1U);
  EXPECT_EQ(verdict.expectations.front().expected, "survived, as the file expects nothing else");
  EXPECT_EQ(verdict.expectations.front().found, "hung");
  EXPECT_TRUE(Judge(ServerPlan(), ServerEvidence(0)).expectations.empty());
}

TEST(Hang, BesideAnotherProcessThatFailedDoesNotDecideTheCase) {
  Evidence evidence = HungAfterItsWorkerWasKilled("S");
  ProcessRecord other = ServerEvidence(1).processes.front();
  other.name = "other";
  other.pid = 9;
  evidence.processes.push_back(other);
  EXPECT_EQ(Judge(ServerPlan(), evidence).outcome, Outcome::kFailed);
}

TEST(Hang, InAGroupWhoseOomKillerIsOffIsMeasured) {
  Evidence evidence = HungAfterItsWorkerWasKilled("D");
  evidence.processes.resize(1);
  evidence.oom_kills.clear();
  evidence.processes.front().under_oom = true;
  evidence.processes.front().under_oom_s = 9.5;
  GroupRecord group;
  group.name = "server";
  group.memory_limit_bytes = 64 * kMiB;
  group.peak_memory_bytes = 64 * kMiB;
  evidence.groups = {group};
  Plan plan = ServerPlan();
  plan.expect = {{.subject = "server", .outcome = {"hung"}, .stalled = true}};
  const Verdict verdict = Judge(plan, evidence);
  EXPECT_EQ(verdict.expected_met, true);
  EXPECT_EQ(verdict.outcome, Outcome::kHung);
  ASSERT_TRUE(verdict.processes.at("server").stall);
  EXPECT_EQ(verdict.processes.at("server").stall->under_oom_s, 9.5);
  EXPECT_THAT(verdict.reason,
              HasSubstr("64 MiB of 64 MiB (memory.max): its group was held up: for 9.50 s of 10.00 s it was "
                        "out of memory with its OOM killer off"));
  // Relieved in time, it was held up all the same.
  evidence.processes.front() = ServerEvidence(0).processes.front();
  evidence.processes.front().end_s = 9.9;
  evidence.processes.front().under_oom_s = 9.5;
  EXPECT_EQ(Judge(ServerPlan(), evidence).outcome, Outcome::kSurvived);
  EXPECT_TRUE(Stalled(Judge(ServerPlan(), evidence)));
  const auto met = [&](const std::vector<std::string>& outcome) {
    plan.expect = {{.subject = "server", .outcome = outcome}};
    return Judge(plan, evidence).expected_met;
  };
  EXPECT_EQ(met({"stalled"}), true);
  EXPECT_EQ(met({"survived"}), false);
  EXPECT_EQ(met({"survived", "stalled"}), true);
  evidence.processes.front().under_oom_s = 0.1;
  EXPECT_FALSE(Stalled(Judge(ServerPlan(), evidence)));
  EXPECT_EQ(met({"stalled"}), false);
  EXPECT_EQ(met({"survived", "stalled"}), true);
}

}  // namespace
}  // namespace brink::testing
