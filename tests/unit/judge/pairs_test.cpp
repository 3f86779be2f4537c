// SPDX-License-Identifier: MIT
#include "judge/pairs.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace brink {
namespace {

Verdict Case(const std::string& name, Outcome outcome, std::map<std::string, std::string> settings) {
  Verdict verdict;
  verdict.scenario = "allocator";
  verdict.case_name = name;
  verdict.outcome = outcome;
  verdict.expected_met = true;
  verdict.settings = std::move(settings);
  return verdict;
}

TEST(Pairs, TheOneSettingThatDiffersLedThere) {
  std::vector<Verdict> verdicts = {
      Case("reported", Outcome::kFailed, {{"vm.max_map_count", "4000"}, {"vm.overcommit_memory", "2"}}),
      Case("tuned", Outcome::kSurvived, {{"vm.max_map_count", "4000"}, {"vm.overcommit_memory", "0"}})};
  ComparePairs(verdicts);
  ASSERT_TRUE(verdicts[0].led_by);
  EXPECT_EQ(verdicts[0].led_by->setting, "vm.overcommit_memory");
  EXPECT_EQ(verdicts[0].led_by->value, "2");
  EXPECT_EQ(verdicts[0].led_by->other_value, "0");
  EXPECT_EQ(verdicts[0].led_by->other_case, "tuned");
  EXPECT_FALSE(verdicts[1].led_by);
}

TEST(Pairs, ASettingThatOneCaseLacksCounts) {
  std::vector<Verdict> verdicts = {Case("reported", Outcome::kOomKilled, {}),
                                   Case("tuned", Outcome::kSurvived, {{"GOMEMLIMIT of server", "150MiB"}})};
  ComparePairs(verdicts);
  ASSERT_TRUE(verdicts[0].led_by);
  EXPECT_EQ(verdicts[0].led_by->setting, "GOMEMLIMIT of server");
  EXPECT_EQ(verdicts[0].led_by->value, "");
}

TEST(Pairs, TwoSettingsThatDifferTellNothing) {
  std::vector<Verdict> verdicts = {
      Case("reported", Outcome::kFailed, {{"vm.max_map_count", "4000"}, {"vm.overcommit_memory", "2"}}),
      Case("tuned", Outcome::kSurvived, {{"vm.max_map_count", "65530"}, {"vm.overcommit_memory", "0"}})};
  ComparePairs(verdicts);
  EXPECT_FALSE(verdicts[0].led_by);
}

TEST(Pairs, ACaseThatDidNotGoAsExpectedOrSurvivedWithFailuresIsNoControl) {
  std::vector<Verdict> verdicts = {Case("reported", Outcome::kFailed, {{"parameter a", "1"}}),
                                   Case("unmet", Outcome::kSurvived, {{"parameter a", "2"}}),
                                   Case("partial", Outcome::kSurvived, {{"parameter a", "3"}})};
  verdicts[1].expected_met = false;
  verdicts[2].first_failure = FirstFailure{};
  ComparePairs(verdicts);
  EXPECT_FALSE(verdicts[0].led_by);
}

/// They differ in a setting and in what they do after their first two steps.
std::vector<Verdict> WithOtherChecks() {
  std::vector<Verdict> verdicts = {
      Case("reported", Outcome::kFailed, {{"vm.overcommit_memory", "2"}, {"the steps", "1"}}),
      Case("tuned", Outcome::kSurvived, {{"vm.overcommit_memory", "0"}, {"the steps", "2"}})};
  verdicts[0].steps = {"run [load]", "run [grow]", "start restarted"};
  verdicts[1].steps = {"run [load]", "run [grow]", "run [compare]"};
  return verdicts;
}

TEST(Pairs, StepsAfterTheFailureDidNotLeadThere) {
  std::vector<Verdict> verdicts = WithOtherChecks();
  verdicts[0].steps_until_failure = 2;
  ComparePairs(verdicts);
  ASSERT_TRUE(verdicts[0].led_by);
  EXPECT_EQ(verdicts[0].led_by->setting, "vm.overcommit_memory");
}

TEST(Pairs, StepsUntilTheFailureCount) {
  std::vector<Verdict> verdicts = WithOtherChecks();
  ComparePairs(verdicts);  // nobody knows when it went wrong
  EXPECT_FALSE(verdicts[0].led_by);
  verdicts[0].steps_until_failure = 2;
  verdicts[1].steps[1] = "run [shrink]";
  ComparePairs(verdicts);
  EXPECT_FALSE(verdicts[0].led_by);
}

TEST(Pairs, AFurtherStepMayHaveSavedTheOther) {
  std::vector<Verdict> verdicts = WithOtherChecks();
  verdicts[0].steps.pop_back();
  verdicts[0].steps_until_failure = 2;
  ComparePairs(verdicts);
  EXPECT_FALSE(verdicts[0].led_by);
}

TEST(Pairs, OnlyCasesOfOneMachineAreCompared) {
  std::vector<Verdict> verdicts = {Case("reported", Outcome::kFailed, {{"parameter a", "1"}}),
                                   Case("tuned", Outcome::kSurvived, {{"parameter a", "2"}})};
  verdicts[1].guest_kernel = "sid";
  ComparePairs(verdicts);
  EXPECT_FALSE(verdicts[0].led_by);
}

TEST(Pairs, AParameterSpeaksForTheCommandThatItStandsIn) {
  std::vector<Verdict> verdicts = {
      Case("reported", Outcome::kFailed, {{"parameter a", "1"}, {"the command of server", "server --a 1"}}),
      Case("tuned", Outcome::kSurvived, {{"parameter a", "2"}, {"the command of server", "server --a 2"}})};
  ComparePairs(verdicts);
  ASSERT_TRUE(verdicts[0].led_by);
  EXPECT_EQ(verdicts[0].led_by->setting, "parameter a");
}

TEST(Pairs, PortsAndFoldersOfARunAreNoSettings) {
  const auto plan_of = [](const std::string& folder, int port) {
    Plan plan;
    plan.run_dir = folder;
    plan.data_dir = folder + "/data";
    ProcessPlan process;
    process.name = "server";
    process.argv = {"/bin/server", "--dir", plan.data_dir, "--port", std::to_string(port)};
    process.env = {{"TMPDIR", plan.data_dir}};
    plan.processes.push_back(process);
    plan.parameters = {{"file", "/dev/shm/cache-" + std::to_string(port)}};
    plan.ports = {{"", port}};
    return plan;
  };
  EXPECT_EQ(SettingsOf(plan_of("/run/1", 41001)), SettingsOf(plan_of("/run/2", 41002)));
}

/// At the given line of the file.
template <typename Action>
StepPlan StepAt(int line, Action action) {
  StepPlan step;
  step.action = std::move(action);
  step.mark = {.file = "a.yaml", .line = line, .column = 9};
  return step;
}

WaitStep WaitForEnd() {
  WaitStep wait;
  wait.process = "server";
  wait.exit = true;
  return wait;
}

WaitStep WaitForLog(const std::string& pattern) {
  WaitStep wait;
  wait.process = "server";
  wait.log_pattern = pattern;
  return wait;
}

RunStep RunOf(std::vector<std::string> argv) {
  RunStep run;
  run.argv = std::move(argv);
  return run;
}

std::string Steps(std::vector<StepPlan> steps) {
  Plan plan;
  plan.steps = std::move(steps);
  return SettingsOf(plan).at("the steps");
}

TEST(Pairs, StepsThatStandElsewhereInTheFileAreTheSame) {
  const std::vector<StepPlan> here = {StepAt(40, RunOf({"install", "a b"})), StepAt(41, StartStep{"server"})};
  std::vector<StepPlan> there = {StepAt(60, RunOf({"install", "a b"})), StepAt(61, StartStep{"server"})};
  there[0].as = "folder";
  there[0].timeout_s = 7;
  there[0].expect.exit = {0};
  EXPECT_EQ(Steps(here), Steps(there));
}

TEST(Pairs, WaitsAtTheEndOnlySeeHowItWent) {
  const auto start = StepAt(40, StartStep{"server"});
  EXPECT_EQ(Steps({start, StepAt(41, WaitForEnd())}), Steps({start, StepAt(60, WaitForLog("ready"))}));
  EXPECT_EQ(Steps({StepAt(40, WaitForEnd())}), Steps({}));
}

TEST(Pairs, WhatStepsDoTheirOrderAndHowLongTheyLastCount) {
  const auto start = StepAt(40, StartStep{"server"});
  const auto wait = StepAt(41, WaitForLog("ready"));
  const auto run = StepAt(42, RunOf({"client", "a", "b"}));
  WaitStep soak;
  soak.duration_s = 5;
  EXPECT_NE(Steps({start, wait, run}), Steps({start, run}));
  EXPECT_NE(Steps({start, run}), Steps({run, start}));
  EXPECT_NE(Steps({run}), Steps({StepAt(42, RunOf({"client", "a b"}))}));
  EXPECT_NE(Steps({start, StepAt(43, soak)}), Steps({start}));
  EXPECT_NE(Steps({StepAt(1, SqueezeStep{"server", 1000, 10, 0.1})}),
            Steps({StepAt(1, SqueezeStep{"server", 1001, 10, 0.1})}));
  SetStep set;
  set.machine = {{.name = "vm.max_map_count", .value = "1000", .mark = {}}};
  SetStep other = set;
  other.machine[0].value = "2000";
  EXPECT_NE(Steps({StepAt(1, set)}), Steps({StepAt(1, other)}));
}

TEST(Pairs, AChildsOomScoreAdjIsASetting) {
  Plan plan;
  ProcessPlan server;
  server.name = "server";
  server.children = {{.name = "hog", .title = "hog", .exe = {}, .oom_score_adj = 800}};
  plan.processes = {server};
  EXPECT_EQ(SettingsOf(plan).at("oom_score_adj of hog"), "800");
}

}  // namespace
}  // namespace brink
