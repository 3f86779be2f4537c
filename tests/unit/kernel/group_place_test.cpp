// SPDX-License-Identifier: MIT
#include "kernel/group_place.h"

#include "fake_tree.h"

namespace brink {
namespace {

class GroupPlaceTest : public FakeTree {
 protected:
  void Mount(const std::string& line, const std::string& root) const {
    Write("proc/self/mounts", "x " + base_ + "/groups " + line + " 0 0\n");
    Write("proc/self/mountinfo", "36 35 98:0 " + root + " " + base_ + "/groups rw - x x rw\n");
  }
};

TEST_F(GroupPlaceTest, CountsWhatWasTakenFromItsGroupOfVersionOne) {
  Mount("cgroup rw,memory", "/");
  Write("proc/self/cgroup", "9:pids:/\n4:memory:/box/brink\n0::/\n");
  Write("groups/box/brink/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n");
  EXPECT_EQ(OwnOomKills(roots_), 3U);
}

TEST_F(GroupPlaceTest, CountsWhatWasTakenFromItsGroupOfVersionTwo) {
  Write("groups/cgroup.controllers", "memory\n");
  Mount("cgroup2 rw", "/");
  Write("proc/self/cgroup", "0::/box\n");
  Write("groups/box/memory.events", "low 0\nhigh 0\nmax 7\noom 2\noom_kill 1\n");
  EXPECT_EQ(OwnOomKills(roots_), 1U);
}

// As in a container without a cgroup namespace: its own group is all that is mounted.
TEST_F(GroupPlaceTest, FindsAGroupThatIsTheMountsRoot) {
  Mount("cgroup rw,memory", "/docker/1a");
  Write("proc/self/cgroup", "4:memory:/docker/1a\n");
  Write("groups/memory.oom_control", "oom_kill 2\n");
  EXPECT_EQ(OwnOomKills(roots_), 2U);
  Write("proc/self/cgroup", "4:memory:/docker/1ab\n");
  EXPECT_EQ(OwnOomKills(roots_), std::nullopt);
}

TEST_F(GroupPlaceTest, KnowsNothingWithoutGroups) { EXPECT_EQ(OwnOomKills(roots_), std::nullopt); }

TEST(GroupPath, IsThatOfTheControllersLine) {
  constexpr const char* kText = "12:cpu,cpuacct:/a\n11:memory:/b:c\n1:name=systemd:/s\n0::/u\n";
  EXPECT_EQ(GroupPathOf(kText, "memory"), "/b:c");
  EXPECT_EQ(GroupPathOf(kText, "cpuacct"), "/a");
  EXPECT_EQ(GroupPathOf(kText, ""), "/u");
  EXPECT_EQ(GroupPathOf(kText, "pids"), std::nullopt);
  EXPECT_EQ(GroupPathOf("garbage\n:\n", "memory"), std::nullopt);
}

}  // namespace
}  // namespace brink
