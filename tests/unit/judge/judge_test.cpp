// SPDX-License-Identifier: MIT
// What the saved runs of tests/judge don't show: properties of the judgement as such.
#include "judge/judge.h"

#include <gtest/gtest.h>

#include "server_case.h"

namespace brink::testing {
namespace {

TEST(Judge, NothingRunIsNoPass) {
  const Verdict verdict = Judge(Plan{}, Evidence{});
  EXPECT_EQ(verdict.outcome, Outcome::kInconclusive);
  EXPECT_EQ(verdict.expected_met, std::nullopt);
  EXPECT_EQ(verdict.reason, "no process was started");
}

Evidence LostEvidence(const std::string& lost) {
  Evidence evidence = ServerEvidence(0);
  evidence.guest = GuestRecord{.kernel = "debian-12",
                               .accelerator = "tcg",
                               .lost = lost,
                               .lost_detail = "Out of memory: panic",
                               .console = {"Kernel panic"}};
  return evidence;
}

Plan ExpectingOfTheMachine(const std::string& outcome) {
  Plan plan = ServerPlan();
  plan.sandbox = "vm";
  plan.expect = {{.subject = "machine", .outcome = {outcome}}};
  return plan;
}

/// Neither a target's failure nor a guest that is lost over it is then the target's.
TEST(GuestsDisk, WhatTheHostCouldNotKeepIsNobodysFailure) {
  for (const char* lost : {"", "exited", "panicked"}) {
    Evidence evidence = LostEvidence(lost);
    evidence.guest->host_disk_error = "No space left on device";
    for (const Plan& plan : {ServerPlan(), ExpectingOfTheMachine("failed")}) {
      const Verdict verdict = Judge(plan, evidence);
      EXPECT_EQ(verdict.outcome, Outcome::kInconclusive) << lost;
      EXPECT_EQ(verdict.expected_met, std::nullopt) << lost;
      EXPECT_NE(verdict.reason.find("No space left on device"), std::string::npos) << verdict.reason;
      EXPECT_NE(verdict.remedy.find("--out"), std::string::npos) << verdict.remedy;
    }
  }
}

TEST(LostMachine, APanicIsTheCasesOutcomeAndCanBeExpected) {
  const Verdict verdict = Judge(ExpectingOfTheMachine("machine_panicked"), LostEvidence("panicked"));
  EXPECT_EQ(verdict.outcome, Outcome::kMachinePanicked);
  EXPECT_EQ(verdict.expected_met, true);
  EXPECT_EQ(verdict.reason, "the machine panicked: Out of memory: panic");
  EXPECT_EQ(verdict.processes.at("server").outcome, Outcome::kInconclusive);
  EXPECT_EQ(verdict.guest_kernel, "debian-12");
}

TEST(LostMachine, OfItsProcessesNothingIsKnown) {
  Plan plan = ExpectingOfTheMachine("machine_panicked");
  plan.expect.push_back({.subject = "server", .outcome = {"survived"}});
  const Verdict verdict = Judge(plan, LostEvidence("panicked"));
  EXPECT_EQ(verdict.outcome, Outcome::kMachinePanicked);
  EXPECT_EQ(verdict.expected_met, std::nullopt);
}

TEST(LostMachine, APanicOrHangThatNobodyExpectsIsUnmet) {
  Plan plan = ServerPlan();
  plan.expect = {{.subject = "server", .outcome = {"survived"}}};
  EXPECT_EQ(Judge(plan, LostEvidence("panicked")).expected_met, false);
  const Verdict hung = Judge(plan, LostEvidence("hung"));
  EXPECT_EQ(hung.outcome, Outcome::kHung);
  EXPECT_EQ(hung.expected_met, false);
}

/// Whatever was expected: the case had no part in it.
TEST(LostMachine, OneThatTheHostKilledProvesNothing) {
  for (const Plan& plan : {ServerPlan(), ExpectingOfTheMachine("failed")}) {
    const Verdict verdict = Judge(plan, LostEvidence("oom_killed"));
    EXPECT_EQ(verdict.outcome, Outcome::kInconclusive);
    EXPECT_EQ(verdict.expected_met, std::nullopt);
    EXPECT_EQ(verdict.reason, "the machine was killed on its host: Out of memory: panic");
    EXPECT_NE(verdict.remedy.find("--jobs"), std::string::npos) << verdict.remedy;
    EXPECT_EQ(Judge(plan, LostEvidence("killed")).expected_met, std::nullopt);
  }
}

TEST(LostMachine, AnyOtherLossProvesNothingUnlessItIsAskedFor) {
  for (const char* lost : {"reset", "exited", "powered_off", "cut"}) {
    const Verdict verdict = Judge(ServerPlan(), LostEvidence(lost));
    EXPECT_EQ(verdict.outcome, Outcome::kInconclusive) << lost;
    EXPECT_EQ(verdict.expected_met, std::nullopt) << lost;
    EXPECT_EQ(Judge(ExpectingOfTheMachine("failed"), LostEvidence(lost)).expected_met, true) << lost;
    EXPECT_EQ(Judge(ExpectingOfTheMachine("machine_panicked"), LostEvidence(lost)).expected_met, false)
        << lost;
  }
}

TEST(LostMachine, AMachineThatLivesOnSurvived) {
  EXPECT_EQ(Judge(ExpectingOfTheMachine("survived"), LostEvidence("")).expected_met, true);
  EXPECT_EQ(Judge(ExpectingOfTheMachine("machine_panicked"), LostEvidence("")).expected_met, false);
}

TEST(Judge, ACellThatCannotExistIsNoFailure) {
  Plan plan = ServerPlan();
  plan.sandbox = "vm";
  plan.guest.kernel = "sid";
  plan.guest.cgroup = "v1";
  plan.not_applicable = "sid has no v1";
  const Verdict verdict = Judge(plan, Evidence{});
  EXPECT_EQ(verdict.outcome, Outcome::kNotApplicable);
  EXPECT_EQ(verdict.expected_met, std::nullopt);
  EXPECT_EQ(verdict.reason, "sid has no v1");
  EXPECT_EQ(verdict.guest_kernel + verdict.cgroup_version + verdict.kernel, "sidv1");
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

/// A worker of the server that ends by a signal of `sender`.
ProcessVerdict WorkerEndedBy(int signal, const std::string& sender) {
  Evidence evidence = ServerEvidence(0);
  ProcessRecord worker;
  worker.name = "worker";
  worker.kind = ProcessRecord::Kind::kChild;
  worker.parent = "server";
  worker.pid = 8;
  worker.started = true;
  worker.end_s = 0.3;
  worker.signal = signal;
  evidence.processes.push_back(worker);
  evidence.signals.push_back({.signal = signal,
                              .sender_pid = 7,
                              .sender_comm = "x",
                              .sender = sender,
                              .process = "worker",
                              .pid = 8});
  evidence.signals.back().t_s = 0.3;
  return Judge(ServerPlan(), evidence).processes.at("worker");
}

TEST(Judge, AWorkerThatItsOwnParentAsksToEndHasNotFailed) {
  const ProcessVerdict asked = WorkerEndedBy(15, "server");
  EXPECT_EQ(asked.outcome, Outcome::kSurvived);
  EXPECT_EQ(asked.reason, "survived until its parent, server, ended it with SIGTERM at 0.30 s");
  EXPECT_EQ(asked.signal, 15);
  EXPECT_EQ(asked.killed_by, "process server");
}

TEST(Judge, AWorkerThatItsParentKillsOrAStrangerAsksToEndHasFailed) {
  EXPECT_EQ(WorkerEndedBy(9, "server").outcome, Outcome::kFailed);
  EXPECT_EQ(WorkerEndedBy(6, "server").outcome, Outcome::kFailed);
  EXPECT_EQ(WorkerEndedBy(15, "other").outcome, Outcome::kFailed);
  EXPECT_EQ(WorkerEndedBy(15, "").outcome, Outcome::kFailed);
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

std::optional<bool> CountIs(const FailureExpect& expect, std::uint64_t count, std::uint64_t lost) {
  Evidence evidence = ServerEvidence(0);
  evidence.events_lost = lost;
  if (count > 0) {
    evidence.failure_counts.push_back(
        {.process = "server", .call = "mmap", .errno_name = "ENOMEM", .count = count});
  }
  Plan plan = ServerPlan();
  plan.expect.push_back({.subject = "server", .failure = expect});
  return Judge(plan, evidence).expected_met;
}

TEST(Judge, LostEventsLeaveOpenWhatMoreFailuresWouldChange) {
  const FailureExpect none{.max_count = 0};
  EXPECT_EQ(CountIs(none, 0, 0), true);
  EXPECT_EQ(CountIs(none, 0, 1), std::nullopt);
  EXPECT_EQ(CountIs(none, 1, 1), false);
  const FailureExpect three{.min_count = 3};
  EXPECT_EQ(CountIs(three, 2, 0), false);
  EXPECT_EQ(CountIs(three, 2, 1), std::nullopt);
  EXPECT_EQ(CountIs(three, 3, 1), true);
  EXPECT_EQ(CountIs({.min_count = 1, .max_count = 5}, 3, 1), std::nullopt);
}

std::optional<bool> LimitIs(const std::string& expected, const Evidence& evidence) {
  Plan plan = ServerPlan();
  plan.expect.push_back({.subject = "server",
                         .failure = FailureExpect{.call = {"mmap"},
                                                  .errno_name = "ENOMEM",
                                                  .min_count = {},
                                                  .max_count = {},
                                                  .binding_limit = expected}});
  return Judge(plan, evidence).expected_met;
}

TEST(Judge, OfFailuresWithoutDetailsNoLimitCanBeDenied) {
  Evidence evidence = ServerEvidence(0);
  evidence.failure_counts = {{.process = "server", .call = "mmap", .errno_name = "ENOMEM", .count = 3}};
  EXPECT_EQ(LimitIs("none", evidence), std::nullopt);
  EXPECT_EQ(LimitIs("RLIMIT_AS", evidence), std::nullopt);
  evidence.failed_calls = {AddressSpaceFailure(0.1)};
  EXPECT_EQ(LimitIs("none", evidence), false);
  EXPECT_EQ(LimitIs("RLIMIT_AS", evidence), true);
  evidence.failed_calls.front().limits.as = kNoLimit;
  EXPECT_EQ(LimitIs("none", evidence), true);
}

TEST(Judge, ALimitExpectedOfACallIsThatOfTheCallThatTells) {
  Evidence evidence = ServerEvidence(0);
  evidence.failure_counts = {{.process = "server", .call = "mmap", .errno_name = "ENOMEM", .count = 2}};
  evidence.failed_calls = {AddressSpaceFailure(0.1), AddressSpaceFailure(0.2)};
  evidence.failed_calls.back().limits.as = kNoLimit;
  evidence.failed_calls.back().limits.data = 1;
  EXPECT_EQ(LimitIs("RLIMIT_AS", evidence), true);
  EXPECT_EQ(LimitIs("RLIMIT_DATA", evidence), false) << "a later one of the kind";
}

TEST(Judge, LostEventsLeaveOpenWhetherALimitBound) {
  Evidence evidence = ServerEvidence(0);
  Plan plan = ServerPlan();
  plan.expect.push_back({.subject = "server", .binding_limit = "none"});
  EXPECT_EQ(Judge(plan, evidence).expected_met, true);
  evidence.events_lost = 1;
  EXPECT_EQ(Judge(plan, evidence).expected_met, std::nullopt);
}

// Its group counted more kills than are told, but those were left out and of others.
TEST(Judge, KillsLeftOutOfTheEvidenceExplainNoOther) {
  Evidence evidence = ServerEvidence(0);
  evidence.processes.front().exit_code.reset();
  evidence.processes.front().signal = 9;
  GroupRecord group;
  group.name = "server";
  group.oom_kills = 44;
  evidence.groups = {group};
  EXPECT_EQ(Judge(ServerPlan(), evidence).outcome, Outcome::kOomKilled);
  evidence.left_out.oom_kills = 44;
  EXPECT_EQ(Judge(ServerPlan(), evidence).outcome, Outcome::kFailed);
}

TEST(Judge, AFailureTellsTheArgumentsThatTheCallHas) {
  Evidence evidence = ServerEvidence(1);
  FailedCall call;
  call.process = "server";
  call.call = "munmap";
  call.errno_name = "ENOMEM";
  call.args = {0x1000, 8192, 7, 7, 7, 7};
  evidence.failed_calls = {call};
  const auto failure = Judge(ServerPlan(), evidence).first_failure;
  ASSERT_TRUE(failure);
  ASSERT_EQ(failure->args.size(), 2U);
  EXPECT_EQ(failure->args[0].name, "addr");
  EXPECT_EQ(failure->args[1].name, "length");
  EXPECT_EQ(failure->args[1].value, 8192U);
}

TEST(Judge, AnUnknownCallsArgumentsAreAllSix) {
  Evidence evidence = ServerEvidence(1);
  FailedCall call;
  call.process = "server";
  call.call = "syscall_999";
  call.errno_name = "ENOMEM";
  evidence.failed_calls = {call};
  const auto failure = Judge(ServerPlan(), evidence).first_failure;
  ASSERT_TRUE(failure);
  ASSERT_EQ(failure->args.size(), 6U);
  EXPECT_EQ(failure->args[5].name, "arg5");
}

TEST(Judge, ListsEveryoneWhoDiedForWantOfMemory) {
  Evidence evidence = ServerEvidence(0);
  evidence.oom_kills = {{.process = "load", .pid = 9, .comm = "load", .scope = "memcg"},
                        {.process = "", .pid = 10, .comm = "cron", .scope = "machine"},
                        {.process = "", .pid = 11, .comm = "elsewhere", .scope = "memcg"}};
  const Verdict verdict = Judge(ServerPlan(), evidence);
  ASSERT_EQ(verdict.oom_kills.size(), 2U) << "a kill in somebody else's group is none of ours";
  EXPECT_EQ(verdict.oom_kills[0].process, "load");
  EXPECT_EQ(verdict.oom_kills[1].comm, "cron");
  EXPECT_EQ(verdict.outcome, Outcome::kSurvived);
}

TEST(Judge, TheSameEvidenceGivesTheSameVerdict) {
  const Verdict once = Judge(ServerPlan(), ServerEvidence(3));
  const Verdict again = Judge(ServerPlan(), ServerEvidence(3));
  EXPECT_EQ(once.reason, again.reason);
  EXPECT_EQ(once.reason, "server: exited with 3 at 0.50 s; no memory call failed");
}

}  // namespace
}  // namespace brink::testing
