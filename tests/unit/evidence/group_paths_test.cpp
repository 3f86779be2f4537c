// SPDX-License-Identifier: MIT
#include "evidence/group_paths.h"

#include <gtest/gtest.h>

namespace brink {
namespace {

constexpr const char* kV1 =
    "30 25 0:26 / /sys/fs/cgroup/unified rw,nosuid shared:9 - cgroup2 cgroup2 rw\n"
    "31 25 0:27 / /sys/fs/cgroup/cpu,cpuacct rw shared:10 - cgroup cgroup rw,cpu,cpuacct\n"
    "32 25 0:28 / /sys/fs/cgroup/memory rw shared:11 - cgroup cgroup rw,memory\n";

TEST(GroupPaths, PrefersTheControllersOwnHierarchy) {
  EXPECT_EQ(GroupPaths("memory", kV1).Mount(), "/sys/fs/cgroup/memory");
  EXPECT_EQ(GroupPaths("cpuacct", kV1).Mount(), "/sys/fs/cgroup/cpu,cpuacct");
}

TEST(GroupPaths, FallsBackToTheUnifiedHierarchy) {
  EXPECT_EQ(GroupPaths("pids", kV1).Mount(), "/sys/fs/cgroup/unified");
}

TEST(GroupPaths, ANameWithinAnotherIsNotTheController) {
  EXPECT_EQ(GroupPaths("cpuac", "31 25 0:27 / /c rw - cgroup cgroup rw,cpu,cpuacct\n").Mount(), "");
}

TEST(GroupPaths, WithoutAMountNothingIsResolved) {
  GroupPaths paths("memory", "malformed\n1 2 - \n");
  EXPECT_EQ(paths.Mount(), "");
  EXPECT_EQ(paths.Resolve(1), "");
}

}  // namespace
}  // namespace brink
