// SPDX-License-Identifier: MIT
// check, list, doctor and restore.
#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <sstream>

#include "cli_fixture.h"
#include "kernel/roots.h"

namespace brink::live {
namespace {

using testing::ContainsRegex;
using testing::HasSubstr;
using testing::Not;

class CommandsTest : public CliTest {};

std::vector<std::string> ShippedFiles() {
  std::vector<std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(BRINK_SCENARIOS)) {
    if (entry.path().extension() == ".yaml") {
      files.push_back(entry.path().string());
    }
  }
  return files;
}

TEST_F(CommandsTest, CheckFindsNoMistakeInShippedScenarios) {
  const Ended ended = Brink({"check", BRINK_SCENARIOS});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_EQ(ended.errors, "");
  EXPECT_THAT(ended.output, HasSubstr(std::to_string(ShippedFiles().size()) + " scenarios, "));
}

TEST_F(CommandsTest, ListNamesEveryShippedScenarioWithItsFileAndCases) {
  const Ended plain = Brink({"list"});
  EXPECT_EQ(plain.status, 0) << plain.errors;
  EXPECT_EQ(plain.output, Brink({"list", BRINK_SCENARIOS}).output);
  for (const std::string& file : ShippedFiles()) {
    const auto name = std::filesystem::path(file).filename().string();
    EXPECT_THAT(plain.output, ContainsRegex("\n    [^ ]*/" + name + "(   [^\n]*)?\n"));
  }
  EXPECT_THAT(plain.output, HasSubstr("  reported, tuned"));
}

TEST_F(CommandsTest, ListTellsPathsFromTheFolderThatItRunsIn) {
  const Ended ended = Shell("cd " BRINK_SCENARIOS "/.. && exec $BRINK list --by limit");
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_THAT(ended.output, HasSubstr("\nvm.max_map_count\n"));
  EXPECT_THAT(ended.output, HasSubstr("\n    scenarios/ravendb/munmap-enomem.yaml"));
}

TEST_F(CommandsTest, ListAsJsonHoldsEveryIncident) {
  const Ended ended = Brink({"list", "--format", "json"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  const auto document = nlohmann::json::parse(ended.output, nullptr, false);
  ASSERT_FALSE(document.is_discarded()) << ended.output;
  EXPECT_EQ(document["incidents"].size(), ShippedFiles().size());
}

TEST_F(CommandsTest, ShippedScenariosPlanWithoutAComplaint) {
  const Ended ended = Brink({"run", BRINK_SCENARIOS, "--dry-run"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_EQ(ended.errors, "");
}

TEST_F(CommandsTest, DoctorNamesEachFaultAndARemedyForEachThatIsMissing) {
  const Ended ended = Brink({"doctor"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  for (const char* fault : {"vm.max_map_count",
                            "vm.overcommit_memory",
                            "vm.overcommit_ratio",
                            "vm.overcommit_kbytes",
                            "vm.admin_reserve_kbytes",
                            "vm.user_reserve_kbytes",
                            "vm.swappiness",
                            "vm.oom_kill_allocating_task",
                            "vm.panic_on_oom",
                            "thp.enabled",
                            "thp.defrag",
                            "memory.max",
                            "memory.high",
                            "memory.low",
                            "memory.min",
                            "memory.swap.max",
                            "memory.oom.group",
                            "memory.oom_kill_disable",
                            "memory.soft_limit_in_bytes",
                            "pids.max",
                            "cpu.max",
                            "cpuset.cpus",
                            "RLIMIT_MEMLOCK",
                            "RLIMIT_AS",
                            "RLIMIT_DATA",
                            "RLIMIT_STACK",
                            "RLIMIT_NPROC",
                            "oom_score_adj",
                            "nice",
                            "failing calls",
                            "counters of memory cgroups"}) {
    EXPECT_THAT(ended.output, HasSubstr(std::string("  ") + fault)) << fault;
  }
  // Each remedy stands once at the end of its section, behind the names of all that it is for.
  std::set<std::string> missing;
  std::set<std::string> remedies;
  std::istringstream lines(ended.output);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("  NO   ")) {
      missing.insert(line.substr(7, line.find(": ") - 7));
    }
    if (line.starts_with("  remedy for ")) {
      for (const std::string& name : missing) {
        if (line.find(name) != std::string::npos) {
          remedies.insert(name);
        }
      }
      std::getline(lines, line);
      EXPECT_EQ(ended.output.find(line), ended.output.rfind(line)) << line;
    }
  }
  EXPECT_EQ(missing, remedies) << ended.output;
}

TEST_F(CommandsTest, RestoreHasNothingToDoAfterAnOrderlyRun) {
  const std::string wide = Write("wide",
                                 "machine: {sysctl: {vm.max_map_count: 70000}}\n"
                                 "processes: {target: {run: [/bin/true]}}\n");
  EXPECT_EQ(Run({wide, "--sandbox", "host"}).status, 0);
  const Ended ended = Brink({"restore"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_EQ(ended.output, "nothing to restore\n");
}

}  // namespace
}  // namespace brink::live
