// SPDX-License-Identifier: MIT
// What the saved runs of tests/judge don't show: properties of the judgement as such.
#include "judge/judge.h"

#include <gtest/gtest.h>

namespace brink {
namespace {

Plan ServerPlan() {
  Plan plan;
  plan.scenario = "s";
  plan.case_name = "c";
  plan.processes.push_back({.name = "server", .argv = {"/bin/server"}, .group = "server"});
  return plan;
}

Evidence ServerEvidence(int exit_code) {
  Evidence evidence;
  evidence.grade = EvidenceGrade::kKernel;
  evidence.duration_s = 1;
  ProcessRecord record;
  record.name = "server";
  record.pid = 7;
  record.started = true;
  record.ready = true;
  record.end_s = 0.5;
  record.exit_code = exit_code;
  evidence.processes.push_back(record);
  return evidence;
}

TEST(Judge, NothingRunIsNoPass) {
  const Verdict verdict = Judge(Plan{}, Evidence{});
  EXPECT_EQ(verdict.outcome, Outcome::kInconclusive);
  EXPECT_EQ(verdict.expected_met, std::nullopt);
  EXPECT_EQ(verdict.reason, "no process was started");
}

TEST(Judge, AFaultThatIsNotInForceOutweighsEverything) {
  Evidence evidence = ServerEvidence(0);
  evidence.faults.push_back(
      {.name = "vm.max_map_count", .target = "machine", .requested = "4000", .error = "refused"});
  Plan plan = ServerPlan();
  plan.expect.push_back({.subject = "server", .outcome = {"oom_killed"}});
  const Verdict verdict = Judge(plan, evidence);
  EXPECT_EQ(verdict.outcome, Outcome::kInconclusive);
  EXPECT_EQ(verdict.expected_met, std::nullopt);
  EXPECT_EQ(verdict.processes.at("server").outcome, Outcome::kInconclusive);
}

TEST(Judge, StepsCommandsAreNotProcessesOfTheVerdict) {
  Evidence evidence = ServerEvidence(0);
  ProcessRecord step;
  step.name = "load";
  step.kind = ProcessRecord::Kind::kStep;
  step.started = true;
  step.exit_code = 1;
  evidence.processes.push_back(step);
  FailedCall call;
  call.process = "load";
  call.call = "mmap";
  call.errno_name = "ENOMEM";
  evidence.failed_calls.push_back(call);
  evidence.failure_counts.push_back({.process = "load", .call = "mmap", .errno_name = "ENOMEM", .count = 1});
  const Verdict verdict = Judge(ServerPlan(), evidence);
  EXPECT_EQ(verdict.processes.size(), 1U);
  EXPECT_EQ(verdict.outcome, Outcome::kSurvived);
  EXPECT_EQ(verdict.first_failure, std::nullopt);
  EXPECT_TRUE(verdict.failures.empty());
}

TEST(Judge, TheWorstOutcomeOfAllProcessesIsTheCases) {
  Evidence evidence = ServerEvidence(1);
  ProcessRecord other = evidence.processes.front();
  other.name = "other";
  other.pid = 8;
  other.exit_code.reset();
  other.signal = 9;
  evidence.processes.push_back(other);
  evidence.oom_kills.push_back(
      {.process = "other", .pid = 8, .scope = "memcg", .limit_bytes = 10, .use_bytes = 10, .t_s = 0.5});
  const Verdict verdict = Judge(ServerPlan(), evidence);
  EXPECT_EQ(verdict.outcome, Outcome::kOomKilled);
  ASSERT_TRUE(verdict.binding_limit);
  EXPECT_EQ(verdict.binding_limit->name, "memory.max");
}

std::optional<bool> KillerIs(const std::string& expected, const std::string& sender, int pid) {
  Evidence evidence = ServerEvidence(0);
  evidence.processes.front().exit_code.reset();
  evidence.processes.front().signal = 9;
  evidence.signals.push_back({.signal = 9, .sender_pid = pid, .sender_comm = "sh", .sender = sender});
  evidence.signals.back().pid = 7;
  evidence.signals.back().t_s = 0.5;
  Plan plan = ServerPlan();
  plan.expect.push_back({.subject = "server", .killed_by = expected});
  return Judge(plan, evidence).expected_met;
}

TEST(Judge, AKillerIsNamedInFullOrByItsKind) {
  EXPECT_EQ(KillerIs("process ab", "ab", 9), true);
  EXPECT_EQ(KillerIs("process a", "ab", 9), false);
  EXPECT_EQ(KillerIs("process", "ab", 9), true);
  EXPECT_EQ(KillerIs("pro", "ab", 9), false);
  EXPECT_EQ(KillerIs("step", "ab", 9), false);
  EXPECT_EQ(KillerIs("pid 12", "", 12), true);
  EXPECT_EQ(KillerIs("pid 12 (sh)", "", 12), true);
  EXPECT_EQ(KillerIs("pid 1", "", 12), false);
  EXPECT_EQ(KillerIs("pid", "", 12), true);
  EXPECT_EQ(KillerIs("", "ab", 9), false);
}

TEST(Judge, TheOomKillersScopeMayBeLeftOpen) {
  Evidence evidence = ServerEvidence(0);
  evidence.processes.front().exit_code.reset();
  evidence.processes.front().signal = 9;
  evidence.oom_kills.push_back({.process = "server", .pid = 7, .scope = "memcg", .t_s = 0.5});
  const auto met = [&](const std::string& killer) {
    Plan plan = ServerPlan();
    plan.expect.push_back({.subject = "server", .killed_by = killer});
    return Judge(plan, evidence).expected_met;
  };
  EXPECT_EQ(met("oom"), true);
  EXPECT_EQ(met("oom:memcg"), true);
  EXPECT_EQ(met("oom:machine"), false);
  EXPECT_EQ(met("oom:mem"), false);
}

TEST(Judge, TheSameEvidenceGivesTheSameVerdict) {
  const Verdict once = Judge(ServerPlan(), ServerEvidence(3));
  const Verdict again = Judge(ServerPlan(), ServerEvidence(3));
  EXPECT_EQ(once.reason, again.reason);
  EXPECT_EQ(once.reason, "server: exited with 3 at 0.50 s");
}

}  // namespace
}  // namespace brink
