// SPDX-License-Identifier: MIT
// A fake /proc, /sys and /run in a folder of its own.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "kernel/roots.h"

namespace brink {

class FakeTree : public testing::Test {
 protected:
  void SetUp() override {
    const auto* test = testing::UnitTest::GetInstance()->current_test_info();
    base_ = testing::TempDir() + "brink-fake-" + std::to_string(::getpid()) + "-" + test->name();
    std::filesystem::remove_all(base_);
    roots_ = {.proc = base_ + "/proc", .sys = base_ + "/sys", .run = base_ + "/run"};
    std::filesystem::create_directories(roots_.proc);
  }
  void TearDown() override { std::filesystem::remove_all(base_); }

  /// `path` is relative to the tree: "proc/meminfo".
  void Write(const std::string& path, const std::string& text) const {
    const std::filesystem::path file = base_ + "/" + path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
  }
  [[nodiscard]] std::string Read(const std::string& path) const {
    std::ifstream file(base_ + "/" + path);
    return {std::istreambuf_iterator<char>(file), {}};
  }
  /// The sysctls and figures that most tests need: 8 GiB, 1 GiB committed, no swap.
  void WriteMachine() const {
    Write("proc/sys/vm/max_map_count", "65530\n");
    Write("proc/sys/vm/overcommit_memory", "0\n");
    Write("proc/sys/vm/overcommit_ratio", "50\n");
    Write("proc/sys/vm/overcommit_kbytes", "0\n");
    Write("proc/sys/vm/admin_reserve_kbytes", "8192\n");
    Write("proc/sys/vm/user_reserve_kbytes", "131072\n");
    Write("proc/sys/vm/swappiness", "60\n");
    Write("proc/meminfo",
          "MemTotal:        8388608 kB\nMemAvailable:    4194304 kB\nSwapTotal:             0 kB\n"
          "CommitLimit:     4194304 kB\nCommitted_AS:    1048576 kB\nHugePages_Total:       5\n"
          "HugePages_Free:        3\nHugePages_Rsvd:        1\nHugepagesize:       2048 kB\n");
    Write("proc/loadavg", "0.20 0.18 0.12 2/345 11206\n");
    LinkPidNamespace("pid:[4026531836]");  // the machine's first
  }
  void LinkPidNamespace(const std::string& name) const {
    const std::filesystem::path link = roots_.proc + "/self/ns/pid";
    std::filesystem::create_directories(link.parent_path());
    std::filesystem::remove(link);
    std::filesystem::create_symlink(name, link);
  }

  std::string base_;
  Roots roots_;
};

}  // namespace brink
