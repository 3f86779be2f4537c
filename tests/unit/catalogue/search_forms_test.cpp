// SPDX-License-Identifier: MIT
#include "catalogue/search_forms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace brink {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

std::vector<CatalogueEntry> Two() {
  std::vector<CatalogueEntry> entries;
  for (const char* name : {"one", "two"}) {
    entries.push_back(
        {.name = name, .title = "T", .file = std::string("scenarios/x/") + name + ".yaml", .system = "x"});
    entries.back().incident = Incident{.kind = "fork",
                                       .systems = {},
                                       .symptoms = {"fork failed"},
                                       .cause = "why",
                                       .cure = "this",
                                       .cost = "that",
                                       .confirm = "look here",
                                       .exclude = "not there"};
  }
  return entries;
}

SearchMatch Match(std::size_t entry, MatchKind kind, std::uint64_t line) {
  return {.entry = entry,
          .kind = kind,
          .score = 1.2345,
          .line = {.score = 1, .number = line, .text = "a \x1b[31mline", .lines = 3},
          .symptom = kind == MatchKind::kMessage ? "fork failed" : "",
          .common = {"fork"}};
}

TEST(SearchText, ToldTogetherIsWhatOneLineSpeaksFor) {
  const auto entries = Two();
  const std::string text =
      FormatSearchText({.catalogue = entries,
                        .matches = {Match(0, MatchKind::kMessage, 7), Match(1, MatchKind::kMessage, 7)},
                        .lines = 9},
                       {});
  EXPECT_THAT(text,
              HasSubstr("2 incidents show this message; what tells them apart:\n  line 7 (and 2 more): a "));
  EXPECT_THAT(text, HasSubstr("\n  one: T\n    symptom:   fork failed\n    confirm:   look here\n"
                              "    exclude:   not there\n    reproduce: brink run scenarios/x/one.yaml\n"));
  EXPECT_THAT(text, Not(HasSubstr("\x1b"))) << "a log must not move the cursor";
}

/// Entries of which all match so.
SearchReport Many(const std::vector<CatalogueEntry>& entries, MatchKind kind = MatchKind::kWords) {
  SearchReport report{.catalogue = entries, .matches = {}, .lines = 0};
  for (std::size_t at = 0; at < entries.size(); ++at) {
    report.matches.push_back(Match(at, kind, 0));
  }
  return report;
}

std::vector<CatalogueEntry> Entries(int count) {
  std::vector<CatalogueEntry> entries;
  for (int number = 1; number <= count; ++number) {
    entries.push_back(Two().front());
    entries.back().name = "incident-" + std::to_string(number);
  }
  return entries;
}

