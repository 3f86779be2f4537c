// SPDX-License-Identifier: MIT
// Which packages are installed, and the shipped script over programs that only seem to install.
#include "sandbox/packages.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>

#include "unit/kernel/fake_tree.h"

namespace brink {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Pair;

/// apt-get and dpkg that note their calls; apt-get has no package called `absent`.
constexpr const char* kFakeApt = R"(#!/bin/sh
echo "$0 RUNLEVEL=$RUNLEVEL DEBIAN_FRONTEND=$DEBIAN_FRONTEND $*" >>"$FAKE/calls"
case "$*" in
  *absent) echo "E: Unable to locate package absent"; exit 100 ;;
  *" install "*) echo "dlstatus:1:44.1:Retrieving" >&3; echo "pmstatus:x:100:Installed" >&3 ;;
esac
)";

class PackagesTest : public FakeTree {
 protected:
  void SetUp() override {
    FakeTree::SetUp();
    for (const char* name : {"bin/apt-get", "bin/dpkg"}) {
      Write(name, kFakeApt);
      fs::permissions(base_ + "/" + name, fs::perms::owner_all);
    }
    path_ = ::getenv("PATH");
    ::setenv("PATH", (base_ + "/bin:" + path_).c_str(), 1);
    ::setenv("FAKE", base_.c_str(), 1);
  }
  void TearDown() override {
    ::setenv("PATH", path_.c_str(), 1);
    FakeTree::TearDown();
  }
  [[nodiscard]] Status Install(const std::vector<std::string>& packages) {
    return InstallPackages(packages, base_ + "/log",
                           [this](const std::string& line) { said_.push_back(line); });
  }

  std::string path_;
  std::vector<std::string> said_;
};

TEST_F(PackagesTest, AreInstalledWhenDpkgSaysSoAndNotWhenOnlyTheirConfigurationIsLeft) {
  Write("status",
        "Package: there\nStatus: install ok installed\nVersion: 5:7.0.15-1\n\n"
        "Package: held\nStatus: hold ok installed\nVersion: 2\n\n"
        "Package: removed\nStatus: deinstall ok config-files\nVersion: 3\n\n"
        "Package: half\nStatus: install ok unpacked\nVersion: 4\n");
  EXPECT_THAT(InstalledPackages(base_ + "/status"),
              ElementsAre(Pair("held", "2"), Pair("there", "5:7.0.15-1")));
  EXPECT_THAT(InstalledPackages(base_ + "/none"), IsEmpty());
}

TEST_F(PackagesTest, AreInstalledByAptWithoutQuestionsRecommendationsAndServices) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root may install packages";
  }
  ASSERT_TRUE(Install({"one", "two"}));
  EXPECT_THAT(Read("calls"), AllOf(HasSubstr("RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive"),
                                   HasSubstr("dpkg RUNLEVEL"), HasSubstr(" update\n"),
                                   HasSubstr("--no-install-recommends"), HasSubstr(" install one two\n")));
  EXPECT_THAT(said_, ElementsAre("downloading 40%", "installing 100%"));
}

TEST_F(PackagesTest, ThatAptCannotInstallAreToldWithItsReasonAndItsLog) {
  if (::geteuid() != 0) {
    GTEST_SKIP() << "only root may install packages";
  }
  const auto installed = Install({"absent"});
  ASSERT_FALSE(installed);
  EXPECT_EQ(installed.error().message, "apt-get could not install absent: Unable to locate package absent");
  EXPECT_THAT(installed.error().remedy, HasSubstr(base_ + "/log"));
}

}  // namespace
}  // namespace brink
