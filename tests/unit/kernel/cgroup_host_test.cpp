// SPDX-License-Identifier: MIT
#include "fake_tree.h"
#include "kernel/cgroup.h"
#include "kernel/cgroup_tree.h"

namespace brink {
namespace {

class CgroupHostTest : public FakeTree {};

TEST_F(CgroupHostTest, FindsControllersOfVersionOne) {
  Write("proc/self/mounts",
        "tmpfs /sys/fs/cgroup tmpfs rw 0 0\n"
        "cgroup /sys/fs/cgroup/memory cgroup rw,nosuid,memory 0 0\n"
        "cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0\n"
        "cgroup /sys/fs/cgroup/pids cgroup rw,pids 0 0\n");
  const auto host = CgroupHost::Discover(roots_);
  ASSERT_TRUE(host);
  EXPECT_EQ(host->MemoryVersion(), CgroupVersion::kV1);
  EXPECT_EQ(host->Directory("cpu", "brink-1/case"), "/sys/fs/cgroup/cpu,cpuacct/brink-1/case");
  EXPECT_EQ(host->VersionOf("cpuset"), CgroupVersion::kNone);
  EXPECT_EQ(host->Directory("cpuset", "x"), "");
  EXPECT_EQ(host->Mounts().size(), 3U);
}

TEST_F(CgroupHostTest, FindsControllersOfVersionTwoInOneMount) {
  Write("v2/cgroup.controllers", "cpuset cpu io memory pids\n");
  Write("proc/self/mounts", "cgroup2 " + base_ + "/v2 cgroup2 rw 0 0\n");
  const auto host = CgroupHost::Discover(roots_);
  ASSERT_TRUE(host);
  EXPECT_EQ(host->MemoryVersion(), CgroupVersion::kV2);
  EXPECT_EQ(host->Mounts(), std::vector<std::string>{base_ + "/v2"});
}

TEST_F(CgroupHostTest, HybridHostKeepsEachControllerWhereItIs) {
  Write("v2 dir/cgroup.controllers", "hugetlb pids\n");
  Write("proc/self/mounts", "cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0\ncgroup2 " + base_ +
                                "/v2\\040dir cgroup2 rw 0 0\n");
  const auto host = CgroupHost::Discover(roots_);
  ASSERT_TRUE(host);
  EXPECT_EQ(host->MemoryVersion(), CgroupVersion::kV1);
  EXPECT_EQ(host->VersionOf("pids"), CgroupVersion::kV2);
  EXPECT_EQ(host->Directory("pids", ""), base_ + "/v2 dir");
}

TEST_F(CgroupHostTest, NoCgroupsAndMalformedLinesAreNoError) {
  Write("proc/self/mounts", "garbage\n\ncgroup /x\n");
  const auto host = CgroupHost::Discover(roots_);
  ASSERT_TRUE(host);
  EXPECT_EQ(host->MemoryVersion(), CgroupVersion::kNone);
}

TEST_F(CgroupHostTest, GroupsCanBeMadeWhereTheMemoryControllerIsAndIsWritable) {
  const auto may = [this](const std::string& place) {
    Write("proc/self/mounts", "cgroup " + place + " cgroup rw,memory 0 0\n");
    return CgroupHost::Discover(roots_)->MayMakeGroups();
  };
  EXPECT_TRUE(may(base_));
  EXPECT_FALSE(may(base_ + "/nowhere"));
  Write("proc/self/mounts", "cgroup " + base_ + " cgroup rw,pids 0 0\n");
  EXPECT_FALSE(CgroupHost::Discover(roots_)->MayMakeGroups());
}

TEST_F(CgroupHostTest, MissingMountTableIsAnError) {
  const auto host = CgroupHost::Discover(roots_);
  ASSERT_FALSE(host);
  EXPECT_NE(host.error().message.find("self/mounts"), std::string::npos);
}

TEST_F(CgroupHostTest, OnlyPathsThatBrinkMakesAreItsOwn) {
  EXPECT_TRUE(CheckOwnPath("brink-1/case/server"));
  for (const char* path :
       {"", "user.slice", "brink-1/", "brink-1//x", "brink-1/../..", "brink-1/.", "/brink-1"}) {
    EXPECT_FALSE(CheckOwnPath(path)) << path;
  }
}

TEST_F(CgroupHostTest, ReadsEveryProcessOfATree) {
  Write("v1/brink-1/cgroup.procs", "10\n11\n12\n13\n14\n");
  Write("v1/brink-1/case/cgroup.procs", "20\n0\n");
  EXPECT_EQ(ProcessesBelow({base_ + "/v1/brink-1"}), (std::vector<int>{10, 11, 12, 13, 14, 20}));
}

}  // namespace
}  // namespace brink
