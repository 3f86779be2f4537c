// SPDX-License-Identifier: MIT
// Every shipped case on this host and in a guest: one judgement, whatever machine it ran on. A test is a
// scenario, so that --gtest_filter chooses among them. Takes an hour and more, so it is for the build target
// `nightly` alone. What could be compared and what not, with the reasons, is printed at the end.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <cctype>
#include <chrono>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "guest/guest_fixture.h"

namespace brink::live {
namespace {

namespace fs = std::filesystem;
using json = nlohmann::json;

/// What a person takes from a verdict; figures differ from run to run. Which of a program's calls meets a
/// limit first depends on how the kernel merges its mappings; where it matters, the case expects it.
json Told(const json& result) {
  // How long a survivor was held up depends on the machine, too; where it matters, the case expects it.
  const auto outcome = [](const json& of) {
    return of["outcome"] == "stalled" ? json("survived") : of["outcome"];
  };
  json told{{"outcome", outcome(result)}, {"expected_met", result["expected_met"]}};
  told["limit"] = result["binding_limit"].is_null() ? json() : result["binding_limit"]["name"];
  const json& failure = result["first_failure"];
  told["failure"] = failure.is_null() ? json() : json{failure["process"], failure["errno"]};
  for (const auto& [name, process] : result["processes"].items()) {
    told["processes"][name] = outcome(process);
  }
  return told;
}

/// Nothing of it was run: a package is missing, or it takes another machine.
bool WasLeftOut(const json& result) {
  return result["outcome"] == "inconclusive" && result["processes"].empty();
}

/// Paths below the folder of scenarios, without ".yaml".
std::vector<std::string> ShippedScenarios() {
  std::vector<std::string> found;
  for (const auto& entry : fs::recursive_directory_iterator(BRINK_SCENARIOS)) {
    if (entry.path().extension() == ".yaml") {
      found.push_back(fs::relative(entry.path(), BRINK_SCENARIOS).replace_extension().string());
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

class ShippedCases : public GuestTest, public testing::WithParamInterface<std::string> {
 protected:
  static void TearDownTestSuite() {
    std::cout << fmt::format("compared: {} cases; left out: {}\n", compared_, left_out_.size());
    for (const std::string& line : left_out_) {
      std::cout << "  " << line << "\n";
    }
  }

  void SetUp() override {
    GuestTest::SetUp();
    patience_ = std::chrono::hours(1);
  }

  /// By case.
  [[nodiscard]] std::map<std::string, json> Verdicts(const std::string& sandbox) {
    const Ended ended = Run({fmt::format("{}/{}.yaml", BRINK_SCENARIOS, GetParam()), "--sandbox", sandbox});
    std::map<std::string, json> verdicts;
    const json document = ExpectOneDocument(ended.output);
    if (!document.is_object()) {
      ADD_FAILURE() << "--sandbox " << sandbox << ": " << ended.errors;
      return verdicts;
    }
    for (const json& result : document["results"]) {
      verdicts[result["case"].get<std::string>()] = result;
    }
    return verdicts;
  }

  void LeaveOut(const std::string& name, const json& result) {
    left_out_.push_back(fmt::format("{}/{} ({}): {}", GetParam(), name, result["sandbox"].get<std::string>(),
                                    result["reason"].get<std::string>()));
    reasons_.insert(result["reason"].get<std::string>());
  }

  void Compare(const std::string& name, const json& there, const json& here) {
    ++compared_;
    EXPECT_EQ(there["expected_met"], true) << name;
    EXPECT_EQ(Told(there), Told(here)) << name << "\n  guest: " << there["reason"] << " " << there["run_dir"]
                                       << "\n  host: " << here["reason"] << " " << here["run_dir"];
  }

  std::set<std::string> reasons_;

  inline static std::size_t compared_ = 0;
  inline static std::vector<std::string> left_out_;
};

TEST_P(ShippedCases, HaveTheHostsVerdictInAGuest) {
  const auto here = Verdicts("host");
  std::map<std::string, json> ran;
  for (const auto& [name, verdict] : here) {
    if (WasLeftOut(verdict)) {
      LeaveOut(name, verdict);
    } else {
      ran[name] = verdict;
    }
  }
  ASSERT_FALSE(here.empty());
  if (ran.empty()) {
    GTEST_SKIP() << fmt::format("no case of it runs on this host: {}", fmt::join(reasons_, "; "));
  }
  const auto there = Verdicts("vm");
  for (const auto& [name, verdict] : ran) {
    ASSERT_TRUE(there.contains(name)) << name;
    Compare(name, there.at(name), verdict);
  }
}

std::string TestName(const testing::TestParamInfo<std::string>& of) {
  std::string name = of.param;
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Each, ShippedCases, testing::ValuesIn(ShippedScenarios()), TestName);

}  // namespace
}  // namespace brink::live
