// SPDX-License-Identifier: MIT
// Machine-wide values under locks, journal and guardian, with settings too mild to hurt anyone.
#include <gmock/gmock.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <thread>

#include "base/clock.h"
#include "kernel/files.h"
#include "kernel/machine_guard.h"
#include "live.h"

namespace brink::live {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;

class GuardLive : public LiveTest {
 protected:
  void SetUp() override {
    LiveTest::SetUp();
    if (IsSkipped() || HasFatalFailure()) {
      return;
    }
    if (::access("/proc/sys/vm/swappiness", W_OK) != 0) {
      GTEST_SKIP() << "/proc/sys is read-only here: run the tests outside an unprivileged container";
    }
    roots_.run = testing::TempDir() + "brink-guard-" + std::to_string(::getpid());
    std::filesystem::remove_all(roots_.run);
    before_ = ReadMachineSettings(roots_);
  }
  void TearDown() override {
    if (!before_.empty()) {
      EXPECT_EQ(ReadMachineSettings(roots_), before_);
      EXPECT_FALSE(std::filesystem::exists(roots_.run + "/machine.json"));
      std::filesystem::remove_all(roots_.run);
    }
  }
  [[nodiscard]] std::string Read(const char* name) const {
    return ReadMachineSetting(roots_, name).value_or("?");
  }

  Roots roots_;
  std::map<std::string, std::string> before_;
  std::vector<ImposedFault> proof_;
};

TEST_F(GuardLive, ImposesProvesAndRestoresCoupledSettings) {
  auto hold = MachineHold::Take(
      roots_, {Of("vm.overcommit_ratio", "51"), Of("vm.max_map_count", "60000"), Of("vm.swappiness", "42")},
      proof_, 30);
  ASSERT_TRUE(hold) << hold.error().message;
  EXPECT_EQ(proof_.size(), 3U);
  for (const ImposedFault& fault : proof_) {
    EXPECT_TRUE(fault.in_force) << fault.name << fault.error;
  }
  EXPECT_EQ(Read("vm.overcommit_ratio"), "51");
  EXPECT_EQ(Read("vm.max_map_count"), "60000");
  EXPECT_TRUE(std::filesystem::exists(roots_.run + "/machine.json"));
  ImposedFault changed;
  ASSERT_TRUE(hold->Change(Of("vm.overcommit_kbytes", "8000000"), changed)) << changed.error;
  EXPECT_EQ(changed.read_back, "8000000");
  EXPECT_EQ(Read("vm.overcommit_ratio"), "0");
  const auto status = hold->Restore();
  EXPECT_TRUE(status) << status.error().message;
}

TEST_F(GuardLive, EqualValuesShareAndTheLastRestores) {
  auto first = MachineHold::Take(roots_, {Of("vm.swappiness", "41")}, proof_, 30);
  std::vector<ImposedFault> second_proof;
  auto second = MachineHold::Take(roots_, {Of("vm.swappiness", "41")}, second_proof, 30);
  ASSERT_TRUE(first && second);
  ASSERT_EQ(second_proof.size(), 1U);
  EXPECT_TRUE(second_proof[0].in_force);
  ImposedFault change;
  EXPECT_FALSE(first->Change(Of("vm.swappiness", "40"), change));
  EXPECT_THAT(change.error, HasSubstr("shares the machine"));
  ASSERT_TRUE(first->Restore());
  EXPECT_EQ(Read("vm.swappiness"), "41");
  ASSERT_TRUE(second->Restore());
  EXPECT_EQ(Read("vm.swappiness"), before_["vm.swappiness"]);
}

TEST_F(GuardLive, DifferentValuesNeverOverlapAmongThreads) {
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&, i] {
      const std::string value = std::to_string(40 + i % 2);
      for (int n = 0; n < 10; ++n) {
        std::vector<ImposedFault> proof;
        auto hold = MachineHold::Take(roots_, {Of("vm.swappiness", value)}, proof, 60);
        const bool right = hold && Read("vm.swappiness") == value;
        std::this_thread::yield();
        good += right && Read("vm.swappiness") == value && hold->Restore() ? 1 : 0;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(good, 40);
}

TEST_F(GuardLive, WaitForOtherValuesEndsWithTheTimeoutAndWithCancel) {
  auto none = MachineHold::Take(roots_, {}, proof_, 30);
  ASSERT_TRUE(none);
  auto late = MachineHold::Take(roots_, {Of("vm.swappiness", "41")}, proof_, 0.05);
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, ETIMEDOUT);
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const UniqueFd read_end(ends[0]);
  UniqueFd(ends[1]).Reset();  // readable from now on
  auto cancelled = MachineHold::Take(roots_, {Of("vm.swappiness", "41")}, proof_, 30, read_end.Get());
  ASSERT_FALSE(cancelled);
  EXPECT_TRUE(none->Restore());
}

TEST_F(GuardLive, ProcessesExcludeEachOther) {
  auto hold = MachineHold::Take(roots_, {Of("vm.swappiness", "41")}, proof_, 30);
  ASSERT_TRUE(hold);
  const pid_t other = ::fork();
  if (other == 0) {
    std::vector<ImposedFault> proof;
    const bool entered = MachineHold::Take(roots_, {Of("vm.swappiness", "44")}, proof, 0.05).has_value();
    auto same = MachineHold::Take(roots_, {Of("vm.swappiness", "41")}, proof, 10);
    const bool restored = same && same->Restore();
    ::_exit(!entered && restored ? 0 : 1);
  }
  int status = 0;
  ::waitpid(other, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Read("vm.swappiness"), "41");
}

TEST_F(GuardLive, ForeignChangeIsReportedAndNotOverwritten) {
  auto hold = MachineHold::Take(roots_, {Of("vm.swappiness", "41")}, proof_, 30);
  ASSERT_TRUE(hold);
  ASSERT_TRUE(WriteSmallFile("/proc/sys/vm/swappiness", "77"));
  const auto status = hold->Restore();
  EXPECT_EQ(Read("vm.swappiness"), "77");
  ASSERT_TRUE(WriteSmallFile("/proc/sys/vm/swappiness", before_["vm.swappiness"]));
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("somebody else changed it"));
}

