// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <string>
#include <vector>

#include "brink_process.h"
#include "kernel/machine_guard.h"
#include "machine_state.h"

namespace brink::live {

/// A folder for scenarios and outputs, and the machine as it was.
class RestoreTest : public testing::Test {
 protected:
  /// In a mount namespace of its own: what others mount meanwhile is no leftover of brink.
  static void SetUpTestSuite() {
    if (::unshare(CLONE_NEWNS) == 0) {
      EXPECT_EQ(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), 0) << std::strerror(errno);
    }
  }

  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "live_restore needs root: it sets sysctls and makes control groups";
    }
    std::string folder = (std::filesystem::temp_directory_path() / "brink-restore-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    folder_ = folder;
    const QuietMachine quiet;
    before_ = MachineNow();
  }

  void TearDown() override {
    if (HasFailure()) {
      std::cout << "kept: " << folder_.string() << "\n";
    } else {
      std::filesystem::remove_all(folder_);
    }
  }

  /// Writes a scenario in which "VICTIM," stands for the victim's path as a command; gives its file.
  [[nodiscard]] std::string Write(const std::string& name, std::string text) const {
    const std::string place = "VICTIM,";
    for (auto at = text.find(place); at != std::string::npos; at = text.find(place)) {
      text.replace(at, place.size(), BRINK_VICTIM ",");
    }
    const std::filesystem::path file = folder_ / (name + ".yaml");
    std::ofstream(file) << "name: " << name << "\n" << text;
    return file.string();
  }

  /// The words of a run that may change the machine.
  [[nodiscard]] std::vector<std::string> RunWords(const std::string& scenario, const std::string& out) const {
    return {"run", scenario, "--sandbox", "host", "--out", (folder_ / out).string(), "--format", "json"};
  }

  std::filesystem::path folder_;
  MachineState before_;
};

}  // namespace brink::live
