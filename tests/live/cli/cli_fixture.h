// SPDX-License-Identifier: MIT
// The command line as a user meets it: the real program, its exit status, what it prints where.
#pragma once

#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "restore/brink_process.h"
#include "restore/machine_state.h"

namespace brink::live {

/// What a finished command left.
struct Ended {
  int status = -1;  // of the exit; -1: it did not end in time, or a signal ended it
  std::string output;
  std::string errors;
};

class CliTest : public testing::Test {
 protected:
  void SetUp() override;
  void TearDown() override;

  /// Runs `brink WORDS...` to its end.
  [[nodiscard]] Ended Brink(std::vector<std::string> words);
  /// `brink run WORDS... --out FOLDER --format json`, with a folder that no other run of this test has.
  [[nodiscard]] Ended Run(std::vector<std::string> words);
  /// Runs a shell script, in which $BRINK is the program; its standard output and error are caught.
  [[nodiscard]] Ended Shell(const std::string& script);

  /// Writes `name`.yaml: the name's line, then `text`; gives its path.
  [[nodiscard]] std::string Write(const std::string& name, const std::string& text) const;
  /// A scenario whose only process ends at once with that status, and is expected to survive.
  [[nodiscard]] std::string WriteExit(const std::string& name, const std::string& status) const;
  [[nodiscard]] std::string Path(const std::string& name) const { return (folder_ / name).string(); }

  /// No command takes a tenth of it on an idle machine.
  std::chrono::seconds patience_{90};
  std::filesystem::path folder_;
  MachineState before_;
  int commands_ = 0;
};

/// Expects exactly one JSON document that keeps the published schema; gives it, or null.
[[nodiscard]] nlohmann::json ExpectOneDocument(const std::string& output);

/// "SCENARIO/CASE#REPEAT" of each result.
[[nodiscard]] std::vector<std::string> CasesOf(const nlohmann::json& document);

}  // namespace brink::live
