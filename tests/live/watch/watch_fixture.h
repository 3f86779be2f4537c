// SPDX-License-Identifier: MIT
// A loaded Watch, and children of the test that let themselves be watched.
#pragma once

#include <gtest/gtest.h>
#include <sys/resource.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "evidence/watch.h"

namespace brink {

inline constexpr std::uint64_t kPage = 4096;

/// Sets a limit of this process, soft and hard.
void Limit(__rlimit_resource resource, std::uint64_t value);

class WatchTest : public testing::Test {
 protected:
  void SetUp() override;

  /// Forks a child that registers itself under `token`, runs `body` and exits with what it returns. Not
  /// reaped.
  int Start(WatchToken token, const std::function<int()>& body);

  /// Starts, waits until the kernel has told of its end, reaps it, and keeps all events up to there in
  /// `events_`.
  int RunToEnd(WatchToken token, const std::function<int()>& body);

  /// Takes events until `enough` says so of all seen so far; fails the test after 20 s.
  void DrainUntil(const std::function<bool()>& enough);

  void AwaitExit(int pid);

  template <typename Event>
  [[nodiscard]] std::vector<Event> Seen() const {
    std::vector<Event> found;
    for (const auto& event : events_) {
      if (const auto* wanted = std::get_if<Event>(&event)) {
        found.push_back(*wanted);
      }
    }
    return found;
  }

  /// The first failure of that call; fails the test when there is none.
  [[nodiscard]] FailedCall FirstFailure(const std::string& call) const;
  [[nodiscard]] std::optional<ExitSeen> ExitOf(int pid) const;

  std::optional<Watch> watch_;
  std::vector<WatchEvent> events_;
};

/// A group of the test's own, on cgroup v1 or v2; removed when destroyed.
class TestGroup {
 public:
  /// `controller`: "memory" or "pids". `limit` in bytes or tasks.
  TestGroup(const std::string& controller, const std::string& name, std::uint64_t limit);
  TestGroup(const TestGroup&) = delete;
  TestGroup& operator=(const TestGroup&) = delete;
  ~TestGroup();

  /// Why there is none; empty when there is one.
  [[nodiscard]] const std::string& Problem() const { return problem_; }
  /// Moves the calling process into it.
  [[nodiscard]] bool Join() const;
  /// Its path below the controller's mount.
  [[nodiscard]] const std::string& Path() const { return path_; }

 private:
  std::string path_;
  std::string directory_;
  std::string problem_;
};

}  // namespace brink
