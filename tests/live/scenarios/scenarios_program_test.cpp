// SPDX-License-Identifier: MIT
// brink_scenarios as a user meets it: names, filters, repeats, XML, and a failure that reads like any other
// test's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

constexpr const char* kScenario = R"(name: three-endings
title: One case is met, one is not, one cannot be run
processes:
  target: {run: [BRINK_VICTIM_PATH, exit, "code=${code}"]}
parameters: {code: "4"}
cases:
  met:
    expect: {target: {outcome: failed, exit: 4}}
  unmet:
    parameters: {code: "5"}
    expect:
      target: {outcome: survived}
  impossible:
    processes: {target: {run: [no-such-command-anywhere]}}
    expect: {target: {outcome: survived}}
)";

struct Ran {
  int status = 0;
  std::string output;
};

class ScenariosProgram : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "scenarios make control groups: run as root";
    }
    std::string folder = (fs::temp_directory_path() / "brink-scenarios-test-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    std::string text = kScenario;
    const std::string place = "BRINK_VICTIM_PATH";
    text.replace(text.find(place), place.size(), BRINK_VICTIM);
    std::ofstream(folder_ / "three.yaml") << text;
  }

  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] Ran Run(const std::string& arguments) const {
    // What it keeps of failed runs goes below the test's own folder.
    const std::string command = "TMPDIR='" + folder_.string() +
                                "' '" BRINK_SCENARIOS_PROGRAM "' --scenarios='" +
                                (folder_ / "three.yaml").string() + "' " + arguments + " 2>&1";
    Ran ran;
    FILE* pipe = ::popen(command.c_str(), "re");
    std::array<char, 4096> chunk{};
    for (std::size_t got = 0; (got = std::fread(chunk.data(), 1, chunk.size(), pipe)) > 0;) {
      ran.output.append(chunk.data(), got);
    }
    const int status = ::pclose(pipe);
    ran.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    return ran;
  }

  fs::path folder_;
};

TEST_F(ScenariosProgram, ListsCasesAsTests) {
  const Ran ran = Run("--gtest_list_tests");
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.output, "three_endings.\n  met\n  unmet\n  impossible\n");
}

TEST_F(ScenariosProgram, FiltersAndRepeatsCases) {
  const Ran ran = Run("--gtest_filter=three_endings.met --gtest_repeat=3");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("Repeating all tests (iteration 3)"));
  EXPECT_THAT(ran.output, HasSubstr("[  PASSED  ] 1 test."));
}

TEST_F(ScenariosProgram, RunsTheCasesThatAreNamedAndRefusesOneThatNoFileHas) {
  const Ran ran = Run("--case=three-endings/met --gtest_list_tests");
  EXPECT_EQ(ran.status, 0);
  EXPECT_EQ(ran.output, "three_endings.\n  met\n");
  const Ran missing = Run("--case=three-endings/met --case=three-endings/mett");
  EXPECT_EQ(missing.status, 2);
  EXPECT_THAT(missing.output, HasSubstr("no scenario has the case three-endings/mett"));
}

TEST_F(ScenariosProgram, TellsAFailureWithPlaceExpectationEvidenceAndFolder) {
  const Ran ran = Run("--gtest_filter=*.unmet");
  EXPECT_EQ(ran.status, 1) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("three.yaml:12: Failure"));
  EXPECT_THAT(ran.output, HasSubstr("survived"));
  EXPECT_THAT(ran.output, HasSubstr("exit"));
  EXPECT_THAT(ran.output, HasSubstr("unmet"));
  EXPECT_THAT(ran.output, HasSubstr("[  FAILED  ] three_endings.unmet"));
  EXPECT_THAT(ran.output, HasSubstr(folder_.string() + "/brink-scenarios-"));
}

TEST_F(ScenariosProgram, SkipsWhatItCannotRunWithReasonAndRemedy) {
  const Ran ran = Run("--gtest_filter=*.impossible");
  EXPECT_EQ(ran.status, 0) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("[  SKIPPED ] three_endings.impossible"));
  EXPECT_THAT(ran.output, HasSubstr("no-such-command-anywhere"));
  EXPECT_THAT(ran.output, HasSubstr("remedy: "));
}

TEST_F(ScenariosProgram, WritesXml) {
  const Ran ran = Run("--gtest_output=xml:" + (folder_ / "out.xml").string());
  EXPECT_EQ(ran.status, 1) << ran.output;
  std::ostringstream xml;
  xml << std::ifstream(folder_ / "out.xml").rdbuf();
  EXPECT_THAT(xml.str(), HasSubstr(R"(tests="3" failures="1")"));
  EXPECT_THAT(xml.str(), HasSubstr(R"(<property name="outcome" value="failed")"));
}

TEST_F(ScenariosProgram, RefusesAWrongScenario) {
  std::ofstream(folder_ / "three.yaml") << "name: broken\nprocesses: {target: {runn: [true]}}\n";
  const Ran ran = Run("");
  EXPECT_EQ(ran.status, 2) << ran.output;
  EXPECT_THAT(ran.output, HasSubstr("three.yaml:2:"));
}

}  // namespace
