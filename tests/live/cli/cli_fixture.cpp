// SPDX-License-Identifier: MIT
#include "cli_fixture.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <utility>

#include "judge/schema_check.h"
#include "kernel/machine_guard.h"
#include "restore/machine_state.h"

namespace brink::live {
void CliTest::SetUp() {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "live_cli needs root: it runs scenarios";
  }
  std::string folder = (std::filesystem::temp_directory_path() / "brink-cli-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  folder_ = folder;
  before_ = MachineNow();
}

void CliTest::TearDown() {
  if (folder_.empty()) {
    return;
  }
  EXPECT_TRUE(AwaitGuardians(patience_));
  if (HasFailure()) {
    std::cout << "kept: " << folder_.string() << "\n";
  } else {
    std::filesystem::remove_all(folder_);
  }
}

Ended CliTest::Brink(std::vector<std::string> words) {
  BrinkProcess brink(folder_, fmt::format("command-{}", ++commands_), std::move(words));
  EXPECT_TRUE(brink.EndsWithin(patience_));
  return {.status = brink.ExitCode().value_or(-1), .output = brink.Output(), .errors = brink.Errors()};
}

Ended CliTest::Run(std::vector<std::string> words) {
  words.insert(words.begin(), "run");
  words.insert(words.end(), {"--out", Path(fmt::format("out-{}", commands_ + 1)), "--format", "json"});
  return Brink(std::move(words));
}

Ended CliTest::Shell(const std::string& script) {
  const std::string base = Path(fmt::format("shell-{}", ++commands_));
  std::ofstream(base) << "BRINK=" BRINK_PROGRAM "\ncd " << folder_.string() << " || exit 99\n"
                      << script << "\n";
  const int status =
      std::system(fmt::format("timeout {0} sh {1} >{1}.out 2>{1}.err", patience_.count(), base).c_str());
  return {.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
          .output = ReadText(base + ".out"),
          .errors = ReadText(base + ".err")};
}

std::string CliTest::Write(const std::string& name, const std::string& text) const {
  const std::string file = Path(name + ".yaml");
  std::ofstream(file) << "name: " << name << "\n" << text;
  return file;
}

std::string CliTest::WriteExit(const std::string& name, const std::string& status) const {
  return Write(name, "processes: {target: {run: [/bin/sh, -c, \"exit " + status +
                         "\"]}}\nexpect: {target: {outcome: survived}}\n");
}

nlohmann::json ExpectOneDocument(const std::string& output) {
  nlohmann::json document = nlohmann::json::parse(output, nullptr, false);
  EXPECT_FALSE(document.is_discarded()) << "not one JSON document:\n" << output;
  if (document.is_discarded()) {
    return nullptr;
  }
  EXPECT_EQ(brink::testing::SchemaComplaints(output), "");
  return document;
}

std::vector<std::string> CasesOf(const nlohmann::json& document) {
  std::vector<std::string> cases;
  for (const auto& result : document.value("results", nlohmann::json::array())) {
    cases.push_back(fmt::format("{}/{}#{}", result["scenario"].get<std::string>(),
                                result["case"].get<std::string>(), result["repeat"].get<int>()));
  }
  return cases;
}

}  // namespace brink::live
