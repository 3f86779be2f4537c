// SPDX-License-Identifier: MIT
#include "run/plan_queue.h"

#include <gtest/gtest.h>

namespace brink {
namespace {

Plan OfHost(const std::string& max_map_count) {
  Plan plan;
  if (!max_map_count.empty()) {
    plan.machine = {{.name = "vm.max_map_count", .value = max_map_count, .mark = {}}};
  }
  return plan;
}

Plan OfGuest(const std::string& kernel) {
  Plan plan = OfHost("4000");
  plan.sandbox = "vm";
  plan.guest.kernel = kernel;
  return plan;
}

Plan ThatSetsTheMachine() {
  SetStep set;
  set.machine = {{.name = "vm.max_map_count", .value = "5000", .mark = {}}};
  StepPlan step;
  step.action = set;
  Plan plan;
  plan.steps = {step};
  return plan;
}

std::vector<std::size_t> TakeAll(PlanQueue& queue, bool alone, const std::optional<GuestSpec>& guest) {
  std::vector<std::size_t> order;
  while (const auto index = queue.Take(alone, guest)) {
    order.push_back(*index);
  }
  return order;
}

TEST(PlanQueue, OneWorkerKeepsTheOrder) {
  const std::vector<Plan> plans{OfHost("1"), OfHost("2"), OfHost("1")};
  PlanQueue queue(plans, true);
  EXPECT_EQ(TakeAll(queue, false, std::nullopt), (std::vector<std::size_t>{0, 1, 2}));
}

TEST(PlanQueue, PlansWithTheSameValuesFollowEachOther) {
  const std::vector<Plan> plans{OfHost("1"), OfHost("2"), OfHost("1"), OfHost("2")};
  PlanQueue queue(plans, false);
  EXPECT_EQ(TakeAll(queue, false, std::nullopt), (std::vector<std::size_t>{0, 2, 1, 3}));
}

TEST(PlanQueue, AGuestTakesItsLikeFirstAndThenWhatIsLeft) {
  const std::vector<Plan> plans{OfGuest("a"), OfGuest("b"), OfHost(""), OfGuest("b")};
  PlanQueue queue(plans, true);
  EXPECT_EQ(TakeAll(queue, false, plans[1].guest), (std::vector<std::size_t>{1, 3, 0, 2}));
}

TEST(PlanQueue, AWorkerWithoutAGuestLeavesTheMachinesOfOthersToThem) {
  const std::vector<Plan> plans{OfGuest("a"), OfGuest("a"), OfGuest("b"), OfGuest("b")};
  PlanQueue queue(plans, false);
  EXPECT_EQ(queue.Take(false, std::nullopt), 0U);
  EXPECT_EQ(queue.Take(false, std::nullopt), 2U);
  EXPECT_EQ(queue.Take(false, plans[0].guest), 1U);
  EXPECT_EQ(queue.Take(false, plans[0].guest), 3U) << "better than to do nothing";
}

TEST(PlanQueue, OnTheHostPlansThatSetTheMachineOnTheWayRunAlone) {
  std::vector<Plan> plans{ThatSetsTheMachine(), OfHost(""), ThatSetsTheMachine()};
  plans[2].sandbox = "vm";
  PlanQueue queue(plans, false);
  EXPECT_EQ(TakeAll(queue, false, std::nullopt), (std::vector<std::size_t>{1, 2}));
  EXPECT_EQ(TakeAll(queue, true, std::nullopt), (std::vector<std::size_t>{0}));
}

TEST(PlanQueue, KnowsWhatChangesTheMachine) {
  EXPECT_FALSE(ChangesMachine(OfHost("")));
  EXPECT_TRUE(ChangesMachine(OfHost("1")));
  EXPECT_TRUE(ChangesMachine(ThatSetsTheMachine()));
}

}  // namespace
}  // namespace brink
