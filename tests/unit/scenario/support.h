// SPDX-License-Identifier: MIT
// What the tests of scenario files share.
#pragma once

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "scenario/load.h"
#include "scenario/make_plan.h"

namespace brink::testing {

/// The complaints about a text, as printed, for the file name "x.yaml".
inline std::vector<std::string> ComplaintsOf(const std::string& text) {
  std::vector<std::string> lines;
  const LoadResult loaded = ParseScenario(text, "x.yaml");
  std::transform(loaded.complaints.begin(), loaded.complaints.end(), std::back_inserter(lines),
                 FormatComplaint);
  return lines;
}

/// A host of 8 GiB with a few commands, where every package is installed and ports count from 4000.
inline PlanContext FakeHost() {
  PlanContext context;
  context.memory_bytes = 8ULL << 30;
  context.search_path = {"/usr/bin", "/bin"};
  context.run_dir = "/run/case";
  context.free_port = [next = 4000](const std::string& /*name*/) mutable -> Result<int> { return next++; };
  context.package_version = [](const std::string& /*package*/) { return "1.0"; };
  return context;
}

/// The plan of a case of a text that must have no mistakes.
inline Plan PlanOf(const std::string& text, const std::string& case_name = "default",
                   const PlanContext& context = FakeHost()) {
  const LoadResult loaded = ParseScenario(text, "x.yaml");
  EXPECT_THAT(ComplaintsOf(text), ::testing::IsEmpty());
  for (const ScenarioCase& one : loaded.scenario.cases) {
    if (one.name == case_name) {
      PlanResult made = MakePlan(loaded.scenario, one, context);
      EXPECT_THAT(made.complaints, ::testing::IsEmpty());
      return std::move(made.plan);
    }
  }
  ADD_FAILURE() << "no case is called " << case_name;
  return {};
}

/// A scenario with one process `p` (/bin/true) and these lines below it; `more` stands at the top level.
inline std::string WithProcess(const std::string& lines, const std::string& more = "") {
  return "name: n\nprocesses:\n  p:\n    run: [\"true\"]\n" + lines + more;
}

/// The example of FORMAT.md, which is that of the format's specification.
inline std::string ExampleText() {
  const std::string reference = FormatReferenceMarkdown();
  const std::string fence = "```yaml\n";
  const std::size_t begin = reference.find(fence) + fence.size();
  return reference.substr(begin, reference.find("```", begin) - begin);
}

}  // namespace brink::testing
