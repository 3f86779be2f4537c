// SPDX-License-Identifier: MIT
// Cases laid over their scenario.
#include "scenario/merge.h"
#include "scenario/yaml_tree.h"
#include "support.h"

namespace brink::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

/// A tree in one line: {k: v, ...}, [v, ...], ~.
std::string Show(const Node& node) {
  std::string text;
  switch (node.kind) {
    case Node::Kind::kNull:
      return "~";
    case Node::Kind::kScalar:
      return node.scalar;
    case Node::Kind::kList:
      for (const Node& item : node.items) {
        text += (text.empty() ? "" : ", ") + Show(item);
      }
      return "[" + text + "]";
    case Node::Kind::kMap:
      for (const auto& [key, value] : node.entries) {
        text += (text.empty() ? "" : ", ") + key.scalar + ": " + Show(value);
      }
      return "{" + text + "}";
  }
  return "?";
}

std::string Merged(const std::string& base, const std::string& over) {
  return Show(MergeNodes(ParseYamlTree(base, "x").root, ParseYamlTree(over, "x").root));
}

TEST(Merge, JoinsMapsAndReplacesTheRest) {
  EXPECT_EQ(Merged("{a: {b: 1, c: 2}, d: 3}", "{a: {c: 4, e: 5}}"), "{a: {b: 1, c: 4, e: 5}, d: 3}");
  EXPECT_EQ(Merged("{a: [1, 2]}", "{a: [3]}"), "{a: [3]}");
  EXPECT_EQ(Merged("{a: {b: 1}}", "{a: 2}"), "{a: 2}");
  EXPECT_EQ(Merged("{a: 2}", "{a: {b: 1}}"), "{a: {b: 1}}");
}

TEST(Merge, NullRemovesWhatIsThereAndStaysWhereNothingIs) {
  EXPECT_EQ(Merged("{a: 1, b: {c: 2, d: 3}}", "{a: ~, b: {c: null}}"), "{b: {d: 3}}");
  EXPECT_EQ(Merged("{a: 1}", "{b: ~}"), "{a: 1, b: ~}");
}

TEST(Merge, KeepsThePlaceWhereEachValueWasWritten) {
  const Node merged =
      MergeNodes(ParseYamlTree("a: 1\nb: 2\n", "x").root, ParseYamlTree("\n\n\nb: 3\n", "x").root);
  EXPECT_EQ(Find(merged, "a")->mark.line, 1);
  EXPECT_EQ(Find(merged, "b")->mark.line, 4);
}

TEST(Cases, WithoutAnyThereIsOneCalledDefault) {
  const LoadResult loaded = ParseScenario(WithProcess(""), "x.yaml");
  ASSERT_THAT(loaded.scenario.cases, SizeIs(1));
  EXPECT_EQ(loaded.scenario.cases[0].name, "default");
}

TEST(Cases, OverrideAnything) {
  const std::string text = WithProcess(
      "    nice: 3\n    env: {A: \"1\", B: \"2\"}\n    ready: {log: up}\n",
      "title: t\n"
      "timeout: 5s\n"
      "cases:\n"
      "  same:\n"
      "  other:\n"
      "    title: u\n"
      "    timeout: 2min\n"
      "    processes: {p: {nice: ~, env: {B: \"3\"}, ready: {log: ~, tcp: 80}}, q: {run: [\"true\"]}}\n");
  const Plan same = PlanOf(text, "same");
  EXPECT_EQ(same.title, "t");
  EXPECT_EQ(same.timeout_s, 5);
  EXPECT_EQ(same.processes.at(0).nice, 3);
  const Plan other = PlanOf(text, "other");
  EXPECT_EQ(other.title, "u");
  EXPECT_EQ(other.timeout_s, 120);
  ASSERT_THAT(other.processes, SizeIs(2));
  EXPECT_EQ(other.processes[0].nice, std::nullopt);
  EXPECT_EQ(other.processes[0].env, (std::map<std::string, std::string>{{"A", "1"}, {"B", "3"}}));
  EXPECT_EQ(other.processes[0].ready.value().tcp, 80);
  EXPECT_EQ(other.processes[0].ready.value().log, std::nullopt);
}

TEST(Cases, MayCompleteWhatTheScenarioLeavesOpen) {
  const std::string text =
      "name: n\nprocesses: {p: {nice: 1}}\ncases: {a: {processes: {p: {run: [\"true\"]}}}}\n";
  EXPECT_THAT(PlanOf(text, "a").processes.at(0).argv, ElementsAre("/usr/bin/true"));
}

TEST(Cases, AreNotTwinsWhenAParameterDiffers) {
  const std::string text = WithProcess("    nice: \"${n}\"\n",
                                       "parameters: {n: 1}\n"
                                       "cases: {a: {}, b: {parameters: {n: 2}}}\n");
  EXPECT_THAT(ComplaintsOf(text), IsEmpty());
  EXPECT_EQ(PlanOf(text, "a").processes.at(0).nice, 1);
  EXPECT_EQ(PlanOf(text, "b").processes.at(0).nice, 2);
}

}  // namespace
}  // namespace brink::testing
