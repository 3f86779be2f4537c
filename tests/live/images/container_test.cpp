// SPDX-License-Identifier: MIT
// brink out of its OCI image, in a container of podman and runc that has no root, no capability, no network
// and no /dev/kvm: every case runs in a guest, and this machine stays as it is. The demo takes a quarter of
// an hour and more, so all of it runs with BRINK_NIGHTLY set, as the build target `nightly` does; else two
// cases of it.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "cli/cli_fixture.h"

namespace brink::live {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::HasSubstr;

/// What podman starts in the container says what it is allowed, and becomes brink.
constexpr const char* kInContainer = R"sh(
{ echo "user $(id -u)"
  sed -n 's/^\(Cap[A-Z][a-z]*\):[^0-9a-f]*/\1 /p' /proc/self/status
  test -e /dev/kvm && echo kvm || echo no kvm; } >&2
exec brink "$@"
)sh";

class ContainerTest : public CliTest {
 protected:
  /// The image is made in a folder of the test's own, as that of the machine may be of another checkout;
  /// podman's storage is there too. Takes one to three minutes.
  static void SetUpTestSuite() {
    why_not_ = WhatIsMissing();
    if (!why_not_.empty()) {
      return;
    }
    std::string base = (fs::temp_directory_path() / "brink-container-XXXXXX").string();
    ASSERT_NE(::mkdtemp(base.data()), nullptr);
    base_ = base;
    fs::create_directories(base_ + "/runs");
    fs::permissions(base_ + "/runs", fs::perms::all);
    std::ofstream(base_ + "/in-container") << kInContainer;
    ASSERT_EQ(Command("BRINK_BUILD=" BRINK_BUILD_FOLDER " BRINK_CACHE=$PWD/cache " BRINK_MAKE_IMAGE
                      " --oci brink $PWD/brink.oci.tar && rm -r cache"),
              0)
        << Said();
    // A container that does nothing tells whether this machine lets podman start any.
    ASSERT_EQ(Command(Podman() + " load --input brink.oci.tar && rm brink.oci.tar"), 0) << Said();
    if (Command(Podman() + " run --rm " + kUnprivileged + " --entrypoint true brink") != 0) {
      why_not_ = "podman starts no container here: " + Said();
    }
  }

  static void TearDownTestSuite() {
    if (!base_.empty()) {
      EXPECT_EQ(Command(Podman() + " rm --all --force --time 0"), 0) << Said();
      fs::remove_all(base_);
    }
  }

  void SetUp() override {
    CliTest::SetUp();
    if (!IsSkipped() && !why_not_.empty()) {
      GTEST_SKIP() << why_not_;
    }
    const QuietMachine quiet;  // not what another brink has set for a moment
    before_ = MachineNow();
    patience_ = std::chrono::hours(3);
  }

  /// `brink run WORDS` in such a container.
  [[nodiscard]] Ended RunInContainer(const std::string& words) {
    return Shell(fmt::format(
        R"(cd {} && exec {} run --rm --timeout {} --log-driver none {} --volume "$PWD/runs:/runs" \
  --volume "$PWD/in-container:/in-container:ro" --entrypoint sh brink /in-container run {} --out /runs --format json)",
        base_, Podman(), patience_.count(), kUnprivileged, words));
  }

  /// Every case as expected, in a guest that was emulated, without a right that root has.
  void ExpectAllMet(const Ended& ended) const {
    EXPECT_EQ(ended.status, 0) << ended.errors;
    EXPECT_THAT(ended.errors, HasSubstr("user 1000\n"));
    for (const char* set : {"CapPrm", "CapEff", "CapBnd", "CapAmb"}) {
      EXPECT_THAT(ended.errors, HasSubstr(fmt::format("{} 0000000000000000\n", set)));
    }
    EXPECT_THAT(ended.errors, HasSubstr("no kvm\n"));
    for (const json& result : ExpectOneDocument(ended.output)["results"]) {
      EXPECT_EQ(result["sandbox"], "vm") << result["scenario"];
      EXPECT_EQ(result["guest"].value("accelerator", ""), "tcg") << result["scenario"];
      EXPECT_EQ(result["evidence_grade"], "kernel") << result["scenario"];
      EXPECT_EQ(result["expected_met"], true) << result.dump(1);
    }
    ExpectAsBefore(before_, {});
  }

  /// Limits of open files and processes as any machine grants them: podman asks for more than some do.
  static constexpr const char* kUnprivileged =
      "--network none --cap-drop ALL --user 1000:1000 --security-opt no-new-privileges "
      "--ulimit nofile=1024:1024 --ulimit nproc=4096:4096";

  inline static std::string base_;
  inline static std::string why_not_;

 private:
  /// Storage of the test's own: copies of folders, which leave no mount behind. crun takes not every layout
  /// of cgroups.
  static std::string Podman() {
    return fmt::format("podman --root {0}/storage --runroot {0}/state --storage-driver vfs --runtime runc",
                       base_);
  }
  static std::string WhatIsMissing() {
    if (::geteuid() != 0) {
      return "needs root: podman without it takes lent user ids";
    }
    for (const char* tool : {"podman", "runc", "umoci", "mmdebstrap"}) {
      if (std::system(fmt::format("PATH=$PATH:/usr/sbin command -v {} >/dev/null", tool).c_str()) != 0) {
        return fmt::format("needs {0}: apt-get install --no-install-recommends {0}", tool);
      }
    }
    return "";
  }
  /// In the suite's folder; gives its exit status.
  static int Command(const std::string& script) {
    std::ofstream(base_ + "/script") << "cd " << base_ << " || exit 99\n" << script << "\n";
    const int status = std::system(fmt::format("timeout 1200 sh {0}/script >{0}/said 2>&1", base_).c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  static std::string Said() { return ReadText(base_ + "/said"); }
};

TEST_F(ContainerTest, WithoutPrivilegesRunsTheDemo) {
  const bool all = std::getenv("BRINK_NIGHTLY") != nullptr;
  // What a user without privileges may set for himself, and what only a machine of his own can have.
  constexpr const char* kAll = "{} --tag demo";
  constexpr const char* kTwo =
      "{0}/mlock/memlock-limit.yaml {0}/fork/snapshot-overcommit.yaml --case reported";
  const auto words = [&](const char* folder) {
    return all ? fmt::format(kAll, folder) : fmt::format(kTwo, folder);
  };
  const Ended planned = Shell("$BRINK run " + words(BRINK_SCENARIOS) + " --dry-run | grep -c '(timeout '");
  const Ended ended = RunInContainer(words("/usr/share/brink/scenarios"));
  ExpectAllMet(ended);
  EXPECT_EQ(fmt::format("{}\n", CasesOf(json::parse(ended.output, nullptr, false)).size()), planned.output);
}

}  // namespace
}  // namespace brink::live
