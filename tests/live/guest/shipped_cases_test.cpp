// SPDX-License-Identifier: MIT
// Every case of the demo on this host and in a guest: one judgement, whatever machine it ran on. Takes
// minutes, so it is for the build target `nightly` alone.
#include <gmock/gmock.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "guest/guest_fixture.h"

namespace brink::live {
namespace {

using json = nlohmann::json;

/// What a person takes from a verdict; figures differ from run to run.
json Told(const json& result) {
  json told{{"outcome", result["outcome"]}, {"expected_met", result["expected_met"]}};
  told["limit"] = result["binding_limit"].is_null() ? json() : result["binding_limit"]["name"];
  const json& failure = result["first_failure"];
  told["failure"] = failure.is_null() ? json() : json{failure["process"], failure["call"], failure["errno"]};
  for (const auto& [name, process] : result["processes"].items()) {
    told["processes"][name] = process["outcome"];
  }
  return told;
}

class ShippedCases : public GuestTest {
 protected:
  [[nodiscard]] std::map<std::string, json> Verdicts(const std::string& sandbox) {
    patience_ = std::chrono::minutes(60);
    const Ended ended = Run({BRINK_SCENARIOS, "--tag", "demo", "--sandbox", sandbox});
    std::map<std::string, json> verdicts;
    for (const json& result : ExpectOneDocument(ended.output)["results"]) {
      verdicts[result["scenario"].get<std::string>() + "/" + result["case"].get<std::string>()] = result;
    }
    return verdicts;
  }
};

TEST_F(ShippedCases, HaveTheHostsVerdictInAGuest) {
  const auto here = Verdicts("host");
  const auto there = Verdicts("vm");
  std::size_t compared = 0;
  for (const auto& [name, verdict] : here) {
    ASSERT_TRUE(there.contains(name)) << name;
    if (verdict["outcome"] == "inconclusive") {
      continue;  // for a guest only
    }
    ++compared;
    EXPECT_EQ(Told(there.at(name)), Told(verdict)) << name << "\n"
                                                   << there.at(name)["reason"] << "\n"
                                                   << verdict["reason"];
  }
  EXPECT_GE(compared, 25U);
}

}  // namespace
}  // namespace brink::live
