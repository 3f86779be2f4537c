// SPDX-License-Identifier: MIT
// Plans and evidence as JSON and back.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>

#include "model/json.h"

namespace brink {
namespace {

using Json = nlohmann::json;

Plan FullPlan() {
  Plan plan;
  plan.scenario = "s";
  plan.tags = {"a", "b"};
  plan.case_name = "c";
  plan.mark = {.file = "f.yaml", .line = 3, .column = 5};
  plan.parameters = {{"port", "4000"}};
  plan.machine = {{.name = "vm.max_map_count", .value = "4000", .mark = {}}};
  plan.groups = {{.name = "g", .settings = {{.name = "memory.max", .value = "max", .mark = {}}}}};
  ProcessPlan process;
  process.name = "server";
  process.argv = {"/bin/server", "-p"};
  process.env = {{"A", "1"}};
  process.rlimits = {{.name = "RLIMIT_AS", .soft = "10", .hard = "unlimited"}};
  process.oom_score_adj = -5;
  process.ready = Ready{.tcp = 4000, .log = std::nullopt, .exec = {}, .timeout_s = 2.5};
  process.children = {{.name = "kid", .title = "k", .exe = std::nullopt, .oom_score_adj = 800}};
  plan.processes = {process};
  const auto add = [&](auto action) {
    plan.steps.push_back(StepPlan{.as = "x", .action = std::move(action)});
  };
  add(RunStep{.argv = {"/bin/true"}, .env = {}, .image = "redis", .background = true});
  add(SetStep{.machine = {},
              .targets = {{.name = "server", .cgroup = {}, .rlimits = {}, .oom_score_adj = 3, .nice = 1}}});
  add(SignalStep{.process = "server", .signal = 9});
  add(StartStep{.process = "server"});
  add(StopStep{.process = "server"});
  add(WaitStep{.log_pattern = "x",
               .tcp = {},
               .exit = false,
               .map_count_above = 5,
               .memory_above = {},
               .duration_s = {},
               .process = "p"});
  add(SqueezeStep{.process = "server", .to_bytes = 1, .by_bytes = 2, .every_s = 0.5});
  Expectation expect;
  expect.subject = "server";
  expect.outcome = {"survived"};
  expect.failure =
      FailureExpect{.call = {"mmap"}, .errno_name = "ENOMEM", .min_count = 1, .max_count = std::nullopt};
  expect.peak_map_count = Range{.min = std::nullopt, .max = 7.5};
  plan.expect = {expect};
  plan.not_runnable = "why";
  return plan;
}

TEST(PlanJson, ComesBackAsItWas) {
  const Plan plan = FullPlan();
  const auto again = PlanFromJson(PlanToJson(plan));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(PlanToJson(plan), PlanToJson(*again));
  ASSERT_EQ(again->steps.size(), 7U);
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    EXPECT_EQ(again->steps[i].action.index(), i);
  }
  EXPECT_EQ(std::get<SignalStep>(again->steps[2].action).signal, 9);
  EXPECT_EQ(again->processes[0].oom_score_adj, -5);
  EXPECT_EQ(again->processes[0].ready->tcp, 4000);
  EXPECT_FALSE(again->processes[0].ready->log);
  EXPECT_EQ(again->expect[0].peak_map_count->max, 7.5);
  EXPECT_EQ(again->mark.line, 3);
}

TEST(PlanJson, NamesAStepByItsKind) {
  const Json json = Json::parse(PlanToJson(FullPlan()));
  EXPECT_EQ(json["steps"][2]["action"]["signal"]["signal"], 9);
}

TEST(PlanJson, OlderPlansHaveASingleValueWhereAListIsNow) {
  const auto plan = PlanFromJson(
      R"({"expect": [{"exit": 7, "failure": {"call": "mmap"}}, {"exit": null, "failure": {"call": ""}}, {}],)"
      R"( "steps": [{"action": {"run": {}}, "expect": {"exit": 3}}]})");
  ASSERT_TRUE(plan) << plan.error().message;
  EXPECT_EQ(plan->expect[0].exit, std::vector<int>{7});
  EXPECT_EQ(plan->expect[0].failure->call, std::vector<std::string>{"mmap"});
  EXPECT_TRUE(plan->expect[1].exit.empty());
  EXPECT_TRUE(plan->expect[1].failure->call.empty());
  EXPECT_TRUE(plan->expect[2].exit.empty());
  EXPECT_EQ(plan->steps[0].expect.exit, std::vector<int>{3});
}

TEST(EvidenceJson, ComesBackAsItWas) {
  Evidence evidence;
  evidence.grade = EvidenceGrade::kKernel;
  FailedCall call;
  call.args = {UINT64_MAX, 1, 2, 3, 4, 5};
  call.limits.memlock = 65536;
  call.memory_groups = {{.path = "/a", .use = 1, .limit = 2}, {.path = "/", .use = 3}};
  call.overcommit_refused = true;
  evidence.failed_calls = {call};
  evidence.processes.resize(1);
  evidence.processes[0].kind = ProcessRecord::Kind::kChild;
  evidence.processes[0].exit_code = 0;
  evidence.processes[0].complaints = {{.t_s = 0.5, .text = "corrupt"}};
  evidence.oom_kills.resize(1);
  evidence.left_out = {.failed_calls = 5, .signals = 6, .oom_kills = 7};
  evidence.maps.resize(1);
  evidence.maps[0].commonest = {{"rw-p 8 KiB anonymous", 4000}};
  evidence.steps.resize(1);
  evidence.steps[0].patterns = {{"x", true}};
  const auto again = EvidenceFromJson(EvidenceToJson(evidence));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(EvidenceToJson(evidence), EvidenceToJson(*again));
  EXPECT_EQ(again->failed_calls[0].args[0], UINT64_MAX);
  EXPECT_EQ(again->failed_calls[0].limits.memlock, 65536U);
  EXPECT_EQ(again->failed_calls[0].limits.as, kNoLimit);
  EXPECT_EQ(again->failed_calls[0].memory_groups[1].limit, kNoLimit);
  EXPECT_EQ(again->failed_calls[0].overcommit_refused, true);
  EXPECT_EQ(again->processes[0].kind, ProcessRecord::Kind::kChild);
  EXPECT_EQ(again->processes[0].exit_code, 0);
  EXPECT_FALSE(again->processes[0].signal);
  EXPECT_EQ(again->processes[0].complaints.at(0).text, "corrupt");
  EXPECT_EQ(again->left_out.failed_calls, 5U);
  EXPECT_EQ(again->left_out.signals, 6U);
  EXPECT_EQ(again->left_out.oom_kills, 7U);
  EXPECT_EQ(again->maps[0].commonest[0].second, 4000U);
}

TEST(EvidenceJson, NoLimitIsNull) {
  Evidence evidence;
  evidence.oom_kills.resize(1);
  evidence.failed_calls.resize(1);
  const Json json = Json::parse(EvidenceToJson(evidence));
  EXPECT_TRUE(json["oom_kills"][0]["limit_bytes"].is_null());
  EXPECT_TRUE(json["failed_calls"][0]["limits"]["as"].is_null());
}

TEST(EvidenceJson, AbsentFieldsTakeTheirDefaults) {
  const auto evidence = EvidenceFromJson(R"({"failed_calls": [{"call": "mmap"}], "processes": [{}]})");
  ASSERT_TRUE(evidence) << evidence.error().message;
  EXPECT_EQ(evidence->format, 1);
  EXPECT_EQ(evidence->failed_calls[0].limits.as, kNoLimit);
  EXPECT_EQ(evidence->processes[0].kind, ProcessRecord::Kind::kProcess);
}

TEST(EvidenceJson, BytesThatAreNotTextDoNotBreakIt) {
  Evidence evidence;
  evidence.steps.resize(1);
  evidence.steps[0].output = "a\xff\xfe\x01z";
  const auto again = EvidenceFromJson(EvidenceToJson(evidence));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(again->steps[0].output, "a\xEF\xBF\xBD\xEF\xBF\xBD\x01z");
}

TEST(EvidenceJson, ComplaintsNameThePlaceAndWhatWasFound) {
  const auto complaint = [](std::string_view text) {
    const auto evidence = EvidenceFromJson(text);
    return evidence ? std::string("none") : evidence.error().message;
  };
  EXPECT_EQ(complaint("{"), "evidence is not a JSON object");
  EXPECT_EQ(complaint("[]"), "evidence is not a JSON object");
  EXPECT_EQ(complaint(R"({"duration_s": "x"})"), R"(evidence.duration_s: expected a number, found "x")");
  EXPECT_EQ(complaint(R"({"processes": [{}, {"pid": 1.5}]})"),
            "evidence.processes[1].pid: expected a whole number, found 1.5");
  EXPECT_EQ(complaint(R"({"failed_calls": [{"map_count": -1}]})"),
            "evidence.failed_calls[0].map_count: expected a whole number from 0 up, found -1");
  EXPECT_EQ(complaint(R"({"failed_calls": [{"args": [1]}]})"),
            "evidence.failed_calls[0].args: expected a list of 6, found [1]");
  EXPECT_EQ(complaint(R"({"grade": "gold"})"),
            R"(evidence.grade: expected one of kernel, counters, none, found "gold")");
  EXPECT_EQ(complaint(R"({"format": 2})"), "evidence.format: expected at most 1, found 2");
}

TEST(PlanJson, RefusesAStepOfNoKnownKind) {
  const auto plan = PlanFromJson(R"({"steps": [{"action": {"dance": {}}}]})");
  ASSERT_FALSE(plan);
  EXPECT_EQ(plan.error().message, R"(plan.steps[0].action: expected a known kind, found "dance")");
}

}  // namespace
}  // namespace brink
