// SPDX-License-Identifier: MIT
// Files and folders as they are found on a disk.
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "support.h"

namespace brink::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class Files : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "brink-files-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  std::string Write(const std::string& name, const std::string& text) const {
    const std::filesystem::path path = folder_ / name;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
    return path.string();
  }

  static std::string OnlyComplaint(const std::string& path) {
    const LoadResult loaded = LoadScenario(path);
    EXPECT_EQ(loaded.complaints.size(), 1U);
    return loaded.complaints.empty() ? "" : FormatComplaint(loaded.complaints.front());
  }

  std::filesystem::path folder_;
};

TEST_F(Files, KnowTheirFolder) {
  const LoadResult loaded = LoadScenario(Write("sub/a.yaml", WithProcess("")));
  EXPECT_TRUE(loaded.complaints.empty());
  EXPECT_EQ(loaded.scenario.directory, (folder_ / "sub").string());
}

TEST_F(Files, OfTheWrongKindAreNamed) {
  EXPECT_THAT(OnlyComplaint((folder_ / "none.yaml").string()),
              HasSubstr("none.yaml: cannot be read: No such file or directory"));
  EXPECT_THAT(OnlyComplaint(folder_.string()),
              HasSubstr(": is a folder, not a scenario file (name a .yaml file)"));
  EXPECT_THAT(OnlyComplaint("/dev/zero"), HasSubstr("/dev/zero: is not a regular file"));
  const std::string fifo = (folder_ / "fifo.yaml").string();
  ASSERT_EQ(::mkfifo(fifo.c_str(), 0600), 0);
  EXPECT_THAT(OnlyComplaint(fifo), HasSubstr("is not a regular file"));
}

TEST_F(Files, ThatAreEmptyOrTooLargeAreTurnedDown) {
  EXPECT_THAT(OnlyComplaint(Write("empty.yaml", "")), HasSubstr("empty.yaml:1:1: the file is empty"));
  EXPECT_THAT(OnlyComplaint(Write("large.yaml", std::string(1024 * 1024 + 1, '#'))),
              HasSubstr("large.yaml: is larger than 1 MiB"));
  EXPECT_THAT(OnlyComplaint(Write("full.yaml", std::string(1024 * 1024, '#'))),
              HasSubstr("the file is empty"));
}

TEST_F(Files, AreFoundBelowAFolderInOrder) {
  const std::string b = Write("b.yaml", "");
  const std::string a = Write("z/a.yaml", "");
  Write("z/notes.txt", "");
  EXPECT_THAT(FindScenarioFiles(folder_.string()).value(), ElementsAre(b, a));
  EXPECT_THAT(FindScenarioFiles(b).value(), ElementsAre(b));
}

TEST_F(Files, ThatAreNotThereAreAnError) {
  const auto none = FindScenarioFiles((folder_ / "none").string());
  ASSERT_FALSE(none.has_value());
  EXPECT_THAT(none.error().message, HasSubstr("none: No such file or directory"));
  const auto empty = FindScenarioFiles(folder_.string());
  ASSERT_FALSE(empty.has_value());
  EXPECT_THAT(empty.error().message, HasSubstr("no scenario files (*.yaml) in this folder"));
}

TEST(FormatComplaint, LeavesOutWhatIsUnknown) {
  EXPECT_EQ(FormatComplaint({{.file = "a", .line = 2, .column = 3}, "p", "r"}), "a:2:3: p (r)");
  EXPECT_EQ(FormatComplaint({{.file = "a"}, "p", ""}), "a: p");
}

}  // namespace
}  // namespace brink::testing
