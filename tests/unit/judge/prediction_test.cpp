// SPDX-License-Identifier: MIT
#include "judge/prediction.h"

#include <gtest/gtest.h>

#include "server_case.h"

namespace brink::testing {
namespace {

TimelineSample Score(const std::string& process, int pid, double t_s, int score) {
  TimelineSample sample;
  sample.t_s = t_s;
  sample.subject = process;
  sample.pid = pid;
  sample.oom_score = score;
  return sample;
}

/// The server (pid 7) and its snapshot (pid 8), of which the machine's OOM killer takes pid `killed` at 0.5
/// s.
Evidence MachineKill(const std::string& killed, int pid) {
  Evidence evidence = ServerEvidence(0);
  evidence.processes.push_back(evidence.processes.front());
  evidence.processes.back().name = "snapshot";
  evidence.processes.back().kind = ProcessRecord::Kind::kChild;
  evidence.processes.back().pid = 8;
  for (ProcessRecord& record : evidence.processes) {
    record.end_s = 1;
  }
  evidence.oom_kills.push_back(
      {.process = killed, .pid = pid, .comm = "cron", .scope = "machine", .t_s = 0.5});
  evidence.timeline = {Score("server", 7, 0.1, 700), Score("snapshot", 8, 0.1, 900),
                       Score("server", 7, 0.4, 850), Score("snapshot", 8, 0.4, 840),
                       Score("snapshot", 8, 0.6, 990)};
  return evidence;
}

TEST(Prediction, GoesByTheLastScoresBeforeTheKill) {
  const auto predicted = PredictedVictimOf(MachineKill("server", 7));
  ASSERT_TRUE(predicted);
  EXPECT_EQ(predicted->process, "server");
  EXPECT_EQ(predicted->oom_score, 850);
  EXPECT_DOUBLE_EQ(predicted->t_s, 0.4);
  EXPECT_TRUE(predicted->held);
  EXPECT_EQ(DescribePrediction(*predicted, {}), "predicted server (oom_score 850), killed server");
}

TEST(Prediction, SaysThatItDidNotHold) {
  const Evidence evidence = MachineKill("snapshot", 8);
  const auto predicted = PredictedVictimOf(evidence);
  ASSERT_TRUE(predicted);
  EXPECT_FALSE(predicted->held);
  EXPECT_EQ(DescribePrediction(*predicted, evidence),
            "predicted server (oom_score 850), killed snapshot (oom_score 840): the prediction did not hold");
}

TEST(Prediction, NamesTheSettingThatMakesScoresMeaningless) {
  Evidence evidence = MachineKill("snapshot", 8);
  evidence.faults.push_back(
      {.name = "vm.oom_kill_allocating_task", .target = "machine", .read_back = "1", .in_force = true});
  EXPECT_EQ(DescribePrediction(*PredictedVictimOf(evidence), evidence),
            "predicted server (oom_score 850), killed snapshot (oom_score 840): vm.oom_kill_allocating_task "
            "takes the process that asked for memory");
}

// oom_score is coarser than the pages that the kernel compares.
TEST(Prediction, HoldsForOneOfEqualScores) {
  Evidence evidence = MachineKill("snapshot", 8);
  evidence.timeline[3].oom_score = 850;
  EXPECT_TRUE(PredictedVictimOf(evidence)->held);
}

TEST(Prediction, LeavesOutWhoHadEnded) {
  Evidence evidence = MachineKill("snapshot", 8);
  evidence.processes.front().end_s = 0.45;
  EXPECT_EQ(PredictedVictimOf(evidence)->process, "snapshot");
}

TEST(Prediction, DidNotHoldForAStranger) {
  const auto predicted = PredictedVictimOf(MachineKill("", 99));
  ASSERT_TRUE(predicted);
  EXPECT_EQ(predicted->killed, "cron");
  EXPECT_EQ(predicted->killed_oom_score, std::nullopt);
  EXPECT_FALSE(predicted->held);
}

TEST(Prediction, IsNoneWhereTheScoresSayNothing) {
  EXPECT_EQ(PredictedVictimOf(MachineKill("server/worker", 12)), std::nullopt)
      << "nobody looked at the victim";
  Evidence of_a_group = MachineKill("server", 7);
  of_a_group.oom_kills.front().scope = "memcg";
  EXPECT_EQ(PredictedVictimOf(of_a_group), std::nullopt);
  Evidence unread = MachineKill("server", 7);
  unread.timeline.clear();
  EXPECT_EQ(PredictedVictimOf(unread), std::nullopt);
}

Plan Expecting(const std::string& predicted, const std::string& victim) {
  Plan plan = ServerPlan();
  plan.expect = {{.subject = "machine"}};
  plan.expect.front().predicted_victim = {predicted};
  plan.expect.front().oom_victim = {victim};
  return plan;
}

TEST(Prediction, CanBeExpectedAndSoCanTheVictim) {
  const Evidence held = MachineKill("server", 7);
  EXPECT_EQ(Judge(Expecting("server", "server"), held).expected_met, true);
  EXPECT_EQ(Judge(Expecting("snapshot", "server"), held).expected_met, false);
  const Evidence did_not = MachineKill("snapshot", 8);
  EXPECT_EQ(Judge(Expecting("server", "server"), did_not).expected_met, false);
  EXPECT_EQ(Judge(Expecting("server", "snapshot"), did_not).expected_met, true);
  Plan either = Expecting("server", "neighbour");
  either.expect.front().oom_victim.emplace_back("snapshot");
  EXPECT_EQ(Judge(either, did_not).expected_met, true);
}

TEST(Prediction, OfAStrangersDeathIsUnmet) {
  const Verdict verdict = Judge(Expecting("server", "server"), MachineKill("", 99));
  EXPECT_EQ(verdict.expected_met, false);
  EXPECT_EQ(verdict.expectations.back().found, "cron (pid 99), which is not of the case");
}

TEST(Prediction, WithoutAKillIsUnmetAndUnknownWhereNobodyLooked) {
  Evidence evidence = MachineKill("server", 7);
  evidence.oom_kills.clear();
  EXPECT_EQ(Judge(Expecting("server", "server"), evidence).expected_met, false);
  evidence.events_lost = 1;
  EXPECT_EQ(Judge(Expecting("server", "server"), evidence).expected_met, std::nullopt);
  Evidence unread = MachineKill("server", 7);
  unread.timeline.clear();
  EXPECT_EQ(Judge(Expecting("server", "server"), unread).expected_met, std::nullopt);
}

TEST(Prediction, OnALostMachineIsUnknownAndTheLossUnmet) {
  Plan plan = Expecting("server", "server");
  plan.sandbox = "vm";
  Evidence evidence = ServerEvidence(0);
  evidence.guest = GuestRecord{.kernel = "debian-12", .accelerator = "tcg", .lost = "panicked"};
  const Verdict verdict = Judge(plan, evidence);
  EXPECT_EQ(verdict.expectations.front().met, std::nullopt);
  EXPECT_EQ(verdict.expected_met, false);
}

TEST(Prediction, IsPartOfTheVerdict) {
  Evidence evidence = MachineKill("server", 7);
  evidence.processes.front().end_s = 0.5;
  evidence.processes.front().exit_code.reset();
  evidence.processes.front().signal = 9;
  const Verdict verdict = Judge(ServerPlan(), evidence);
  ASSERT_TRUE(verdict.predicted_victim);
  EXPECT_NE(verdict.reason.find("; predicted server (oom_score 850), killed server"), std::string::npos)
      << verdict.reason;
}

}  // namespace
}  // namespace brink::testing
