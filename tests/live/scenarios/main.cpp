// SPDX-License-Identifier: MIT
// brink_scenarios [--scenarios=PATH ...] [--case=SCENARIO/CASE ...] [--sandbox=auto|host|vm] [GoogleTest's
// flags]
//
// Every case of the scenario files (of PATH, else of BRINK_SCENARIOS, a list separated by colons, else of the
// scenarios that come with brink) is a test: its suite is the scenario's name, its name the case's, with '_'
// for what a filter could not say ("redis_bgsave_overcommit.reported"). With --case only these are, and one
// that no file has is a mistake, where a filter would pass over it. With --sandbox auto, the default, what
// belongs to a whole machine runs in a guest; the cases of one run of this program share guests.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <optional>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "cli/common.h"
#include "cli/plans.h"
#include "model/json.h"
#include "report/report.h"
#include "run/guest_agent.h"
#include "run/session.h"

namespace brink {
namespace {

namespace fs = std::filesystem;

constexpr int kUsage = 2;

/// Shared by all tests of this program.
struct Ground {
  std::optional<Session> session;
  Error no_session;  // why there is none
  fs::path out;
  std::string sandbox = "auto";
};
Ground& TheGround() {
  static Ground ground;
  return ground;
}

class ScenarioTest : public testing::Test {
 public:
  ScenarioTest(std::string file, std::string case_name)
      : file_(std::move(file)), case_(std::move(case_name)) {}

  void TestBody() override {
    if (!TheGround().session) {
      GTEST_SKIP() << Explain(TheGround().no_session.message, TheGround().no_session.remedy);
    }
    const auto plans = MakePlans(Choice());
    ASSERT_TRUE(plans) << file_ << " has mistakes; they are printed above";
    for (const Plan& plan : *plans) {
      Tell(plan, TheGround().session->Run(plan));
    }
  }

 private:
  /// A folder of its own for each repeat: ${dir} must be empty.
  [[nodiscard]] RunChoice Choice() const {
    static int run = 0;
    RunChoice choice;
    choice.paths = {file_};
    choice.case_name = case_;
    choice.sandbox = TheGround().sandbox;
    choice.out = (TheGround().out / std::to_string(++run)).string();
    return choice;
  }

  static std::string Explain(const std::string& reason, const std::string& remedy) {
    return remedy.empty() ? reason : fmt::format("{}; remedy: {}", reason, remedy);
  }

  /// The demo is what brink promises to any machine of its kind; a skip would hide that it is broken.
  static bool MustRunHere(const Plan& plan) {
    return ::geteuid() == 0 && std::ranges::find(plan.tags, "demo") != plan.tags.end();
  }

  static void Tell(const Plan& plan, const Verdict& verdict) {
    RecordProperty("outcome", std::string(Name(verdict.outcome)));
    RecordProperty("run_dir", verdict.run_dir);
    if (!verdict.expected_met && MustRunHere(plan)) {
      ADD_FAILURE() << "a demo case must have a verdict where root runs it: "
                    << Explain(verdict.reason, verdict.remedy) << "\nrun directory: " << verdict.run_dir;
      return;
    }
    if (!verdict.expected_met) {
      GTEST_SKIP() << Explain(verdict.reason, verdict.remedy) << "\nrun directory: " << verdict.run_dir;
    }
    if (*verdict.expected_met) {
      return;
    }
    const auto unmet = std::ranges::find_if(
        verdict.expectations, [](const ExpectationResult& result) { return result.met == false; });
    const SourceMark& mark = unmet == verdict.expectations.end() ? plan.mark : unmet->mark;
    ADD_FAILURE_AT(mark.file.c_str(), mark.line) << FormatUnmet(verdict);
  }