TEST_F(GuardLive, HarmfulValuesAreRefusedBeforeAnythingIsWritten) {
  auto panic = MachineHold::Take(roots_, {Of("vm.panic_on_oom", "1")}, proof_, 30);
  ASSERT_FALSE(panic);
  EXPECT_THAT(panic.error().message, HasSubstr("take the whole machine down"));
  auto commit = MachineHold::Take(roots_, {Of("vm.overcommit_memory", "2"), Of("vm.overcommit_kbytes", "+0")},
                                  proof_, 30);
  ASSERT_FALSE(commit);
  EXPECT_THAT(commit.error().message, HasSubstr("commit limit"));
}

TEST_F(GuardLive, FinishLeavesNoGuardianNoGroupNoEntry) {
  auto guard = RunGuard::Start(roots_);
  ASSERT_TRUE(guard) << guard.error().message;
  EXPECT_FALSE(std::filesystem::is_empty(roots_.run + "/runs"));
  auto group = Cgroup::Create(*host_, guard->GroupRoot());
  ASSERT_TRUE(group);
  ASSERT_TRUE(guard->Finish());
  EXPECT_TRUE(std::filesystem::is_empty(roots_.run + "/runs"));
  EXPECT_NE(::access(host_->Directory("memory", guard->GroupRoot()).c_str(), F_OK), 0);
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "the guardian is a child still";
  EXPECT_TRUE(group->Remove());
}

