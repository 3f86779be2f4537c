// SPDX-License-Identifier: MIT
#include "catalogue/entry.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "catalogue/list_forms.h"
#include "scenario/load.h"

namespace brink {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

constexpr const char* kScenario = R"yaml(
name: fork-fails
title: It cannot fork
reference: [https://example.org/1]
tags: [fork]
processes:
  server:
    run: [/usr/bin/redis-server, --port, "1"]
    requires: {debian: [redis-server, redis-tools]}
  client: {run: [redis-cli], requires: {debian: redis-tools}}
steps:
  - {run: [sqlite3], requires: {debian: sqlite3}}
cases:
  reported:
    expect:
      server: {outcome: survived, failure: {call: clone, errno: ENOMEM}, binding_limit: commit_limit}
  wrong-cure:
    machine: {sysctl: {vm.overcommit_memory: 0}}
    expect:
      server: {outcome: [failed, oom_killed], binding_limit: memory.max}
      client: {binding_limit: none}
)yaml";

TEST(CatalogueEntry, TellsWhatTheCasesSayEachWordOnce) {
  const LoadResult loaded = ParseScenario(kScenario, "/catalogue/redis/fork-fails.yaml");
  ASSERT_THAT(loaded.complaints, IsEmpty());
  const CatalogueEntry entry = EntryOf(loaded.scenario);
  EXPECT_EQ(entry.system, "redis");
  EXPECT_THAT(entry.references, ElementsAre("https://example.org/1"));
  EXPECT_THAT(entry.cases, ElementsAre("reported", "wrong-cure"));
  EXPECT_THAT(entry.software, ElementsAre("redis-server", "redis-tools", "sqlite3"));
  EXPECT_THAT(entry.programs, ElementsAre("redis-server", "redis-cli"));
  EXPECT_THAT(entry.binding_limits, ElementsAre("commit_limit", "memory.max"));
  EXPECT_THAT(entry.calls, ElementsAre("clone"));
  EXPECT_THAT(entry.errnos, ElementsAre("ENOMEM"));
  EXPECT_TRUE(entry.oom_kill);
  EXPECT_FALSE(entry.incident);
}

// A model with another allocator is a model.
TEST(CatalogueEntry, KnowsTheLimitsThatHoldAProcessUp) {
  for (const char* expected : {"{outcome: stalled, binding_limit: memory.max}",
                               "{outcome: survived, stalled: true, binding_limit: memory.max}",
                               "{outcome: hung, stalled: true, binding_limit: memory.max}"}) {
    const LoadResult loaded = ParseScenario(
        std::string("name: n\nprocesses: {p: {run: [\"true\"]}}\nexpect: {p: ") + expected + "}\n", "n.yaml");
    EXPECT_THAT(EntryOf(loaded.scenario).stall_limits, ElementsAre("memory.max")) << expected;
  }
}

TEST(CatalogueEntry, IsOfRealSoftwareWhereSomeOfItIsRun) {
  const auto is_real = [](const std::string& process, const std::string& file = "/sysv/x.yaml") {
    return EntryOf(ParseScenario("name: x\nprocesses: {p: {" + process + "}}\n", file).scenario).real;
  };
  EXPECT_FALSE(is_real("run: [true]"));
  EXPECT_FALSE(is_real("run: [true], requires: {debian: libjemalloc2}, env: {LD_PRELOAD: /lib/a.so}"));
  EXPECT_TRUE(is_real("run: [redis-server], requires: {debian: redis-server}"));
  const std::string script = "run: [/usr/bin/python3, \"${scenario_dir}/a.py\"], requires: {debian: ";
  EXPECT_FALSE(is_real(script + "python3}"));
  EXPECT_TRUE(is_real(script + "python3-lmdb}"));
  EXPECT_TRUE(is_real(script + "python3}", "/python/x.yaml"));
}

TEST(CatalogueEntry, OfAFileThatIsOnlySkimmedIsTheSame) {
  const auto files = FindScenarioFiles(BRINK_SOURCE_DIR "/scenarios");
  ASSERT_TRUE(files);
  for (const std::string& file : *files) {
    const std::vector<CatalogueEntry> skimmed{EntryOf(SkimScenario(file).scenario)};
    const std::vector<CatalogueEntry> checked{EntryOf(LoadScenario(file).scenario)};
    EXPECT_EQ(FormatListJson(skimmed), FormatListJson(checked));
    EXPECT_EQ(skimmed[0].calls, checked[0].calls) << file;
    EXPECT_EQ(skimmed[0].errnos, checked[0].errnos) << file;
  }
}

TEST(CatalogueEntry, OfAFileThatIsNoYamlIsAComplaint) {
  EXPECT_THAT(SkimScenario("/nowhere/x.yaml").complaints, ::testing::SizeIs(1));
  EXPECT_THAT(SkimScenario(BRINK_SOURCE_DIR "/README.md").complaints, ::testing::Not(IsEmpty()));
}

}  // namespace
}  // namespace brink
