// SPDX-License-Identifier: MIT
#include "sandbox/qemu.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace brink {
namespace {

QemuOptions Options() {
  return {.accelerator = "tcg",
          .image = "/k/vmlinux",
          .initrd = "/k/initrd",
          .files = nullptr,
          .command_line = "quiet",
          .memory_bytes = std::uint64_t{1} << 30,
          .swap_bytes = 0,
          .cpus = 3,
          .run_dir = "/out"};
}

constexpr QemuDescriptors kDescriptors{.console = 3, .monitor = 4, .channel = 5, .scratch = 6, .swap = -1};

std::string Joined(const QemuOptions& options, const QemuDescriptors& descriptors) {
  std::string text;
  for (const std::string& word : QemuArguments(options, descriptors)) {
    text += word + " ";
  }
  return text;
}

TEST(QemuArguments, CarryTheMachine) {
  const std::string text = Joined(Options(), kDescriptors);
  EXPECT_NE(text.find("-m 1024M"), std::string::npos) << text;
  EXPECT_NE(text.find("-smp 3"), std::string::npos) << text;
  EXPECT_NE(text.find("-kernel /k/vmlinux -initrd /k/initrd -append quiet"), std::string::npos) << text;
}

TEST(QemuArguments, FilesThatAreHeldOpenGoByTheirDescriptors) {
  QemuDescriptors descriptors = kDescriptors;
  descriptors.image = 7;
  descriptors.initrd = 8;
  const std::string text = Joined(Options(), descriptors);
  EXPECT_NE(text.find("-kernel /proc/self/fd/7 -initrd /proc/self/fd/8 -append"), std::string::npos) << text;
}

TEST(QemuArguments, TheHostsRootIsReadOnlyAndTheRunFolderIsNot) {
  const auto words = QemuArguments(Options(), kDescriptors);
  const auto share = [&](const std::string& id) {
    const auto found = std::find_if(words.begin(), words.end(), [&](const std::string& word) {
      return word.starts_with("local,id=" + id + ",");
    });
    return found == words.end() ? std::string() : *found;
  };
  EXPECT_NE(share("root").find("readonly=on"), std::string::npos) << share("root");
  EXPECT_NE(share("run").find("path=/out,"), std::string::npos) << share("run");
  EXPECT_EQ(share("run").find("readonly"), std::string::npos) << share("run");
  // A guest's links, owners and modes are not this machine's.
  EXPECT_NE(share("run").find("security_model=mapped-"), std::string::npos) << share("run");
}

TEST(QemuArguments, ACommaInAFolderIsNotTheEndOfIt) {
  QemuOptions options = Options();
  options.run_dir = "/out,readonly=off";
  EXPECT_NE(Joined(options, kDescriptors).find("path=/out,,readonly=off,"), std::string::npos);
}

TEST(QemuArguments, SwapIsADiskOfItsOwn) {
  EXPECT_EQ(Joined(Options(), kDescriptors).find("serial=swap"), std::string::npos);
  QemuDescriptors descriptors = kDescriptors;
  descriptors.swap = 7;
  const std::string text = Joined(Options(), descriptors);
  EXPECT_NE(text.find("file=/proc/self/fd/7,"), std::string::npos) << text;
  EXPECT_NE(text.find("serial=swap"), std::string::npos) << text;
}

TEST(QemuArguments, KvmUsesTheHostsProcessor) {
  QemuOptions options = Options();
  options.accelerator = "kvm";
  EXPECT_NE(Joined(options, kDescriptors).find("-accel kvm -cpu host"), std::string::npos);
}

}  // namespace
}  // namespace brink
