// SPDX-License-Identifier: MIT
#include "explain/forms.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "base/units.h"

namespace brink {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

LivingProcess NearItsLimit() {
  LivingProcess process;
  process.pid = 40;
  process.comm = "se\x1brver";
  process.command = {"/srv/server", "--all"};
  process.mappings = 900;
  process.machine.max_map_count = 1000;
  process.machine.memory_total_bytes = 1000 * kMiB;
  process.machine.memory_available_bytes = 800 * kMiB;
  process.memory_groups = {{.path = "/app", .use = 30 * kMiB, .limit = 64 * kMiB, .pids = {40, 41}},
                           {.path = "/"}};
  process.processes = {{.pid = 40, .comm = "server", .rss = 16 * kMiB, .page_tables = 4096},
                       {.pid = 41, .comm = "helper", .rss = 4 * kMiB, .oom_score_adj = 500},
                       {.pid = 50, .comm = "other", .rss = 200 * kMiB}};
  process.unread["cwd"] = {.message = "may not", .remedy = "be root"};
  return process;
}

TEST(ExplainText, ShowsLimitsTheChoiceAndIncidents) {
  std::vector<CatalogueEntry> catalogue(1);
  catalogue[0].name = "too-many";
  catalogue[0].title = "Too many mappings";
  catalogue[0].file = "scenarios/too-many.yaml";
  catalogue[0].binding_limits = {"vm.max_map_count"};
  const Explanation explanation = Explain(NearItsLimit(), catalogue);
  const std::string text = FormatExplanationText(explanation, catalogue, {});
  EXPECT_THAT(text, HasSubstr("vm.max_map_count  900      1,000     90%"));
  EXPECT_THAT(
      text,
      HasSubstr(
          "memory.max        30 MiB   64 MiB    46%  group /app: the group's OOM killer takes a process"));
  EXPECT_THAT(text,
              HasSubstr("The OOM killer of group /app would take, most points first:\n"
                        "  1. helper (41): 9,024 points = 1,024 pages resident + 0 of page tables + 500 "
                        "(oom_score_adj) x 16\n"));
  EXPECT_THAT(
      text, HasSubstr("  2. server (40, this one): 4,097 points = 4,096 pages resident + 1 of page tables"));
  EXPECT_THAT(text, HasSubstr("The OOM killer of the machine would take"));
  EXPECT_THAT(text, HasSubstr("too-many: Too many mappings (vm.max_map_count is at 90%)\n"
                              "    brink run scenarios/too-many.yaml\n"));
  EXPECT_THAT(text, HasSubstr("cwd unknown: may not (be root)"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b"))) << "a name may hold anything";
}

TEST(ExplainText, LevelsThatTakeTheSameForTheSameReasonShareALine) {
  LivingProcess process = NearItsLimit();
  process.memory_groups = {{.path = "/pod/app", .limit = 64 * kMiB, .pids = {40, 41}},
                           {.path = "/pod", .limit = 80 * kMiB, .pids = {40, 41}},
                           {.path = "/"}};
  process.processes[1].oom_score_adj = 0;
  const auto text = [&] { return FormatExplanationText(Explain(process, {}), {}, {}); };
  EXPECT_THAT(text(), AllOf(HasSubstr("The same for the same reason: the OOM killer of group /pod.\n"),
                            Not(HasSubstr("The OOM killer of group /pod would")),
                            HasSubstr("The OOM killer of the machine would take")));
  process.processes.pop_back();
  EXPECT_THAT(text(), HasSubstr("The same for the same reason: the OOM killers of group /pod and of the "
                                "machine.\n"));
  process.processes[1].oom_score_adj = 500;  // a share of what each level has
  EXPECT_THAT(text(), AllOf(HasSubstr("The OOM killer of group /pod would"), Not(HasSubstr("The same"))));
  EXPECT_EQ(nlohmann::json::parse(FormatExplanationJson(Explain(process, {}), {}))["oom"].size(), 3U);
}

TEST(ExplainText, SaysWhyItIsNeverTaken) {
  LivingProcess process = NearItsLimit();
  process.processes[0].oom_score_adj = -1000;
  EXPECT_THAT(FormatExplanationText(Explain(process, {}), {}, {}),
              HasSubstr("This one is never taken: its oom_score_adj is -1000."));
}

TEST(ExplainJson, HoldsTheSameFigures) {
  const auto document = nlohmann::json::parse(FormatExplanationJson(Explain(NearItsLimit(), {}), {}));
  EXPECT_EQ(document["process"]["pid"], 40);
  EXPECT_EQ(document["limits"][0]["limit"], "vm.max_map_count");
  EXPECT_EQ(document["limits"][0]["percent"], 90.0);
  EXPECT_EQ(document["oom"][0]["group"], "/app");
  EXPECT_EQ(document["oom"][0]["candidates"][0]["pid"], 41);
  EXPECT_EQ(document["oom"][0]["candidates"][0]["points"], 9024);
  EXPECT_EQ(document["oom"][1]["group"], nullptr);
  EXPECT_EQ(document["incidents"], nlohmann::json::array());
  EXPECT_EQ(document["notes"][0], "cwd unknown: may not (be root)");
}

}  // namespace
}  // namespace brink
