// SPDX-License-Identifier: MIT
// `run --install`: the real apt and dpkg install a tiny package out of a repository in a folder of the test.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "cli_fixture.h"

namespace brink::live {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

/// Makes the package brink-live-test, which brings a command and a service, and a repository of it, in the
/// current folder.
constexpr const char* kMakeRepository = R"sh(set -e
mkdir -p package/DEBIAN package/usr/bin package/etc/init.d repository lists/partial cache
printf '#!/bin/sh\necho of the package\n' >package/usr/bin/brink-live-test
printf '%s\n' '#!/bin/sh' '### BEGIN INIT INFO' '# Provides: brink-live-test' '# Required-Start:' \
  '# Required-Stop:' '# Default-Start: 2 3 4 5' '# Default-Stop: 0 1 6' '### END INIT INFO' \
  "touch $PWD/started" >package/etc/init.d/brink-live-test
printf '#!/bin/sh\nupdate-rc.d brink-live-test defaults\ninvoke-rc.d brink-live-test start\n' >package/DEBIAN/postinst
printf '#!/bin/sh\nupdate-rc.d brink-live-test remove\n' >package/DEBIAN/postrm
chmod 755 package/usr/bin/* package/etc/init.d/* package/DEBIAN/post*
printf '%s\n' 'Package: brink-live-test' 'Version: 1' 'Architecture: all' \
  'Maintainer: brink <brink@localhost>' 'Description: nothing' >package/DEBIAN/control
dpkg-deb --root-owner-group --build package repository/package.deb >&2
{
  cat package/DEBIAN/control
  printf 'Filename: ./package.deb\nSize: %s\n' "$(stat -c %s repository/package.deb)"
  printf 'SHA256: %s\n' "$(sha256sum repository/package.deb | cut -d ' ' -f 1)"
} >repository/Packages
echo "deb [trusted=yes] file:$PWD/repository ./" >sources.list
cat >apt.conf <<END
Dir::State "$PWD";
Dir::State::lists "$PWD/lists";
Dir::State::status "/var/lib/dpkg/status";
Dir::Cache "$PWD/cache";
Dir::Etc::sourcelist "$PWD/sources.list";
Dir::Etc::sourceparts "-";
APT::Sandbox::User "root";
END
)sh";

class InstallTest : public CliTest {
 protected:
  void SetUp() override {
    CliTest::SetUp();
    if (IsSkipped()) {
      return;
    }
    const Ended made = Shell(kMakeRepository);
    ASSERT_EQ(made.status, 0) << made.errors;
    // Others than root write their run's folder there.
    fs::permissions(folder_, fs::perms::all);
  }
  void TearDown() override {
    if (!folder_.empty()) {
      (void)Shell("dpkg --purge brink-live-test");
    }
    CliTest::TearDown();
  }
  [[nodiscard]] std::string WriteNeeding(const std::string& package) const {
    return Write("needs-" + package,
                 "processes:\n  target: {run: [brink-live-test], requires: {debian: " + package +
                     "}}\nexpect: {target: {outcome: survived, log: of the package}}\n");
  }
  /// `brink run` of that file with the test's repository as the only one.
  [[nodiscard]] Ended RunOf(const std::string& file, const std::string& before, const std::string& options) {
    return Shell(fmt::format("export APT_CONFIG=$PWD/apt.conf\n{} $BRINK run {} --out out --format json {}",
                             before, file, options));
  }
};

TEST_F(InstallTest, WithoutItAMissingPackageIsInconclusiveWithTheCommandThatInstallsIt) {
  const Ended ended = RunOf(WriteNeeding("brink-live-test"), "", "");
  EXPECT_EQ(ended.status, 3) << ended.errors;
  const auto document = ExpectOneDocument(ended.output);
  EXPECT_EQ(document["results"][0]["outcome"], "inconclusive");
  EXPECT_EQ(document["results"][0]["reason"], "brink-live-test is not installed");
  EXPECT_EQ(document["results"][0]["remedy"], "apt-get install brink-live-test; or let brink: run --install");
}

TEST_F(InstallTest, InstallsWhatTheCasesNeedAndStartsNoService) {
  const Ended ended = RunOf(WriteNeeding("brink-live-test"), "", "--install");
  EXPECT_EQ(ended.status, 0) << ended.errors << ReadText(Path("out/install.log"));
  EXPECT_EQ(ExpectOneDocument(ended.output)["results"][0]["outcome"], "survived");
  EXPECT_THAT(ended.errors, HasSubstr("brink: installing brink-live-test\n"));
  EXPECT_TRUE(fs::exists("/etc/init.d/brink-live-test"));
  EXPECT_FALSE(fs::exists(Path("started")));
  EXPECT_FALSE(fs::exists("/etc/rc2.d/S01brink-live-test")) << "it would start with the machine";
}

TEST_F(InstallTest, SaysWhyAptCouldNotAndRunsNothing) {
  const Ended ended = RunOf(WriteNeeding("brink-live-absent"), "", "--install");
  EXPECT_EQ(ended.status, 4);
  EXPECT_EQ(ended.output, "");
  EXPECT_THAT(ended.errors, AllOf(HasSubstr("Unable to locate package brink-live-absent"),
                                  HasSubstr("remedy: all that it said is in " + Path("out/install.log"))));
  EXPECT_FALSE(fs::exists(Path("out/needs-brink-live-absent")));
}

TEST_F(InstallTest, NeedsRootAndSaysSo) {
  const Ended ended = RunOf(WriteNeeding("brink-live-test"),
                            "setpriv --reuid 65534 --regid 65534 --clear-groups", "--install");
  EXPECT_EQ(ended.status, 4);
  EXPECT_THAT(ended.errors, AllOf(HasSubstr("only root can install them: brink-live-test"),
                                  HasSubstr("remedy: run this as root")));
  EXPECT_FALSE(fs::exists("/etc/init.d/brink-live-test"));
}

TEST_F(InstallTest, ADryRunInstallsNothing) {
  const Ended ended =
      Brink({"run", WriteNeeding("brink-live-absent"), "--install", "--dry-run", "--format", "text"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_THAT(ended.output, HasSubstr("brink-live-absent is not installed"));
  EXPECT_THAT(ended.errors, Not(HasSubstr("installing")));
}

}  // namespace
}  // namespace brink::live