// The journal's old value is one that the kernel refuses: nobody can put it back.
TEST_F(GuardLive, FinishTellsOfValuesThatCannotBePutBackAndKeepsTheGuardian) {
  auto guard = RunGuard::Start(roots_);
  ASSERT_TRUE(guard) << guard.error().message;
  std::ofstream(roots_.run + "/machine.json")
      << R"({"key": "k", "slots": [{"slot": "vm.swappiness", "old": "none", "set": [")"
      << before_["vm.swappiness"] << R"("]}]})";
  const auto status = guard->Finish();
  ASSERT_FALSE(status);
  EXPECT_THAT(status.error().message, HasSubstr("vm/swappiness"));
  EXPECT_THAT(status.error().remedy, HasSubstr("brink restore"));
  EXPECT_TRUE(std::filesystem::exists(roots_.run + "/machine.json")) << "forgotten before it was restored";
  int ended = 0;
  ASSERT_GT(::waitpid(-1, &ended, 0), 0) << "the guardian was dismissed";
  EXPECT_TRUE(WIFEXITED(ended) && WEXITSTATUS(ended) == 1) << "the guardian did not try again";
  std::filesystem::remove(roots_.run + "/machine.json");
}

TEST_F(GuardLive, FinishPutsBackWhatNobodyHoldsAnyMore) {
  auto guard = RunGuard::Start(roots_);
  ASSERT_TRUE(guard) << guard.error().message;
  std::ofstream(roots_.run + "/machine.json")
      << R"({"key": "k", "slots": [{"slot": "vm.swappiness", "old": ")" << before_["vm.swappiness"]
      << R"(", "set": ["43"]}]})";
  ASSERT_TRUE(WriteSmallFile("/proc/sys/vm/swappiness", "43"));
  const auto status = guard->Finish();
  EXPECT_TRUE(status) << status.error().message;
}

TEST_F(GuardLive, RestoreLeftoversNamesTheBrinkThatUsesTheMachine) {
  auto guard = RunGuard::Start(roots_);
  ASSERT_TRUE(guard) << guard.error().message;
  EXPECT_EQ(RestoreLeftovers(roots_).value().in_use, "");
  auto hold = MachineHold::Take(roots_, {Of("vm.swappiness", "41")}, proof_, 30);
  ASSERT_TRUE(hold) << hold.error().message;
  const auto leftovers = RestoreLeftovers(roots_);
  ASSERT_TRUE(leftovers) << leftovers.error().message;
  EXPECT_THAT(leftovers->notes, IsEmpty());
  EXPECT_EQ(leftovers->in_use,
            "machine-wide values are in use by a running brink (pid " + std::to_string(::getpid()) + ")");
  EXPECT_EQ(Read("vm.swappiness"), "41");
  EXPECT_TRUE(hold->Restore());
  EXPECT_TRUE(guard->Finish());
}

/// What a brink does: guard, group, machine, a target; again and again until it is killed.
[[noreturn]] void LiveAsBrink(const Roots& roots, const CgroupHost& host) {
  for (int n = 0;; ++n) {
    auto guard = RunGuard::Start(roots);
    if (!guard) {
      ::_exit(1);
    }
    auto group = Cgroup::Create(host, guard->GroupRoot());
    std::vector<ImposedFault> proof;
    auto hold = MachineHold::Take(
        roots, {Of("vm.swappiness", "41"), Of("vm.overcommit_ratio", "51"), Of("vm.max_map_count", "60000")},
        proof, 30);
    if (!group || !hold) {
      ::_exit(2);
    }
    LaunchSpec spec;
    spec.argv = {"/bin/sleep", "1000"};
    auto fds = group->JoinFds();
    for (const UniqueFd& fd : *fds) {
      spec.join_fds.push_back(fd.Get());
    }
    auto target = Launch(spec);
    if (!target || !group->Remove() || !Reap(target->pid) || !hold->Restore() || !guard->Finish()) {
      ::_exit(3);
    }
  }
}