  std::string file_;
  std::string case_;
};

/// A filter gives '-', ':', '*', '?' and '.' a meaning of their own.
std::string TestName(std::string name) {
  std::ranges::replace_if(
      name, [](unsigned char letter) { return std::isalnum(letter) == 0; }, '_');
  return name;
}

/// What the command line chose.
struct Choices {
  std::vector<std::string> paths;
  std::set<std::string> cases;  // "SCENARIO/CASE"; empty: all
  std::string sandbox = "auto";
};

/// False when two cases would have the same name, or one that was asked for is not there.
bool Register(const std::vector<Scenario>& scenarios, const Choices& choices) {
  std::set<std::string> names;
  std::set<std::string> missing = choices.cases;
  for (const Scenario& scenario : scenarios) {
    for (const ScenarioCase& one : scenario.cases) {
      if (missing.erase(scenario.name + "/" + one.name) == 0 && !choices.cases.empty()) {
        continue;
      }
      const std::string suite = TestName(scenario.name);
      const std::string name = TestName(one.name);
      if (!names.insert(suite + "." + name).second) {
        std::cerr << fmt::format("{}: a second case is called {}.{} here; rename one of the two\n",
                                 scenario.file, suite, name);
        return false;
      }
      const SourceMark& mark = one.tree.mark;
      testing::RegisterTest(suite.c_str(), name.c_str(), nullptr, nullptr, scenario.file.c_str(), mark.line,
                            [file = scenario.file, case_name = one.name]() -> testing::Test* {
                              return new ScenarioTest(file, case_name);  // GoogleTest deletes it
                            });
    }
  }
  for (const std::string& name : missing) {
    std::cerr << "no scenario has the case " << name << "; `brink list` names them\n";
  }
  return missing.empty();
}

std::vector<std::string> SplitPaths(const std::string& list) {
  std::vector<std::string> paths;
  std::istringstream stream(list);
  for (std::string path; std::getline(stream, path, ':');) {
    paths.push_back(path);
  }
  return paths;
}

/// What comes with brink: all of it, or what this program was built for.
std::vector<std::string> DefaultPaths() {
  std::vector<std::string> paths = SplitPaths(BRINK_SCENARIO_LIST);
  for (std::string& path : paths) {
    path = ShippedScenarios() + "/" + path;
  }
  return paths.empty() ? std::vector<std::string>{ShippedScenarios()} : paths;
}

/// The rest of `word` after `flag`, when it begins with that.
std::optional<std::string> ValueOf(std::string_view word, std::string_view flag) {
  return word.starts_with(flag) ? std::optional<std::string>(word.substr(flag.size())) : std::nullopt;
}

/// The scenarios of the command line, else of the environment, else those that come with brink. Nothing for
/// an argument that is none of ours.
std::optional<Choices> ChoicesFrom(int argc, char** argv) {
  Choices choices;
  for (int at = 1; at < argc; ++at) {
    const std::string_view word = argv[at];
    const auto sandbox = ValueOf(word, "--sandbox=");
    if (const auto path = ValueOf(word, "--scenarios=")) {
      choices.paths.push_back(*path);
    } else if (const auto one = ValueOf(word, "--case=")) {
      choices.cases.insert(*one);
    } else if (sandbox && (*sandbox == "auto" || *sandbox == "host" || *sandbox == "vm")) {
      choices.sandbox = *sandbox;
    } else {
      std::cerr
          << "unknown argument " << word
          << "; use --scenarios=PATH, --case=SCENARIO/CASE, --sandbox=auto|host|vm or GoogleTest's flags\n";
      return std::nullopt;
    }
  }
  if (const char* listed = std::getenv("BRINK_SCENARIOS"); choices.paths.empty() && listed != nullptr) {
    choices.paths = SplitPaths(listed);
  }
  if (choices.paths.empty()) {
    choices.paths = DefaultPaths();
  }
  return choices;
}

int RunAllTests() {
  std::string folder = (fs::temp_directory_path() / "brink-scenarios-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) {
    std::cerr << "mkdtemp " << folder << " failed\n";
    return EXIT_FAILURE;
  }
  // Targets that run as another user look at their data folder below it.
  fs::permissions(folder, fs::perms{0755});
  TheGround().out = folder;
  SessionOptions options;
  options.may_change_machine = TheGround().sandbox == "host";
  options.out_dir = folder;
  if (auto session = Session::Start(std::move(options))) {
    TheGround().session.emplace(std::move(*session));
  } else {
    TheGround().no_session = session.error();
  }
  int status = RUN_ALL_TESTS();
  if (TheGround().session) {
    if (const auto finished = TheGround().session->Finish(); !finished) {
      PrintError(finished.error());
      status = EXIT_FAILURE;
    }
  }
  const auto* result = testing::UnitTest::GetInstance();
  if (status == EXIT_SUCCESS && result->skipped_test_count() == 0) {
    fs::remove_all(folder);
  } else {
    std::cout << "run folders kept: " << folder << "\n";
  }
  return status;
}

}  // namespace
}  // namespace brink

int main(int argc, char** argv) {
  // A guest starts the program that booted it again, as its agent.
  if (argc > 1 && std::string_view(argv[1]) == "guest-agent") {
    return brink::RunGuestAgent();
  }
  testing::InitGoogleTest(&argc, argv);
  const auto choices = brink::ChoicesFrom(argc, argv);
  const auto scenarios = choices ? brink::LoadScenarios(choices->paths) : std::nullopt;
  if (!scenarios || !brink::Register(*scenarios, *choices)) {
    return brink::kUsage;
  }
  brink::TheGround().sandbox = choices->sandbox;
  return testing::GTEST_FLAG(list_tests) ? RUN_ALL_TESTS() : brink::RunAllTests();
}
