// SPDX-License-Identifier: MIT
// What is known of an incident: the section of the format, and that every file that comes with brink has it.
#include "support.h"

namespace brink::testing {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

constexpr const char* kIncident =
    "incident:\n"
    "  class: mapping_count\n"
    "  systems: [RavenDB 4.2]\n"
    "  versions: all\n"
    "  symptom: ['ENOMEM on Failed to munmap', 'mmap, size <n>']\n"
    "  cause: too many\n"
    "  cure: more\n"
    "  cost: little\n"
    "  confirm: count them\n"
    "  takes: 2s\n";

TEST(Incident, IsReadAsItStands) {
  const std::string text = WithProcess(
      "", std::string(kIncident) + "  exclude: few\n  rate: 3 of 4\nreference: [https://a/1, https://b/2]\n");
  EXPECT_THAT(ComplaintsOf(text), IsEmpty());
  const Scenario scenario = ParseScenario(text, "x.yaml").scenario;
  ASSERT_TRUE(scenario.incident);
  EXPECT_EQ(scenario.incident->kind, "mapping_count");
  EXPECT_THAT(scenario.incident->systems, ElementsAre("RavenDB 4.2"));
  EXPECT_THAT(scenario.incident->symptoms, ElementsAre("ENOMEM on Failed to munmap", "mmap, size <n>"));
  EXPECT_EQ(scenario.incident->cause, "too many");
  EXPECT_EQ(scenario.incident->cure, "more");
  EXPECT_EQ(scenario.incident->cost, "little");
  EXPECT_EQ(scenario.incident->confirm, "count them");
  EXPECT_EQ(scenario.incident->exclude, "few");
  EXPECT_EQ(scenario.incident->versions, "all");
  EXPECT_EQ(scenario.incident->takes_s, 2);
  EXPECT_EQ(scenario.incident->rate, "3 of 4");
  EXPECT_THAT(scenario.references, ElementsAre("https://a/1", "https://b/2"));
}

TEST(Incident, OfAUsersOwnScenarioIsNotNeeded) {
  EXPECT_THAT(ComplaintsOf(WithProcess("")), IsEmpty());
  EXPECT_FALSE(ParseScenario(WithProcess(""), "x.yaml").scenario.incident);
}

TEST(Incident, LacksNothingOfWhatIsNeeded) {
  const std::vector<std::string> complaints = ComplaintsOf(WithProcess("", "incident: {class: fork}\n"));
  for (const std::string key : {"systems", "symptom", "cause", "cure", "cost", "confirm"}) {
    EXPECT_THAT(complaints, Contains(HasSubstr("'incident' lacks '" + key + "'")));
  }
  for (const std::string key : {"versions", "exclude", "takes", "rate"}) {
    EXPECT_THAT(complaints, Not(Contains(HasSubstr("'" + key + "'"))));
  }
}

TEST(Incident, ClassIsOfAFixedVocabulary) {
  std::string text = WithProcess("", kIncident);
  text.replace(text.find("mapping_count"), 13, "mapping_cuont");
  EXPECT_THAT(ComplaintsOf(text),
              ElementsAre(AllOf(HasSubstr("no class"), HasSubstr("did you mean 'mapping_count'"))));
}

TEST(Incident, BelongsToTheFileAndNotToACase) {
  EXPECT_THAT(ComplaintsOf(WithProcess("", "cases: {a: {incident: {class: fork}}}\n")),
              Contains(HasSubstr("a case can't have 'incident'")));
}

TEST(ShippedScenarios, EachTellsItsIncident) {
  const auto files = FindScenarioFiles(BRINK_SCENARIOS_DIR);
  ASSERT_TRUE(files);
  for (const std::string& file : *files) {
    const LoadResult loaded = LoadScenario(file);
    EXPECT_THAT(loaded.complaints, IsEmpty()) << file;
    ASSERT_TRUE(loaded.scenario.incident) << file << ": add `incident:` (scenarios/FORMAT.md)";
    EXPECT_THAT(loaded.scenario.incident->versions, Not(IsEmpty())) << file;
    EXPECT_GT(loaded.scenario.incident->takes_s, 0) << file;
    EXPECT_THAT(loaded.scenario.references, Contains(HasSubstr("https://")))
        << file << ": say where it is documented";
    EXPECT_THAT(loaded.scenario.title, Not(IsEmpty())) << file;
  }
}

}  // namespace
}  // namespace brink::testing