TEST_F(GuardLive, GuardianRestoresAfterSigkillAtRandomInstants) {
  constexpr int kInstants = 30;
  constexpr unsigned kSeed = 20240607;
  std::mt19937 random(kSeed);
  for (int i = 0; i < kInstants; ++i) {
    const pid_t brink = ::fork();
    if (brink == 0) {
      LiveAsBrink(roots_, *host_);
    }
    ASSERT_GT(brink, 0);  // kill(2) takes -1 for all processes
    // A random instant is the point here, not a synchronisation.
    ::usleep(static_cast<useconds_t>(random() % 60000));
    ::kill(brink, SIGKILL);
    int status = 0;
    ::waitpid(brink, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "ended by itself with " << WEXITSTATUS(status);
    const auto clean = [&] {
      return ReadMachineSettings(roots_) == before_ &&
             !std::filesystem::exists(roots_.run + "/machine.json") &&
             (!std::filesystem::exists(roots_.run + "/runs") ||
              std::filesystem::is_empty(roots_.run + "/runs"));
    };
    const auto deadline = Clock::now() + std::chrono::seconds(30);
    while (!clean() && Clock::now() < deadline) {
      // Killed before there was a guardian (or while writing the entry): the next start or `brink restore`
      // cleans up.
      if (Clock::now() > deadline - std::chrono::seconds(27)) {
        EXPECT_TRUE(RestoreLeftovers(roots_));
      }
      ::poll(nullptr, 0, 2);
    }
    ASSERT_TRUE(clean()) << "instant " << i;
    for (const std::string& mount : host_->Mounts()) {
      for (const auto& entry : std::filesystem::directory_iterator(mount)) {
        EXPECT_FALSE(entry.path().filename().string().starts_with("brink-" + std::to_string(brink) + "-"));
      }
    }
  }
}

TEST_F(GuardLive, RestoreLeftoversCleansUpAfterADeadBrinkWithoutGuardian) {
  std::filesystem::create_directories(roots_.run + "/runs");
  const std::string path = "brink-999999999-1";
  auto group = Cgroup::Create(*host_, path);
  ASSERT_TRUE(group);
  const auto join = group->JoinFds();
  ASSERT_TRUE(join);
  const pid_t left = ::fork();
  if (left == 0) {
    for (const UniqueFd& fd : *join) {
      if (::write(fd.Get(), "0", 1) != 1) {
        ::_exit(1);
      }
    }
    for (;;) {
      ::pause();
    }
  }
  while (group->Pids().empty()) {
    ASSERT_EQ(::waitpid(left, nullptr, WNOHANG), 0) << "it could not join its group";
    ::sched_yield();
  }
  std::ofstream(roots_.run + "/runs/999999999-1.json")
      << R"({"pid": 999999999, "start_ticks": 1, "group": "brink-999999999-1"})";
  std::ofstream(roots_.run + "/machine.json")
      << R"({"key": "vm.swappiness=43", "slots": [{"slot": "vm.swappiness", "old": ")"
      << before_["vm.swappiness"] << R"(", "set": ["43"]}]})";
  ASSERT_TRUE(WriteSmallFile("/proc/sys/vm/swappiness", "43"));
  const auto notes = RestoreLeftovers(roots_);
  ASSERT_TRUE(notes) << notes.error().message;
  ASSERT_EQ(notes->notes.size(), 2U);
  EXPECT_THAT(notes->notes.front(), EndsWith("did not end by itself, and ended the process in it"));
  EXPECT_EQ(::waitpid(left, nullptr, 0), left);
  EXPECT_EQ(notes->in_use, "");
  EXPECT_NE(::access(host_->Directory("memory", path).c_str(), F_OK), 0);
  EXPECT_TRUE(group->Remove());
  EXPECT_THAT(RestoreLeftovers(roots_).value().notes, IsEmpty());
}

}  // namespace
}  // namespace brink::live
