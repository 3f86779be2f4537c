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

}  // namespace
}  // namespace brink
