// SPDX-License-Identifier: MIT
// What the live tests share.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <unistd.h>

#include <atomic>
#include <string>

#include "kernel/cgroup.h"
#include "kernel/launch.h"

namespace brink::live {

/// A setting without a mark in the file.
inline Setting Of(std::string name, std::string value) {
  return {.name = std::move(name), .value = std::move(value), .mark = {}};
}

/// Real groups need root and a writable cgroup mount.
class LiveTest : public testing::Test {
 protected:
  void SetUp() override {
    if (::geteuid() != 0) {
      GTEST_SKIP() << "needs root to make control groups: run the tests with sudo";
    }
    auto host = CgroupHost::Discover(Roots{});
    ASSERT_TRUE(host) << host.error().message;
    if (host->MemoryVersion() == CgroupVersion::kNone) {
      GTEST_SKIP() << "no memory controller is mounted: mount -t cgroup2 cgroup2 /sys/fs/cgroup";
    }
    host_ = std::make_unique<CgroupHost>(std::move(*host));
  }

  /// A name that no other test uses.
  static std::string GroupName() {
    static std::atomic<int> count = 0;
    return "brink-live-" + std::to_string(::getpid()) + "-" + std::to_string(++count);
  }

  static Cgroup MakeGroup(const CgroupHost& host, const std::vector<std::string>& extra = {}) {
    auto group = Cgroup::Create(host, GroupName(), extra);
    EXPECT_TRUE(group) << group.error().message << " " << group.error().remedy;
    return std::move(*group);
  }

  /// Starts argv in the group, as a case does.
  static Result<Launched> Start(const Cgroup& group, std::vector<std::string> argv, LaunchSpec spec = {}) {
    auto fds = group.JoinFds();
    EXPECT_TRUE(fds);
    for (const UniqueFd& fd : *fds) {
      spec.join_fds.push_back(fd.Get());
    }
    spec.argv = std::move(argv);
    spec.share_memory = MayShareMemory(Roots{}, group);
    return Launch(spec);
  }

  static bool Readable(int fd, int timeout_ms = 20000) {
    pollfd ready{.fd = fd, .events = POLLIN, .revents = 0};
    return ::poll(&ready, 1, timeout_ms) == 1;
  }

  static ExitStatus AwaitEnd(const Launched& target) {
    EXPECT_TRUE(Readable(target.pidfd.Get())) << "the target has not ended";
    auto status = Reap(target.pid);
    EXPECT_TRUE(status) << status.error().message;
    return status.value_or(ExitStatus{});
  }

  /// Reads output until `text` occurs or the output ends.
  static std::string ReadUntil(const Launched& target, const std::string& text) {
    std::string output;
    char buffer[4096];
    while (output.find(text) == std::string::npos && Readable(target.output.Get())) {
      const ssize_t got = ::read(target.output.Get(), buffer, sizeof(buffer));
      if (got <= 0) {
        break;
      }
      output.append(buffer, static_cast<std::size_t>(got));
    }
    return output;
  }

  std::unique_ptr<CgroupHost> host_;
};

}  // namespace brink::live
