// SPDX-License-Identifier: MIT
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "base/clock.h"
#include "run/recorder.h"

namespace brink {

/// A recorder over a fake /proc in which the test writes command lines.
class RecorderTest : public testing::Test {
 protected:
  RecorderTest() {
    roots_.proc = testing::TempDir() + "/recorder-" + std::to_string(::getpid());
    roots_.sys = roots_.proc + "/sys";
    ProcessPlan server;
    server.name = "server";
    server.children.push_back(
        ChildRule{.name = "snapshot", .title = "rdb-bgsave", .exe = {}, .oom_score_adj = 800});
    plan_.processes.push_back(std::move(server));
  }
  ~RecorderTest() override { std::filesystem::remove_all(roots_.proc); }

  void SetCommandLine(int pid, const std::string& text) const {
    const std::string folder = roots_.proc + "/" + std::to_string(pid);
    std::filesystem::create_directories(folder);
    std::ofstream(folder + "/cmdline") << text;
    std::ofstream(folder + "/comm") << "program\n";
  }

  std::size_t StartServer(Recorder& recorder) {
    SetCommandLine(100, "server");
    const std::size_t record = recorder.AddProcess(7, "server", &plan_.processes.front());
    recorder.Started(record, 7, 100);
    return record;
  }

  /// The server's child 101 dies of SIGKILL under the name that tells it is the snapshot.
  static void EndSnapshot(Recorder& recorder) {
    ExitSeen exit;
    exit.token = 7;
    exit.pid = 101;
    exit.comm = "rdb-bgsave";
    exit.signal = 9;
    recorder.OnEvent(exit);
  }
  static FailureSeen Failure(int pid) {
    FailureSeen failure;
    failure.token = 7;
    failure.call.pid = pid;
    failure.call.call = "mmap";
    failure.call.errno_name = "ENOMEM";
    failure.call.map_count = 1234;
    failure.at_ns = MonotonicNs();
    return failure;
  }

  Roots roots_;
  Plan plan_;
};

}  // namespace brink
