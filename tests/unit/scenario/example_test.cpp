// SPDX-License-Identifier: MIT
// The example of the format's reference, from text to plan.
#include "support.h"

namespace brink::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A host with the commands of the example, which need not be installed where the tests run.
PlanContext RedisHost() {
  PlanContext context = FakeHost();
  context.search_path = {"/bin"};
  return context;
}

Plan ExamplePlan(const std::string& case_name) { return PlanOf(ExampleText(), case_name, RedisHost()); }

TEST(Example, LoadsWithoutComplaint) {
  const LoadResult loaded = ParseScenario(ExampleText(), "dir/x.yaml");
  EXPECT_THAT(loaded.complaints, IsEmpty());
  EXPECT_EQ(loaded.scenario.name, "redis-bgsave-overcommit");
  EXPECT_THAT(loaded.scenario.tags, ElementsAre("redis", "fork", "overcommit"));
  ASSERT_THAT(loaded.scenario.cases, SizeIs(2));
  EXPECT_EQ(loaded.scenario.cases[0].name, "reported");
  EXPECT_EQ(loaded.scenario.cases[1].name, "tuned");
}

TEST(Example, PlansItsMachineAndGroups) {
  const Plan plan = ExamplePlan("reported");
  ASSERT_THAT(plan.machine, SizeIs(2));
  EXPECT_EQ(plan.machine[0].name, "vm.overcommit_memory");
  EXPECT_EQ(plan.machine[0].value, "2");
  EXPECT_EQ(plan.machine[1].value, "10");
  ASSERT_THAT(plan.groups, SizeIs(1));
  EXPECT_EQ(plan.groups[0].name, "server");
  ASSERT_THAT(plan.groups[0].settings, SizeIs(1));
  EXPECT_EQ(plan.groups[0].settings[0].name, "memory.max");
  EXPECT_EQ(plan.groups[0].settings[0].value, "1073741824");
  EXPECT_EQ(plan.timeout_s, 60);
}

TEST(Example, PlansItsProcess) {
  const Plan plan = ExamplePlan("reported");
  ASSERT_THAT(plan.processes, SizeIs(1));
  const ProcessPlan& server = plan.processes[0];
  EXPECT_THAT(std::vector(server.argv.begin() + 1, server.argv.end()),
              ElementsAre("--port", "4000", "--dir", "/run/case/data", "--save", "", "--enable-debug-command",
                          "yes"));
  EXPECT_EQ(server.ready.value().tcp, 4000);
  EXPECT_EQ(server.ready.value().timeout_s, 10);
  EXPECT_EQ(server.oom_score_adj, 200);
  EXPECT_EQ(server.cwd, "/run/case/data");
  EXPECT_EQ(server.group, "server");
  EXPECT_EQ(server.env.at("MALLOC_ARENA_MAX"), "2");
  ASSERT_THAT(server.rlimits, SizeIs(1));
  EXPECT_EQ(server.rlimits[0].name, "RLIMIT_MEMLOCK");
  EXPECT_EQ(server.rlimits[0].soft, "67108864");
  EXPECT_EQ(server.rlimits[0].hard, "67108864");
  ASSERT_THAT(server.children, SizeIs(1));
  EXPECT_EQ(server.children[0].title, "redis-rdb-bgsave");
}

TEST(Example, PlansItsSteps) {
  const Plan plan = ExamplePlan("reported");
  ASSERT_THAT(plan.steps, SizeIs(4));
  EXPECT_EQ(plan.steps[0].as, "load");
  EXPECT_EQ(plan.steps[0].expect.exit, std::vector<int>{0});
  EXPECT_THAT(std::get<RunStep>(plan.steps[1].action).argv, SizeIs(4));
  const auto& set = std::get<SetStep>(plan.steps[2].action);
  ASSERT_THAT(set.targets, SizeIs(1));
  EXPECT_EQ(set.targets[0].cgroup.at(0).value, "314572800");
  const auto& wait = std::get<WaitStep>(plan.steps[3].action);
  EXPECT_EQ(wait.process, "server");
  EXPECT_EQ(wait.log_pattern, "Background saving");
  EXPECT_EQ(plan.steps[3].timeout_s, 10);
}

TEST(Example, PlansWhatEachCaseExpects) {
  const Plan reported = ExamplePlan("reported");
  ASSERT_THAT(reported.expect, SizeIs(2));
  EXPECT_THAT(reported.expect[0].outcome, ElementsAre("survived"));
  EXPECT_EQ(reported.expect[0].failure.value().call, std::vector<std::string>{"clone"});
  EXPECT_EQ(reported.expect[0].failure.value().errno_name, "ENOMEM");
  EXPECT_EQ(reported.expect[0].binding_limit, "commit_limit");
  EXPECT_EQ(reported.expect[1].subject, "snapshot");
  EXPECT_EQ(reported.expect[1].output, "ERR");

  const Plan tuned = ExamplePlan("tuned");
  EXPECT_EQ(tuned.machine.at(0).value, "1");
  EXPECT_TRUE(tuned.expect.at(0).no_failures);
  EXPECT_FALSE(tuned.expect.at(0).failure);
}

TEST(Example, WithoutRedisIsNotRunnableAndSaysHowToInstallIt) {
  PlanContext context = RedisHost();
  context.package_version = [](const std::string& /*package*/) { return ""; };
  const Plan plan = PlanOf(ExampleText(), "tuned", context);
  EXPECT_EQ(plan.not_runnable, "redis-server is not installed");
  EXPECT_EQ(plan.not_runnable_remedy, "apt-get install redis-server; or let brink: run --install");
}

}  // namespace
}  // namespace brink::testing
