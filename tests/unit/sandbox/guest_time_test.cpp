// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include "sandbox/guest.h"

namespace brink {
namespace {

TEST(GuestTime, EveryTimeoutOfAPlanIsStretched) {
  Plan plan;
  plan.timeout_s = 10;
  plan.processes.resize(2);
  plan.processes[0].stop_timeout_s = 2;
  plan.processes[0].ready.emplace().timeout_s = 3;
  StepPlan step;
  step.timeout_s = 4;
  plan.steps = {step};
  const Plan scaled = WithScaledTimeouts(plan, 2.5);
  EXPECT_DOUBLE_EQ(scaled.timeout_s, 25);
  EXPECT_DOUBLE_EQ(scaled.processes[0].stop_timeout_s, 5);
  EXPECT_DOUBLE_EQ(scaled.processes[0].ready->timeout_s, 7.5);
  EXPECT_DOUBLE_EQ(scaled.steps[0].timeout_s, 10);
}

TEST(GuestTime, ASoakKeepsItsLength) {
  Plan plan;
  StepPlan step;
  WaitStep soak;
  soak.duration_s = 1.5;
  step.action = soak;
  plan.steps = {step};
  EXPECT_EQ(std::get<WaitStep>(WithScaledTimeouts(plan, 9).steps[0].action).duration_s, 1.5);
}

TEST(GuestTime, WorkTakesTime) { EXPECT_GT(MeasureWork(), 0); }

}  // namespace
}  // namespace brink
