// SPDX-License-Identifier: MIT
// `image:` of a scenario, a process and a step; commands looked up inside an image.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "scenario/find_command.h"
#include "support.h"

namespace brink::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

/// A folder as make-image makes them, with one command and a link to it that is absolute inside the image.
class Image : public ::testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root_ / "usr/bin");
    std::ofstream(root_ / "usr/bin/server") << "#!/bin/sh\n";
    fs::permissions(root_ / "usr/bin/server", fs::perms::owner_all);
    std::ofstream(root_ / "usr/bin/notes") << "no program\n";
    fs::create_symlink("/usr/bin/server", root_ / "usr/bin/linked");
    context_.image_folder = [this](const std::string& name) -> Result<std::string> {
      return name == "redis" ? Result<std::string>(root_.string())
                             : Fail("the image " + name + " is not there", "brink image build " + name);
    };
    context_.package_version = [](const std::string&) { return ""; };
  }
  void TearDown() override { fs::remove_all(root_); }

  const fs::path root_ = fs::temp_directory_path() / ("brink-image-" + std::to_string(::getpid()));
  PlanContext context_ = FakeHost();
};

TEST_F(Image, OfTheScenarioIsThatOfEveryProcessAndCommandThatNamesNone) {
  const Plan plan = PlanOf(
      "name: n\n"
      "image: redis\n"
      "processes:\n"
      "  a: {run: [server], requires: {debian: redis-server}}\n"
      "  b: {run: [\"true\"], image: host}\n"
      "steps:\n"
      "  - {run: [linked]}\n"
      "  - {run: [\"true\"], image: host}\n",
      "default", context_);
  EXPECT_EQ(plan.not_runnable, std::nullopt);
  EXPECT_THAT(plan.images, ElementsAre(Pair("redis", root_.string())));
  EXPECT_EQ(plan.processes.at(0).image, "redis");
  EXPECT_EQ(plan.processes.at(0).argv, std::vector<std::string>{"/usr/bin/server"});
  EXPECT_EQ(plan.processes.at(1).image, "");
  EXPECT_EQ(plan.processes.at(1).argv, std::vector<std::string>{"/usr/bin/true"});
  EXPECT_EQ(std::get<RunStep>(plan.steps.at(0).action).image, "redis");
  EXPECT_EQ(std::get<RunStep>(plan.steps.at(0).action).argv, std::vector<std::string>{"/usr/bin/linked"});
  EXPECT_EQ(std::get<RunStep>(plan.steps.at(1).action).image, "");
}

TEST_F(Image, IsPutAwayByNullInACase) {
  const std::string text =
      "name: n\nimage: redis\nprocesses: {p: {run: [\"true\"]}}\ncases: {here: {image: null}}\n";
  EXPECT_EQ(PlanOf(text, "here", context_).processes.at(0).image, "");
}

TEST_F(Image, ThatIsMissingIsNamedWithItsRemedy) {
  const Plan plan = PlanOf(WithProcess("    image: mariadb\n"), "default", context_);
  EXPECT_EQ(plan.not_runnable, "the image mariadb is not there");
  EXPECT_EQ(plan.not_runnable_remedy, "brink image build mariadb");
}

TEST_F(Image, WithoutTheCommandIsNamedWithIt) {
  const Plan plan = PlanOf(WithProcess("    image: redis\n"), "default", context_);
  EXPECT_EQ(plan.not_runnable, "true in the image redis is not to be found");
}

TEST_F(Image, HasCommandsOnItsOwnPathAndByTheirPlace) {
  EXPECT_EQ(FindCommandInImage("server", "/no/scenario", root_.string()), "/usr/bin/server");
  EXPECT_EQ(FindCommandInImage("/usr/bin/linked", "/no/scenario", root_.string()), "/usr/bin/linked");
  EXPECT_EQ(FindCommandInImage("notes", "/no/scenario", root_.string()), "");
  EXPECT_EQ(FindCommandInImage("/usr/bin/true", "/no/scenario", root_.string()), "");
}

TEST_F(Image, SeesProgramsInTheScenariosFolder) {
  const std::string folder = (root_ / "usr/bin").string();
  EXPECT_EQ(FindCommandInImage("./server", folder, "/no/image"), folder + "/server");
}

constexpr const char* kOfAPackage =
    "name: n\n"
    "processes:\n"
    "  a: {run: [server], requires: {debian: [redis-server, redis-tools]}}\n"
    "  b: {run: [\"true\"]}\n"
    "steps:\n"
    "  - {run: [linked]}\n"
    "  - {run: [\"true\"], image: host}\n";

TEST_F(Image, StandsInForPackagesThatTheMachineLacks) {
  context_.package_version = [](const std::string& package) { return package == "redis-tools" ? "1.0" : ""; };
  std::vector<std::string> asked;
  context_.image_with = [&](const std::vector<std::string>& packages) {
    asked = packages;
    return "redis";
  };
  const Plan plan = PlanOf(kOfAPackage, "default", context_);
  EXPECT_EQ(plan.not_runnable, std::nullopt);
  EXPECT_THAT(asked, ElementsAre("redis-server", "redis-tools"));
  EXPECT_EQ(plan.processes.at(0).image, "redis");
  EXPECT_EQ(plan.processes.at(0).argv, std::vector<std::string>{"/usr/bin/server"});
  EXPECT_EQ(plan.processes.at(1).image, "") << "the image has no such command";
  EXPECT_EQ(std::get<RunStep>(plan.steps.at(0).action).image, "redis");
  EXPECT_THAT(plan.packages, ::testing::IsEmpty()) << "the image's count";
}

TEST_F(Image, DoesNotStandInWhereAllIsInstalled) {
  context_ = FakeHost();
  context_.image_with = [](const std::vector<std::string>&) { return "redis"; };
  EXPECT_EQ(PlanOf(WithProcess("    requires: {debian: bash}\n"), "default", context_).processes.at(0).image,
            "");
}

TEST_F(Image, ThatCouldStandInIsNamedBesideTheAptCommand) {
  context_.other_remedy = [](const std::vector<std::string>&) { return "brink image build redis"; };
  EXPECT_EQ(
      PlanOf(kOfAPackage, "default", context_).not_runnable_remedy,
      "apt-get install redis-server redis-tools; or let brink: run --install; or brink image build redis");
}

TEST(ImageKey, OfAStepNeedsACommand) {
  EXPECT_THAT(ComplaintsOf(WithProcess("", "steps: [{stop: p, image: redis}]\n")),
              ElementsAre(HasSubstr("image")));
}

}  // namespace
}  // namespace brink::testing
