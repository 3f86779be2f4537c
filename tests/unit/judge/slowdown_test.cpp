// SPDX-License-Identifier: MIT
#include "judge/slowdown.h"

#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "base/units.h"

namespace brink {
namespace {

/// A store that took so long, with figures of its group; `limit` is of that.
Verdict Case(const std::string& name, double duration_s, const Stall& waits, const std::string& limit) {
  Verdict verdict;
  verdict.scenario = "thrash";
  verdict.case_name = name;
  verdict.outcome = Outcome::kSurvived;
  verdict.expected_met = true;
  verdict.settings = {{"memory.max of store", limit}, {"the command of store", "store"}};
  verdict.durations_s = {{"store", duration_s}};
  ProcessVerdict& store = verdict.processes["store"];
  store.outcome = Outcome::kSurvived;
  store.waits = waits;
  return verdict;
}

Verdict Tight(double duration_s, const Stall& waits) { return Case("tight", duration_s, waits, "40MiB"); }
Verdict Roomy(double duration_s, const Stall& waits = {}) {
  return Case("roomy", duration_s, waits, "160MiB");
}

std::vector<Verdict> Compared(std::vector<Verdict> verdicts) {
  CompareDurations(verdicts);
  return verdicts;
}

TEST(Slowdown, TwiceAsLongWithPagesReadAgainIsTold) {
  const auto verdicts = Compared({Tight(3, {.refaulted_bytes = 30 * kMiB, .limit_hits = 900}), Roomy(0.75)});
  ASSERT_TRUE(verdicts[0].slower);
  EXPECT_EQ(verdicts[0].slower->what, "store");
  EXPECT_EQ(verdicts[0].slower->other_case, "roomy");
  EXPECT_EQ(verdicts[0].slower->process, "store");
  EXPECT_DOUBLE_EQ(verdicts[0].slower->times, 4);
  EXPECT_EQ(
      verdicts[0].slower->sentence,
      "store took 3.00 s and 0.75 s in case roomy, 4.0 times as long, and its group was held up: 30 MiB "
      "that had been reclaimed were needed again, its limit was reached 900 times");
  EXPECT_FALSE(verdicts[1].slower);
}

TEST(Slowdown, EachFigureAloneAccountsForIt) {
  for (const Stall& waits : {Stall{.stalled_s = 0.25}, Stall{.refaulted_bytes = kMiB}, Stall{.throttled = 2},
                             Stall{.limit_hits = 300}}) {
    EXPECT_TRUE(Compared({Tight(3, waits), Roomy(0.75)})[0].slower);
  }
}

TEST(Slowdown, AloneItIsTheLoadOfTheMachineAsMuchAsAnything) {
  EXPECT_FALSE(Compared({Tight(3, {}), Roomy(0.75)})[0].slower);
  EXPECT_FALSE(Compared({Tight(3, {.stalled_s = 0.1}), Roomy(0.75)})[0].slower) << "a 20th of what was lost";
  EXPECT_FALSE(Compared({Tight(3, {.limit_hits = 20}), Roomy(0.75)})[0].slower) << "0.2 s at the worst";
}

TEST(Slowdown, FiguresThatTheOtherCaseHasTooAccountForNothing) {
  const Stall waits{.stalled_s = 1, .refaulted_bytes = 30 * kMiB, .throttled = 9, .limit_hits = 900};
  EXPECT_FALSE(Compared({Tight(3, waits), Roomy(0.75, waits)})[0].slower);
}

TEST(Slowdown, LessThanTwiceAsLongOrHalfASecondIsNotTold) {
  const Stall waits{.refaulted_bytes = 300 * kMiB};
  EXPECT_FALSE(Compared({Tight(1.9, waits), Roomy(1)})[0].slower);
  EXPECT_FALSE(Compared({Tight(0.49, waits), Roomy(0.01)})[0].slower);
  EXPECT_TRUE(Compared({Tight(0.51, waits), Roomy(0)})[0].slower) << "too short to be measured";
}

TEST(Slowdown, WhatDoesOtherWorkIsNotCompared) {
  const Stall waits{.refaulted_bytes = 300 * kMiB};
  for (const char* setting : {"the command of store", "the steps", "GOMEMLIMIT of store",
                              "the machine's processors", "cpu.max of store", "the user of store"}) {
    std::vector<Verdict> verdicts = {Tight(3, waits), Roomy(0.75)};
    verdicts[0].settings[setting] = "another";
    EXPECT_FALSE(Compared(verdicts)[0].slower) << setting;
  }
  std::vector<Verdict> verdicts = {Tight(3, waits), Roomy(0.75)};
  verdicts[0].settings["parameter max"] = "40MiB";
  verdicts[0].settings["vm.swappiness"] = "0";
  EXPECT_TRUE(Compared(verdicts)[0].slower) << "limits, and a parameter that only they have";
}

TEST(Slowdown, ACaseIsNoControlOfItselfNorOneThatWentWrong) {
  const Stall waits{.refaulted_bytes = 300 * kMiB};
  EXPECT_FALSE(Compared({Tight(3, waits), Tight(0.75, {})})[0].slower);
  std::vector<Verdict> verdicts = {Tight(3, waits), Roomy(0.75)};
  verdicts[1].expected_met = false;
  EXPECT_FALSE(Compared(verdicts)[0].slower);
  verdicts = {Tight(3, waits), Roomy(0.75)};
  verdicts[1].guest_kernel = "sid";
  EXPECT_FALSE(Compared(verdicts)[0].slower) << "another machine";
}

TEST(Slowdown, EveryRunOfTheOtherCaseMustShowIt) {
  const Stall waits{.refaulted_bytes = 300 * kMiB};
  const auto verdicts = Compared({Tight(3, waits), Roomy(0.5), Roomy(1)});
  ASSERT_TRUE(verdicts[0].slower);
  EXPECT_DOUBLE_EQ(verdicts[0].slower->times, 3);
  EXPECT_FALSE(Compared({Tight(3, waits), Roomy(0.5), Roomy(2)})[0].slower);
}

TEST(Slowdown, OfAStepTheProcessesOfTheCaseTellIt) {
  std::vector<Verdict> verdicts = {Tight(9, {.stalled_s = 2}), Roomy(9)};
  for (Verdict& verdict : verdicts) {
    verdict.durations_s = {{"step query", verdict.case_name == "tight" ? 3.0 : 0.5}};
  }
  CompareDurations(verdicts);
  ASSERT_TRUE(verdicts[0].slower);
  EXPECT_EQ(verdicts[0].slower->sentence,
            "step query took 3.00 s and 0.50 s in case roomy, 6.0 times as long, and the group of store was "
            "held up: for 2.00 s of 0.00 s all its tasks waited for memory");
}

ProcessRecord Ended(const std::string& name, std::optional<int> exit_code) {
  ProcessRecord record;
  record.name = name;
  record.start_s = 1;
  record.end_s = 3;
  record.exit_code = exit_code;
  return record;
}

TEST(Slowdown, OnlyWhatEndedWellByItselfHasADuration) {
  Evidence evidence;
  ProcessRecord stopped = Ended("server", 0);
  stopped.stopped_by_brink = true;
  evidence.processes = {Ended("store", 0), Ended("failed", 1), stopped, Ended("twice", 0), Ended("twice", 0)};
  StepRecord load;
  load.as = "load";
  load.exit_code = 0;
  load.duration_s = 0.5;
  StepRecord refused = load;
  refused.as = "refused";
  refused.exit_code = 1;
  StepRecord nameless = load;
  nameless.as.clear();
  evidence.steps = {load, refused, nameless};
  const std::map<std::string, double> expected{{"store", 2}, {"step load", 0.5}};
  EXPECT_EQ(DurationsOf(evidence), expected);
}

}  // namespace
}  // namespace brink
