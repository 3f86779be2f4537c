// SPDX-License-Identifier: MIT
// A guest's root writes into the run's folder, which is a folder of the host: nothing outside may change.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "guest_fixture.h"

namespace brink::live {
namespace {

namespace fs = std::filesystem;

class GuestShare : public GuestTest {
 protected:
  /// A file of the user's, which brink has no business with.
  [[nodiscard]] fs::path WriteKept(const std::string& name) const {
    fs::create_directories(fs::path(Path(name)).parent_path());
    std::ofstream(Path(name)) << "kept";
    return Path(name);
  }
};

// The first case makes links where brink will write its verdict and where the second case will have its
// folder, which is cleared beforehand; and a program that would run as brink's user.
TEST_F(GuestShare, LeadsNobodyOutOfTheRunsFolder) {
  const fs::path file = WriteKept("precious");
  const fs::path inside = WriteKept("home/logs/keep");
  const Ended ended = RunInGuest({Write("hostile", fmt::format(R"(
processes: {{target: {{run: [sleep, '1000']}}}}
cases:
  attack:
    steps:
      - run: [sh, -c, "cd ${{dir}}/.. && ln -s {0} verdict.json && ln -s {1} ../next && cp /bin/true tool && chmod 4755 tool"]
        expect: {{exit: 0}}
  next: {{steps: [{{run: ['true']}}]}}
)",
                                                               file.string(), Path("home")))});
  const fs::path run = fs::path(Path("out-1")) / "hostile";
  EXPECT_EQ(ReadText(file), "kept") << ended.errors;
  EXPECT_TRUE(fs::exists(inside)) << ended.errors;
  EXPECT_EQ(std::distance(fs::directory_iterator(Path("home")), fs::directory_iterator()), 1);
  EXPECT_EQ(fs::symlink_status(run / "attack/verdict.json").type(), fs::file_type::regular);
  ASSERT_TRUE(fs::exists(run / "attack/tool")) << ended.errors;
  EXPECT_EQ(fs::status(run / "attack/tool").permissions() & fs::perms::set_uid, fs::perms::none);
}

}  // namespace
}  // namespace brink::live
