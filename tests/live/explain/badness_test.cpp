// SPDX-License-Identifier: MIT
// The victim that brink explain predicts against the one that the kernel takes.
#include "explain/badness.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstring>
#include <memory>
#include <optional>
#include <random>

#include "base/units.h"
#include "evidence/living.h"
#include "evidence/mappings.h"
#include "evidence/watch.h"
#include "kernel/files.h"
#include "kernel/live.h"

namespace brink::live {
namespace {

/// The child's side: nothing that could fail for memory but what it is for.
[[noreturn]] void Hold(std::size_t bytes, int adj, int ready, int press) {
  const std::string score = std::to_string(adj);
  const UniqueFd file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (::write(file.Get(), score.data(), score.size()) < 0) {
    ::_exit(3);
  }
  const auto touch = [](std::size_t size) {
    void* memory = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      ::_exit(4);
    }
    std::memset(memory, 1, size);
  };
  touch(bytes);
  char byte = 0;
  if (::write(ready, &byte, 1) != 1) {
    ::_exit(5);
  }
  while (::read(press, &byte, 1) == 1) {
    touch(2 * kMiB);
  }
  ::_exit(0);
}

/// A child in the group that holds memory, and takes more when it is pressed.
class Holder {
 public:
  Holder(const Cgroup& group, std::size_t bytes, int adj) {
    std::array<int, 2> ready{};
    std::array<int, 2> press{};
    EXPECT_EQ(::pipe2(ready.data(), O_CLOEXEC), 0);
    EXPECT_EQ(::pipe2(press.data(), O_CLOEXEC), 0);
    const auto joins = group.JoinFds();
    EXPECT_TRUE(joins);
    pid_ = ::fork();
    if (pid_ == 0) {
      for (const UniqueFd& join : *joins) {
        if (::write(join.Get(), "0", 1) != 1) {
          ::_exit(2);
        }
      }
      ::close(press[1]);  // else it would wait for itself
      Hold(bytes, adj, ready[1], press[0]);
    }
    pidfd_ = UniqueFd(static_cast<int>(::syscall(SYS_pidfd_open, pid_, 0)));
    ::close(ready[1]);
    ::close(press[0]);
    press_ = UniqueFd(press[1]);
    char byte = 0;
    EXPECT_EQ(::read(ready[0], &byte, 1), 1) << "it could not take its memory";
    ::close(ready[0]);
  }
  ~Holder() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;
  [[nodiscard]] int Pid() const { return pid_; }
  [[nodiscard]] int Pidfd() const { return pidfd_.Get(); }
  void Press() const { EXPECT_EQ(::write(press_.Get(), "x", 1), 1); }

 private:
  pid_t pid_ = -1;
  UniqueFd pidfd_;
  UniqueFd press_;
};

/// Three processes, of which the first will ask for more than their group has.
struct Round {
  std::array<std::size_t, 3> mebibytes{};
  std::array<int, 3> adjustments{};
};

Round RandomRound(std::mt19937& random) {
  std::uniform_int_distribution<std::size_t> size(3, 18);
  std::uniform_int_distribution<int> score(0, 500);
  std::uniform_int_distribution<int> kind(0, 2);
  Round round;
  for (std::size_t i = 0; i < round.mebibytes.size(); ++i) {
    round.mebibytes[i] = size(random);
    round.adjustments[i] = kind(random) == 0 ? 0 : score(random);
  }
  return round;
}

using Holders = std::vector<std::unique_ptr<Holder>>;

/// True once one of them has ended.
bool AwaitAnEnd(const Holders& holders) {
  std::vector<pollfd> ends;
  for (const auto& holder : holders) {
    ends.push_back({.fd = holder->Pidfd(), .events = POLLIN, .revents = 0});
  }
  constexpr int kPatienceMs = 20000;
  return ::poll(ends.data(), ends.size(), kPatienceMs) > 0;
}

class Badness : public LiveTest {
 protected:
  void SetUp() override {
    LiveTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    auto watch = Watch::Load();
    if (!watch) {
      GTEST_SKIP() << watch.error().message << ": " << watch.error().remedy;
    }
    watch_.emplace(std::move(*watch));
  }

  /// The number of the first that the kernel took; 0 when it took none. On a busy machine there may be a
  /// second, while the first one's memory is not given back yet.
  int FirstVictim(const Holders& holders) {
    EXPECT_TRUE(AwaitAnEnd(holders));
    int first = 0;
    watch_->Drain([&](const WatchEvent& event) {
      const auto* kill = std::get_if<OomKillSeen>(&event);
      const auto is_its = [&](const auto& holder) { return holder->Pid() == kill->kill.pid; };
      if (kill != nullptr && first == 0 && std::any_of(holders.begin(), holders.end(), is_its)) {
        first = kill->kill.pid;
      }
    });
    return first;
  }

  /// True when there was a kill to compare; false when the first two are too near each other to tell.
  bool RoundTells(const Round& round) {
    Cgroup group = MakeGroup(*host_);
    Holders holders;
    for (std::size_t i = 0; i < round.mebibytes.size(); ++i) {
      holders.push_back(std::make_unique<Holder>(group, round.mebibytes[i] * kMiB, round.adjustments[i]));
    }
    const auto use = group.Counters().memory_use;
    EXPECT_TRUE(use);
    EXPECT_TRUE(group.Set("memory.max", std::to_string(use.value_or(0) + kMiB / 2)));
    const auto living = ReadLivingProcess(Roots{}, holders[1]->Pid(), CountProcessMappingsByKernel);
    EXPECT_TRUE(living);
    const OomChoice choice = ChoicesFor(*living).front();
    EXPECT_EQ(choice.group, "/" + group.Path());
    EXPECT_EQ(choice.candidates.size(), holders.size());
    // The one that asks gets half a MiB more first, and each processor holds back some pages of a count.
    constexpr std::int64_t kClearPages = 384;
    const bool tells = choice.candidates.size() > 1 &&
                       choice.candidates[0].points - choice.candidates[1].points > kClearPages;
    if (tells) {
      holders.front()->Press();
      EXPECT_EQ(FirstVictim(holders), choice.candidates.front().process.pid) << fmt::format(
          "sizes {} {} {} MiB, oom_score_adj {} {} {}", round.mebibytes[0], round.mebibytes[1],
          round.mebibytes[2], round.adjustments[0], round.adjustments[1], round.adjustments[2]);
    }
    holders.clear();
    EXPECT_TRUE(group.Remove());
    return tells;
  }

  std::optional<Watch> watch_;
};

TEST_F(Badness, PredictsTheVictimOfFortyRealKills) {
  constexpr int kKills = 40;
  constexpr int kMostRounds = 100;
  std::mt19937 random(20);  // the same rounds each time
  int kills = 0;
  for (int i = 0; i < kMostRounds && kills < kKills && !HasFailure(); ++i) {
    kills += RoundTells(RandomRound(random)) ? 1 : 0;
  }
  EXPECT_EQ(kills, kKills);
  RecordProperty("kills", kills);
}

}  // namespace
}  // namespace brink::live