std::size_t Count(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(SearchText, OfManyMatchesTheFirstAreToldInFullAndTheOthersInALineEach) {
  const auto entries = Entries(17);
  const std::string text = FormatSearchText(Many(entries), {});
  EXPECT_THAT(text, HasSubstr("17 incidents have these words"));
  EXPECT_EQ(Count(text, "    confirm: "), 3U) << text;
  EXPECT_THAT(text, HasSubstr("\n\n  incident-4: T\n  incident-5: T\n"));
  EXPECT_THAT(text,
              HasSubstr("  incident-17: T\n\nThe first 3 of 17 are told in full: --all tells of each."));
}

TEST(SearchText, AFewMatchesAndAllThatWereAskedForAreToldInFull) {
  const auto few = Entries(5);
  EXPECT_EQ(Count(FormatSearchText(Many(few), {}), "    confirm: "), 5U);
  EXPECT_THAT(FormatSearchText(Many(few), {}), Not(HasSubstr("--all")));
  const auto many = Entries(17);
  SearchReport all = Many(many);
  all.all = true;
  EXPECT_EQ(Count(FormatSearchText(all, {}), "    confirm: "), 17U);
  EXPECT_THAT(FormatSearchText(all, {}), Not(HasSubstr("--all")));
}

TEST(SearchText, ALineIsCutToATerminalsWidth) {
  auto entries = Entries(6);
  entries.back().title = std::string(100, 'x');
  const std::string text = FormatSearchText(Many(entries), {.colour = false, .width = 40, .cut_cells = true});
  EXPECT_THAT(text, HasSubstr("  incident-6: " + std::string(25, 'x') + "\xE2\x80\xA6\n"));
}

TEST(SearchText, OfManyCandidatesNoneIsToldInFull) {
  const auto entries = Entries(17);
  for (const auto& [kind, heading] : std::vector<std::pair<MatchKind, std::string>>{
           {MatchKind::kErrno, "17 show its errno, which many failures have: candidates, not findings:\n"},
           {MatchKind::kLimit, "17 are of the limit that it names: candidates, not findings:\n"}}) {
    const std::string text = FormatSearchText(Many(entries, kind), {});
    EXPECT_THAT(text, ::testing::StartsWith("no incident of the catalogue shows this message; " + heading +
                                            "\n  incident-1: T\n"));
    EXPECT_EQ(Count(text, "    confirm: "), 0U) << text;
    EXPECT_THAT(text, HasSubstr("  incident-17: T\n\n--all tells of each in full."));
  }
}

TEST(SearchText, CandidatesOfSeveralLinesStandTogether) {
  const auto entries = Entries(3);
  SearchReport report = Many(entries, MatchKind::kErrno);
  report.matches[1].line.number = 7;
  EXPECT_EQ(Count(FormatSearchText(report, {}), "candidates, not findings"), 1U);
}

TEST(SearchText, SaysThatAKillIsNoFinding) {
  const auto entries = Two();
  SearchMatch match = Match(0, MatchKind::kErrno, 0);
  match.common = {"sigkill"};
  const std::string text = FormatSearchText({.catalogue = entries, .matches = {match}, .lines = 0}, {});
  EXPECT_THAT(text, HasSubstr("; 1 shows such a kill, which many failures have: candidates, not findings:"));
}

TEST(SearchText, SaysThatAnErrnoIsNoFinding) {
  const auto entries = Two();
  SearchMatch match = Match(0, MatchKind::kErrno, 0);
  match.errno_alone = true;
  const std::string text = FormatSearchText({.catalogue = entries, .matches = {match}, .lines = 0}, {});
  EXPECT_THAT(text,
              ::testing::StartsWith(
                  "1 incident shows this errno, which many failures have: candidates, not findings:\n"));
  EXPECT_THAT(text, HasSubstr("in common: fork\n"));
  EXPECT_THAT(text, Not(HasSubstr("line 0")));
}

TEST(SearchText, SaysThatNothingMatches) {
  const auto entries = Two();
  EXPECT_EQ(FormatSearchText({.catalogue = entries, .matches = {}, .lines = 5}, {}),
            "nothing in the catalogue matches (2 incidents, 5 lines read)\n");
}

TEST(SearchJson, IsOneDocumentWhateverTheLogHolds) {
  const auto entries = Two();
  SearchMatch match = Match(1, MatchKind::kErrno, 0);
  match.line.text = "\xff";
  const auto document =
      nlohmann::json::parse(FormatSearchJson({.catalogue = entries, .matches = {match}, .lines = 0}));
  EXPECT_EQ(document["searched"], 2);
  const auto& first = document["matches"][0];
  EXPECT_EQ(first["name"], "two");
  EXPECT_EQ(first["kind"], "errno");
  EXPECT_EQ(first["score"], 1.23);
  EXPECT_EQ(first["symptom"], nullptr);
  EXPECT_EQ(first["line_number"], nullptr);
  EXPECT_EQ(first["confirm"], "look here");
  EXPECT_EQ(first["command"], "brink run scenarios/x/two.yaml");
}

TEST(SearchCommand, IsQuotedWhereAShellWouldSplitIt) {
  CatalogueEntry entry{.name = "n", .title = "", .file = "my files/it's.yaml", .system = ""};
  EXPECT_EQ(CommandOf(entry), R"(brink run 'my files/it'\''s.yaml')");
}

}  // namespace
}  // namespace brink
