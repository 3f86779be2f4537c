// SPDX-License-Identifier: MIT
// Every folder of cases/ is a run that was judged: plan.json and evidence.json as a run directory has them
// (fields that don't matter left out), and expected.json, the part of the result document that matters. A
// wrong verdict becomes a test by copying its run directory here. In expected.json, objects need only hold
// the fields that matter, and
//   reason_contains       is a list of texts that `reason` must hold,
//   processes_exactly     the names of all processes of the verdict,
//   unmet                 "SUBJECT WHAT" of all expectations that are not met, in order.
// Where there is a folder "paired" with such a plan.json and evidence.json, it is another case of the
// scenario, and the two are compared.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "judge/judge.h"
#include "judge/pairs.h"
#include "judge/schema_check.h"
#include "model/json.h"
#include "report/report.h"

namespace brink {
namespace {

using Json = nlohmann::json;
namespace fs = std::filesystem;

std::string ReadAll(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.is_open()) << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::string> CaseNames() {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(BRINK_JUDGE_CASES)) {
    if (entry.is_directory()) {
      names.push_back(entry.path().filename().string());
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

/// Whether `found` has everything that `expected` has; lists must be as long as expected.
void ExpectHolds(const Json& expected, const Json& found, const std::string& place) {
  if (expected.is_object() && found.is_object()) {
    for (const auto& [key, value] : expected.items()) {
      ASSERT_TRUE(found.contains(key)) << place << "." << key << " is missing";
      ExpectHolds(value, found.at(key), place + "." + key);
    }
  } else if (expected.is_array() && found.is_array()) {
    ASSERT_EQ(expected.size(), found.size()) << place << ": " << found.dump();
    for (std::size_t i = 0; i < expected.size(); ++i) {
      ExpectHolds(expected[i], found[i], place + "[" + std::to_string(i) + "]");
    }
  } else {
    EXPECT_EQ(expected, found) << place;
  }
}

Json TakeOut(Json& object, const char* key) {
  const Json value = object.value(key, Json::array());
  object.erase(key);
  return value;
}

std::vector<std::string> Unmet(const Verdict& verdict) {
  std::vector<std::string> unmet;
  for (const ExpectationResult& result : verdict.expectations) {
    if (result.met == false) {
      unmet.push_back(result.subject + " " + result.what);
    }
  }
  return unmet;
}

std::vector<std::string> ProcessNames(const Verdict& verdict) {
  std::vector<std::string> names;
  for (const auto& [name, process] : verdict.processes) {
    names.push_back(name);
  }
  return names;
}

Verdict JudgeFolder(const fs::path& folder) {
  const auto plan = PlanFromJson(ReadAll(folder / "plan.json"));
  const auto evidence = EvidenceFromJson(ReadAll(folder / "evidence.json"));
  EXPECT_TRUE(plan) << plan.error().message;
  EXPECT_TRUE(evidence) << evidence.error().message;
  return plan && evidence ? Judge(*plan, *evidence) : Verdict{};
}

class SavedEvidence : public ::testing::TestWithParam<std::string> {
 protected:
  static fs::path Folder() { return fs::path(BRINK_JUDGE_CASES) / GetParam(); }
};

TEST_P(SavedEvidence, IsJudgedAsExpected) {
  const auto plan = PlanFromJson(ReadAll(Folder() / "plan.json"));
  const auto evidence = EvidenceFromJson(ReadAll(Folder() / "evidence.json"));
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_TRUE(evidence) << evidence.error().message;

  std::vector<Verdict> verdicts = {Judge(*plan, *evidence)};
  if (fs::exists(Folder() / "paired")) {
    verdicts.push_back(JudgeFolder(Folder() / "paired"));
    ComparePairs(verdicts);
  }
  const Verdict& verdict = verdicts.front();
  const std::string document =
      FormatJson({.brink_version = "0.1.0", .host = evidence->host, .results = {verdict}, .duration_s = 1});
  EXPECT_EQ(testing::SchemaComplaints(document), "") << document;

  Json expected = Json::parse(ReadAll(Folder() / "expected.json"));
  for (const Json& text : TakeOut(expected, "reason_contains")) {
    EXPECT_NE(verdict.reason.find(text.get<std::string>()), std::string::npos)
        << "not in the reason: " << text << "\n  reason: " << verdict.reason;
  }
  if (const Json names = TakeOut(expected, "processes_exactly"); !names.empty()) {
    EXPECT_EQ(ProcessNames(verdict), names.get<std::vector<std::string>>());
  }
  if (expected.contains("unmet")) {
    EXPECT_EQ(Unmet(verdict), TakeOut(expected, "unmet").get<std::vector<std::string>>());
  }
  const Json found = Json::parse(document).at("results").at(0);
  ExpectHolds(expected, found, "result");
  if (HasFailure()) {
    ADD_FAILURE() << "the whole verdict: " << found.dump(1) << "\n" << FormatUnmet(verdict);
  }
}

/// A saved run is judged the same after it was written and read again.
TEST_P(SavedEvidence, SurvivesARoundTrip) {
  const auto plan = PlanFromJson(ReadAll(Folder() / "plan.json"));
  const auto evidence = EvidenceFromJson(ReadAll(Folder() / "evidence.json"));
  ASSERT_TRUE(plan && evidence);
  const auto plan_again = PlanFromJson(PlanToJson(*plan));
  const auto evidence_again = EvidenceFromJson(EvidenceToJson(*evidence));
  ASSERT_TRUE(plan_again) << plan_again.error().message;
  ASSERT_TRUE(evidence_again) << evidence_again.error().message;
  EXPECT_EQ(PlanToJson(*plan), PlanToJson(*plan_again));
  EXPECT_EQ(EvidenceToJson(*evidence), EvidenceToJson(*evidence_again));
  const RunReport once{.brink_version = "0", .host = {}, .results = {Judge(*plan, *evidence)}};
  const RunReport again{.brink_version = "0", .host = {}, .results = {Judge(*plan_again, *evidence_again)}};
  EXPECT_EQ(FormatJson(once), FormatJson(again));
}

INSTANTIATE_TEST_SUITE_P(Cases, SavedEvidence, ::testing::ValuesIn(CaseNames()), [](const auto& param) {
  std::string name = param.param;
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
});

/// The contract's outcomes and names of limits, each with at least one saved run.
TEST(SavedEvidenceAsAWhole, ShowsEveryOutcomeAndEveryLimit) {
  std::set<std::string> outcomes;
  std::set<std::string> limits;
  for (const std::string& name : CaseNames()) {
    const Json expected = Json::parse(ReadAll(fs::path(BRINK_JUDGE_CASES) / name / "expected.json"));
    if (expected.contains("outcome")) {
      outcomes.insert(expected["outcome"].get<std::string>());
    }
    if (expected.contains("binding_limit") && expected["binding_limit"].is_object()) {
      limits.insert(expected["binding_limit"]["name"].get<std::string>());
    }
  }
  const Json schema = Json::parse(ResultJsonSchema()).at("definitions");
  EXPECT_EQ(outcomes, schema.at("outcome").at("enum").get<std::set<std::string>>());
  EXPECT_EQ(limits,
            schema.at("binding_limit").at("properties").at("name").at("enum").get<std::set<std::string>>());
}

}  // namespace
}  // namespace brink
