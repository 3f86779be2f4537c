// SPDX-License-Identifier: MIT
#include "sandbox/saved_machine.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <spdlog/sinks/ostream_sink.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <sstream>

#include "unit/kernel/fake_tree.h"

namespace brink {
namespace {

using testing::HasSubstr;

class SavedMachineTest : public FakeTree {
 protected:
  void SetUp() override {
    FakeTree::SetUp();
    Write("kernel/vmlinux", "kernel");
    Write("kernel/initrd", "modules");
    options_.image = base_ + "/kernel/vmlinux";
    options_.initrd = base_ + "/kernel/initrd";
    options_.memory_bytes = std::uint64_t{1} << 30;
    options_.run_dir = "/out";
  }
  static void Save(const QemuOptions& options, const std::string& text) {
    const SavedMachine place(options);
    const UniqueFd file = place.Create();
    ASSERT_TRUE(file.Valid());
    ASSERT_EQ(::write(file.Get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    place.Keep(file);
  }
  /// What is kept of it; empty when nothing is.
  [[nodiscard]] static std::string Kept(const QemuOptions& options) {
    const UniqueFd file = SavedMachine(options).Open();
    std::string text(64, '\0');
    const ssize_t count = file.Valid() ? ::read(file.Get(), text.data(), text.size()) : 0;
    text.resize(count > 0 ? static_cast<std::size_t>(count) : 0);
    return text;
  }
  [[nodiscard]] std::ptrdiff_t Files() const {
    const auto files = std::filesystem::directory_iterator(base_ + "/kernel/saved");
    return std::distance(begin(files), end(files));
  }

  QemuOptions options_;
};

TEST_F(SavedMachineTest, OneThatIsKeptIsThereForAllThatAreAlike) {
  EXPECT_EQ(Kept(options_), "");
  Save(options_, "state");
  EXPECT_EQ(Kept(options_), "state");
  options_.run_dir = "/elsewhere";
  EXPECT_EQ(Kept(options_), "state");
}

TEST_F(SavedMachineTest, FilesThatAreHeldOpenAreWhatItIsOfNotWhatHasTheirNamesNow) {
  const auto open = [](const std::string& path) {
    return UniqueFd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  };
  QemuOptions held = options_;
  held.files =
      std::make_shared<BootFiles>(BootFiles{.image = open(options_.image), .initrd = open(options_.initrd)});
  std::filesystem::rename(options_.image, base_ + "/kernel/replaced");
  Write("kernel/vmlinux", "another kernel");
  Save(held, "state");
  EXPECT_EQ(Kept(held), "state");
  EXPECT_EQ(Kept(options_), "");
}

TEST_F(SavedMachineTest, AnotherMachineDoesNotGetIt) {
  Save(options_, "state");
  QemuOptions other = options_;
  other.memory_bytes *= 2;
  EXPECT_EQ(Kept(other), "");
  other = options_;
  other.swap_bytes = 1 << 20;
  EXPECT_EQ(Kept(other), "");
  other = options_;
  other.command_line = "panic=1";
  EXPECT_EQ(Kept(other), "");
  Write("kernel/initrd", "other modules");
  EXPECT_EQ(Kept(options_), "");
}

TEST_F(SavedMachineTest, WhatIsNotKeptLeavesNothing) {
  { const UniqueFd file = SavedMachine(options_).Create(); }
  EXPECT_EQ(Files(), 0);
}

TEST_F(SavedMachineTest, TheFirstToKeepItWins) {
  Save(options_, "first");
  Save(options_, "second");
  EXPECT_EQ(Kept(options_), "first");
}

TEST_F(SavedMachineTest, ThoseNotUsedForLongestMakeRoom) {
  for (int kind = 1; kind <= 4; ++kind) {
    options_.cpus = kind;
    Save(options_, std::to_string(kind));
  }
  options_.cpus = 1;
  EXPECT_EQ(Kept(options_), "1");
  options_.cpus = 5;
  Save(options_, "5");
  EXPECT_EQ(Files(), 4);
  options_.cpus = 2;
  EXPECT_EQ(Kept(options_), "");
  options_.cpus = 1;
  EXPECT_EQ(Kept(options_), "1");
}

TEST_F(SavedMachineTest, OneThatOthersCanWriteToIsNotUsed) {
  Save(options_, "state");
  const auto folder = std::filesystem::path(base_) / "kernel/saved";
  const auto file = std::filesystem::directory_iterator(folder)->path();
  for (const auto& path : {file, folder}) {
    const auto before = std::filesystem::status(path).permissions();
    std::filesystem::permissions(path, std::filesystem::perms::others_write,
                                 std::filesystem::perm_options::add);
    EXPECT_EQ(Kept(options_), "") << path;
    std::filesystem::permissions(path, before);
    EXPECT_EQ(Kept(options_), "state");
  }
  std::filesystem::permissions(folder, std::filesystem::perms::all);
  EXPECT_FALSE(SavedMachine(options_).Create().Valid());
}

TEST_F(SavedMachineTest, OneThatALinkLeadsToIsNotUsed) {
  Save(options_, "state");
  const auto file = std::filesystem::directory_iterator(base_ + "/kernel/saved")->path();
  std::filesystem::rename(file, base_ + "/elsewhere");
  std::filesystem::create_symlink(base_ + "/elsewhere", file);
  EXPECT_EQ(Kept(options_), "");
}

TEST_F(SavedMachineTest, WhatTheyTakeIsCounted) {
  EXPECT_EQ(SavedMachinesOf(options_.image).count, 0U);
  Save(options_, std::string(100'000, 's'));
  options_.cpus = 2;
  Save(options_, std::string(100'000, 's'));
  const SavedMachines saved = SavedMachinesOf(options_.image);
  EXPECT_EQ(saved.count, 2U);
  EXPECT_GE(saved.bytes, 200'000U);
}

TEST_F(SavedMachineTest, OneThatDoesNotGoOnIsRemoved) {
  Save(options_, "broken");
  SavedMachine(options_).Remove();
  EXPECT_EQ(Kept(options_), "");
}

TEST_F(SavedMachineTest, WhereNoFileCanBeMadeItIsToldWhy) {
  std::ostringstream said;
  const auto before = spdlog::default_logger();
  spdlog::set_default_logger(
      std::make_shared<spdlog::logger>("said", std::make_shared<spdlog::sinks::ostream_sink_mt>(said)));
  options_.image = "/proc/vmlinux";
  EXPECT_FALSE(SavedMachine(options_).Create().Valid());
  spdlog::set_default_logger(before);
  EXPECT_THAT(said.str(), HasSubstr("no machine is saved in /proc/saved: No such file or directory"));
}

TEST_F(SavedMachineTest, WithKvmNoneIsKept) {
  options_.accelerator = "kvm";
  EXPECT_FALSE(SavedMachine(options_).Create().Valid());
  EXPECT_FALSE(SavedMachine(options_).Open().Valid());
}

}  // namespace
}  // namespace brink
