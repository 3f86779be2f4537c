// SPDX-License-Identifier: MIT
// The victim that brink explain predicts against the one that the kernel takes.
#include "explain/badness.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
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
#include "kernel/machine_guard.h"

namespace brink::live {
namespace {

/// What a process holds: all of these are charged to its group, and not all of them give it points.
enum class Kind {
  kPrivate,
  kShared,
  kPageTables,
  kFile,     // in a tmpfs: no points
  kSwapped,  // where there is swap; else private
  kVfork,    // private, with a child that has the same memory
};

struct Load {
  std::size_t bytes = 0;
  int adj = 0;
  Kind kind = Kind::kPrivate;
};

char* MapOrExit(std::size_t size, int prot, int flags) {
  void* memory = ::mmap(nullptr, size, prot, flags | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) {
    ::_exit(4);
  }
  return static_cast<char*>(memory);
}

char* Touch(std::size_t size, int flags) {
  char* memory = MapOrExit(size, PROT_READ | PROT_WRITE, flags);
  std::memset(memory, 1, size);
  return memory;
}

/// A table maps 2 MiB; the page of zeroes that is read is nobody's.
void FillPageTables(std::size_t bytes) {
  constexpr std::size_t kTable = 4096;
  constexpr std::size_t kMapped = 2 * kMiB;
  const std::size_t size = bytes / kTable * kMapped;
  const volatile char* memory = MapOrExit(size, PROT_READ, MAP_PRIVATE | MAP_NORESERVE);
  ::madvise(const_cast<char*>(memory), size, MADV_NOHUGEPAGE);
  for (std::size_t at = 0; at < size; at += kMapped) {
    static_cast<void>(memory[at]);
  }
}

void FillFile(std::size_t bytes) {
  static std::array<char, kMiB> chunk{};
  const int file = ::memfd_create("held", MFD_CLOEXEC);
  for (std::size_t at = 0; at < bytes; at += chunk.size()) {
    if (::write(file, chunk.data(), chunk.size()) != static_cast<ssize_t>(chunk.size())) {
      ::_exit(4);
    }
  }
}

void Take(const Load& load) {
  switch (load.kind) {
    case Kind::kShared:
      Touch(load.bytes, MAP_SHARED);
      return;
    case Kind::kPageTables:
      return FillPageTables(load.bytes);
    case Kind::kFile:
      return FillFile(load.bytes);
    case Kind::kSwapped:
      ::madvise(Touch(load.bytes, MAP_PRIVATE), load.bytes, MADV_PAGEOUT);
      return;
    case Kind::kPrivate:
    case Kind::kVfork:
      Touch(load.bytes, MAP_PRIVATE);
  }
}

struct Ends {
  int ready;
  int press;
};

int StayAndTakeMore(void* ends) {
  const auto [ready, press] = *static_cast<Ends*>(ends);
  char byte = 0;
  if (::write(ready, &byte, 1) != 1) {
    ::_exit(5);
  }
  while (::read(press, &byte, 1) == 1) {
    Touch(2 * kMiB, MAP_PRIVATE);
  }
  ::_exit(0);
}

/// The child's side: nothing that could fail for memory but what it is for.
[[noreturn]] void Hold(const Load& load, Ends ends) {
  const std::string score = std::to_string(load.adj);
  const UniqueFd file(::open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC));
  if (::write(file.Get(), score.data(), score.size()) < 0) {
    ::_exit(3);
  }
  Take(load);
  if (load.kind == Kind::kVfork) {
    static std::array<char, 64 * 1024> stack{};
    ::clone(StayAndTakeMore, stack.data() + stack.size(), CLONE_VM | CLONE_VFORK | SIGCHLD, &ends);
    ::_exit(6);  // it has ended
  }
  StayAndTakeMore(&ends);
  ::_exit(0);
}

/// A child in the group that holds memory, and takes more when it is pressed.
class Holder {
 public:
  Holder(const Cgroup& group, const Load& load) {
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
      Hold(load, {.ready = ready[1], .press = press[0]});
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
using Round = std::array<Load, 3>;

Round RandomRound(std::mt19937& random, int least_adj) {
  std::uniform_int_distribution<std::size_t> size(3, 18);
  std::uniform_int_distribution<int> score(least_adj, 1000);
  std::uniform_int_distribution<int> third(0, 2);
  std::uniform_int_distribution<int> kind(0, static_cast<int>(Kind::kSwapped));
  Round round;
  for (Load& load : round) {
    load.bytes = size(random) * kMiB;
    load.adj = third(random) == 0 ? 0 : score(random);
    load.kind = static_cast<Kind>(kind(random));
  }
  return round;
}

std::string Described(const Round& round) {
  std::string text;
  for (const Load& load : round) {
    text += fmt::format("{} MiB of kind {}, oom_score_adj {}; ", load.bytes / kMiB,
                        static_cast<int>(load.kind), load.adj);
  }
  return text;
}

/// -999 where this may be lowered (CAP_SYS_RESOURCE), else 0.
int LeastAdj() {
  const std::string file = "/proc/self/oom_score_adj";
  const auto before = ReadSmallFile(file);
  const bool may = before && WriteSmallFile(file, "-999").has_value();
  return may && WriteSmallFile(file, *before) ? -999 : 0;
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

  /// The limit leaves room for half a MiB, and for nothing more to be swapped out.
  static void Tighten(Cgroup& group, const GroupLevel& level) {
    const auto use = group.Counters().memory_use;
    EXPECT_TRUE(use);
    EXPECT_TRUE(group.Set("memory.max", std::to_string(use.value_or(0) + kMiB / 2)));
    if (ReadMachineFigures(Roots{}).swap_total_bytes > 0) {
      const auto both = level.both_use.value_or(0);
      const auto swapped = level.swap_use.value_or(both - std::min(both, level.use.value_or(0)));
      const auto set = group.Set("memory.swap.max", std::to_string(swapped));
      EXPECT_TRUE(set) << set.error().message;
    }
  }

  /// The first holder asks for more, and the kernel takes whom `choice` names. False when its first two are
  /// too near each other to tell: the one that asks gets half a MiB first, and each processor holds back some
  /// pages of a count.
  bool Tells(const OomChoice& choice, const Holders& holders, const std::string& what) {
    constexpr std::int64_t kClearPages = 384;
    const auto& candidates = choice.candidates;
    if (candidates.empty() ||
        (candidates.size() > 1 && candidates[0].points - candidates[1].points <= kClearPages)) {
      return false;
    }
    holders.front()->Press();
    EXPECT_EQ(FirstVictim(holders), candidates.front().process.pid) << what;
    return true;
  }

  static LivingProcess Living(const Holder& holder) {
    const auto living = ReadLivingProcess(Roots{}, holder.Pid(), CountProcessMappingsByKernel);
    EXPECT_TRUE(living);
    return living.value_or(LivingProcess{});
  }

  /// True when there was a kill to compare.
  bool RoundTells(const Round& round) {
    Cgroup group = MakeGroup(*host_);
    Holders holders;
    for (const Load& load : round) {
      holders.push_back(std::make_unique<Holder>(group, load));
    }
    Tighten(group, Living(*holders[1]).memory_groups.front());
    const OomChoice choice = ChoicesFor(Living(*holders[1])).front();
    EXPECT_EQ(choice.group, "/" + group.Path());
    EXPECT_EQ(choice.candidates.size(), holders.size());
    const bool tells = Tells(choice, holders, Described(round));
    swapped_kills_ += tells && choice.candidates.front().process.swapped > 0 ? 1 : 0;
    holders.clear();
    EXPECT_TRUE(group.Remove());
    return tells;
  }

  void ExpectKillsPredicted(int wanted, int most_rounds) {
    const int least_adj = LeastAdj();
    std::mt19937 random(20);  // the same rounds each time
    int kills = 0;
    for (int i = 0; i < most_rounds && kills < wanted && !HasFailure(); ++i) {
      kills += RoundTells(RandomRound(random, least_adj)) ? 1 : 0;
    }
    EXPECT_EQ(kills, wanted);
    RecordProperty("kills", kills);
  }

  int swapped_kills_ = 0;  // of those whose victim was swapped out in part
  std::optional<Watch> watch_;
};

TEST_F(Badness, PredictsTheVictimOfFortyRealKills) { ExpectKillsPredicted(40, 100); }

// Run in a guest as well, whose swap is used, and where oom_score_adj may be lowered.
TEST_F(Badness, PredictsVictimsThatAreSwappedOut) {
  if (ReadMachineFigures(Roots{}).swap_total_bytes == 0) {
    GTEST_SKIP() << "needs swap";
  }
  ExpectKillsPredicted(12, 40);
  EXPECT_GT(swapped_kills_, 0);
}

// in_vfork(): it has its parent's points, and is not taken for them.
TEST_F(Badness, PassesOverAChildThatHasItsParentsMemory) {
  Cgroup group = MakeGroup(*host_);
  Holders holders;
  holders.push_back(std::make_unique<Holder>(group, Load{.bytes = 4 * kMiB}));
  holders.push_back(std::make_unique<Holder>(group, Load{.bytes = 12 * kMiB, .kind = Kind::kVfork}));
  Tighten(group, Living(*holders[1]).memory_groups.front());
  const OomChoice choice = ChoicesFor(Living(*holders[1])).front();
  EXPECT_EQ(choice.candidates.size(), 2U);
  EXPECT_EQ(choice.exempt, 1U);
  EXPECT_TRUE(Tells(choice, holders, "a child after vfork"));
  holders.clear();
  EXPECT_TRUE(group.Remove());
}

TEST_F(Badness, EachLevelHasItsOwnVictim) {
  for (const std::size_t bound : {0, 1}) {
    Cgroup pod = MakeGroup(*host_);
    auto own = Cgroup::Create(*host_, pod.Path() + "/own");
    auto other = Cgroup::Create(*host_, pod.Path() + "/other");
    ASSERT_TRUE(own && other);
    Holders holders;
    holders.push_back(std::make_unique<Holder>(*own, Load{.bytes = 3 * kMiB}));
    holders.push_back(std::make_unique<Holder>(*own, Load{.bytes = 8 * kMiB}));
    holders.push_back(std::make_unique<Holder>(*other, Load{.bytes = 16 * kMiB}));
    const auto levels = Living(*holders[0]).memory_groups;
    ASSERT_GE(levels.size(), 2U);
    Tighten(pod, levels[1]);
    Tighten(*own, levels[0]);
    EXPECT_TRUE((bound == 0 ? pod : *own).Set("memory.max", std::to_string(64 * kMiB)));
    const auto choices = ChoicesFor(Living(*holders[0]));
    // The inner limit is above the outer one in the second round: that can't be reached.
    ASSERT_EQ(choices.size(), bound == 0 ? 3U : 2U);
    EXPECT_EQ(choices.front().group, "/" + (bound == 0 ? *own : pod).Path());
    EXPECT_EQ(choices.front().candidates.front().process.pid, holders[bound == 0 ? 1 : 2]->Pid());
    EXPECT_TRUE(Tells(choices.front(), holders, bound == 0 ? "the inner level" : "the outer level"));
    holders.clear();
    EXPECT_TRUE(own->Remove());
    EXPECT_TRUE(other->Remove());
    EXPECT_TRUE(pod.Remove());
  }
}

}  // namespace
}  // namespace brink::live
