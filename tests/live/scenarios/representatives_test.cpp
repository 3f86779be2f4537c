// SPDX-License-Identifier: MIT
// Every class of the catalogue is reproduced by each run of the tests, on the host and in a guest, and what
// that needs is installed by ./brink.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <array>
#include <cstdio>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "catalogue/entry.h"
#include "cli/common.h"

namespace brink {
namespace {

using testing::IsSubsetOf;

std::vector<std::string> Split(const std::string& list, char separator) {
  std::vector<std::string> parts;
  std::istringstream stream(list);
  for (std::string part; std::getline(stream, part, separator);) {
    parts.push_back(part);
  }
  return parts;
}

std::vector<Scenario> Load(const std::vector<std::string>& paths) {
  auto scenarios = LoadScenarios(paths);
  EXPECT_TRUE(scenarios) << "mistakes are printed above";
  return scenarios.value_or(std::vector<Scenario>());
}

std::vector<Scenario> Representatives() {
  std::vector<std::string> paths;
  for (const std::string& path : Split(BRINK_REPRESENTATIVES, ':')) {
    paths.push_back(ShippedScenarios() + "/" + path);
  }
  return Load(paths);
}

std::set<std::string> ClassesOf(const std::vector<Scenario>& scenarios) {
  std::set<std::string> classes;
  for (const Scenario& scenario : scenarios) {
    if (scenario.incident) {
      classes.insert(scenario.incident->kind);
    }
  }
  return classes;
}

/// What ./brink installs before it builds and tests.
std::set<std::string> PackagesOfTheBootstrap() {
  FILE* pipe = ::popen("bash -c '. " BRINK_BOOTSTRAP " && package_names build test'", "re");
  std::string text;
  std::array<char, 4096> chunk{};
  for (std::size_t got = 0; (got = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;) {
    text.append(chunk.data(), got);
  }
  EXPECT_EQ(::pclose(pipe), 0);
  const auto lines = Split(text, '\n');
  return {lines.begin(), lines.end()};
}

TEST(Representatives, AreOfEveryClassOfTheCatalogue) {
  EXPECT_EQ(ClassesOf(Representatives()), ClassesOf(Load({ShippedScenarios()})));
}

TEST(Representatives, InAGuestAreOfEveryClassOfTheCatalogueToo) {
  const std::vector<Scenario> all = Load({ShippedScenarios()});
  std::vector<Scenario> chosen;
  for (const std::string& name : Split(BRINK_GUEST_CASES, ':')) {
    for (const Scenario& scenario : all) {
      if (name.starts_with(scenario.name + "/")) {
        chosen.push_back(scenario);
      }
    }
  }
  EXPECT_EQ(ClassesOf(chosen), ClassesOf(all));
}

TEST(Representatives, NeedNoPackagesButThoseThatTheBootstrapInstalls) {
  const std::set<std::string> installed = PackagesOfTheBootstrap();
  for (const Scenario& scenario : Representatives()) {
    const CatalogueEntry entry = EntryOf(scenario);
    EXPECT_THAT(entry.software, IsSubsetOf(installed)) << entry.name << ": add them to the list in ./brink";
  }
}

}  // namespace
}  // namespace brink
