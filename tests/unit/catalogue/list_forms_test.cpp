// SPDX-License-Identifier: MIT
#include "catalogue/list_forms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "shipped.h"

namespace brink {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

std::vector<CatalogueEntry> Three() {
  return {{.name = "b",
           .title = "B | breaks",
           .file = "s/redis/b.yaml",
           .system = "redis",
           .incident = Incident{.kind = "fork",
                                .systems = {"Redis"},
                                .versions = "all",
                                .symptoms = {"x"},
                                .cause = "c",
                                .cure = "d",
                                .cost = "e",
                                .confirm = "f",
                                .exclude = "",
                                .takes_s = 3.5,
                                .rate = ""},
           .cases = {"reported", "tuned"},
           .software = {"redis-server"},
           .real = true,
           .binding_limits = {"commit_limit", "memory.max"}},
          {.name = "a",
           .title = "",
           .file = "s/fork/a.yaml",
           .system = "fork",
           .tags = {"demo"},
           .cases = {"default"},
           .programs = {"hog"}},
          {.name = "c",
           .title = "C",
           .file = "s/redis/c.yaml",
           .system = "redis",
           .incident = Incident{.kind = "mapping_count",
                                .systems = {"Redis"},
                                .versions = {},
                                .symptoms = {"y"},
                                .cause = "c",
                                .cure = "d",
                                .cost = "e",
                                .confirm = "f",
                                .exclude = "g",
                                .takes_s = 0,
                                .rate = {}},
           .cases = {"reported"},
           .software = {"redis-server"},
           .real = true,
           .binding_limits = {"vm.max_map_count"}}};
}

/// The lines that begin at the margin: head, headings, and the last one.
std::vector<std::string> AtMargin(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (!line.starts_with(' ')) {
      lines.push_back(line);
    }
  }
  return lines;
}

TEST(ListText, HasAHeadingForEachSystem) {
  const std::string text = FormatListText(Three(), ListBy::kSystem);
  EXPECT_THAT(AtMargin(text), ElementsAre("fork", "redis", "3 incidents, 2 of them on real software"));
  EXPECT_THAT(text, HasSubstr("commit_limit, memory.max  redis-server  reported, tuned\n    B | breaks\n"
                              "    s/redis/b.yaml   takes 3.5 s\n"));
  EXPECT_THAT(text, HasSubstr("model: hog    default\n    s/fork/a.yaml   tags: demo\n"));
}

TEST(ListText, CountsTheCasesWhereTheyAreMany) {
  std::vector<CatalogueEntry> entries = Three();
  entries[0].cases = {"a", "b", "c", "d", "e"};
  EXPECT_THAT(FormatListText(entries, ListBy::kSystem), HasSubstr("  a, b, c and 2 more\n"));
}

TEST(ListText, ByLimitNamesAnIncidentBelowEachOfItsLimits) {
  EXPECT_THAT(AtMargin(FormatListText(Three(), ListBy::kLimit)),
              ElementsAre("vm.max_map_count", "commit_limit", "memory.max", "no binding limit",
                          "3 incidents, 2 of them on real software"));
}

TEST(ListText, ByClassFollowsTheVocabulary) {
  EXPECT_THAT(AtMargin(FormatListText(Three(), ListBy::kClass)),
              ElementsAre("mapping_count", "fork", "no class", "3 incidents, 2 of them on real software"));
}

TEST(ListMarkdown, IsOneTableWithLinks) {
  const std::string text = FormatListMarkdown(Three(), ListBy::kSystem);
  EXPECT_THAT(
      text,
      HasSubstr(
          "| redis | [b](s/redis/b.yaml) | B \\| breaks | `commit_limit`, `memory.max` | redis-server |\n"
          "|  | [c](s/redis/c.yaml) | C | `vm.max_map_count` | redis-server |\n"));
}

TEST(ListJson, HoldsAllThatIsKnown) {
  const auto document = nlohmann::json::parse(FormatListJson(Three()));
  const auto& first = document["incidents"][0];
  EXPECT_EQ(first["name"], "b");
  EXPECT_EQ(first["class"], "fork");
  EXPECT_EQ(first["versions"], "all");
  EXPECT_EQ(first["takes_s"], 3.5);
  EXPECT_EQ(first["exclude"], nullptr);
  EXPECT_EQ(first["rate"], nullptr);
  EXPECT_EQ(first["software"], nlohmann::json({"redis-server"}));
  EXPECT_EQ(document["incidents"][1]["class"], nullptr);
  EXPECT_EQ(document["incidents"].size(), 3U);
}

TEST(WithCatalogue, ReplacesWhatIsBetweenTheMarkersAlone) {
  const std::string document =
      "before\n<!-- catalogue: made by x -->\nold\n<!-- end of catalogue -->\nafter\n";
  EXPECT_EQ(WithCatalogue(document, "new\n").value(),
            "before\n<!-- catalogue: made by x -->\nnew\n<!-- end of catalogue -->\nafter\n");
  for (const char* text :
       {"", "<!-- catalogue: x -->\n", "<!-- end of catalogue --><!-- catalogue: x -->\n"}) {
    EXPECT_FALSE(WithCatalogue(text, "new")) << text;
  }
}

/// What the catalogue is for: no incident without its reproduction, its cure, and what would exclude it.
TEST(ShippedCatalogue, HasOverFortyIncidentsMostlyOfRealSoftwareEachWithItsCure) {
  const std::vector<CatalogueEntry>& entries = testing::Catalogue();
  EXPECT_GE(entries.size(), 45U);
  EXPECT_GE(std::count_if(entries.begin(), entries.end(), [](const auto& entry) { return entry.real; }), 25);
  for (const CatalogueEntry& entry : entries) {
    EXPECT_THAT(entry.cases, AllOf(Contains("reported"), Contains("tuned"))) << entry.file;
    ASSERT_TRUE(entry.incident) << entry.file;
    EXPECT_FALSE(entry.incident->exclude.empty()) << entry.file;
  }
}

TEST(Readme, HasTheTableOfTheCatalogueAsItIs) {
  const auto expected = testing::ReadmeWithCatalogue(BRINK_SOURCE_DIR);
  ASSERT_TRUE(expected) << expected.error().message;
  EXPECT_EQ(testing::ReadmeText(BRINK_SOURCE_DIR), *expected)
      << "regenerate it: build the target format_docs";
}

}  // namespace
}  // namespace brink
