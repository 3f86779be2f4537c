// SPDX-License-Identifier: MIT
#include "cli/matrix.h"

#include <gmock/gmock.h>

#include "unit/kernel/fake_tree.h"

namespace brink {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::vector<std::string> FoldersOf(const std::vector<std::string>& kernels,
                                   const std::vector<std::string>& cgroups) {
  std::vector<std::string> folders;
  const auto cells = MakeCells(kernels, cgroups);
  for (const Cell& cell : *cells) {
    folders.push_back(cell.folder);
  }
  return folders;
}

Plan ThatNeedsAGuest() {
  Plan plan;
  plan.needs_guest = true;
  return plan;
}

Plan Fitted(const Cell& cell, const CgroupDemand& demand = {}, GuestSpec guest = {}) {
  Plan plan;
  plan.guest = std::move(guest);
  FitToCell(plan, demand, cell, {.matrix = true});
  return plan;
}

/// Kernels of the user's own, in a folder of files.
class OwnKernels : public FakeTree {
 protected:
  [[nodiscard]] std::string Image(const std::string& name) const {
    Write(name, "an image");
    return base_ + "/" + name;
  }
};

TEST(Cells, AreEveryKernelWithEveryVersion) {
  const auto cells = MakeCells({"debian-12", "sid"}, {"v1", "v2"}).value();
  ASSERT_EQ(cells.size(), 4U);
  EXPECT_EQ(cells[1].kernel, "debian-12");
  EXPECT_EQ(cells[1].cgroup, "v2");
  EXPECT_EQ(cells[2].kernel, "sid");
}

TEST(Cells, NameTheirFolderByWhatDiffers) {
  EXPECT_THAT(FoldersOf({}, {}), ElementsAre(""));
  EXPECT_THAT(FoldersOf({"sid"}, {"v2"}), ElementsAre(""));
  EXPECT_THAT(FoldersOf({"debian-12", "sid"}, {"v2"}), ElementsAre("debian-12", "sid"));
  EXPECT_THAT(FoldersOf({"sid"}, {"v1", "v2"}), ElementsAre("v1", "v2"));
}

TEST_F(OwnKernels, AreNamedByTheirFiles) {
  EXPECT_THAT(FoldersOf({Image("a"), Image("b") + ":" + base_}, {"v1", "v2"}),
              ElementsAre("a-v1", "a-v2", "b-v1", "b-v2"));
  EXPECT_THAT(FoldersOf({Image("x/vmlinuz"), Image("y/vmlinuz")}, {}), ElementsAre("vmlinuz", "vmlinuz.2"));
}

TEST_F(OwnKernels, ThatAreNotThereAreBadUsage) {
  const auto absent = MakeCells({base_ + "/nofile"}, {});
  ASSERT_FALSE(absent);
  EXPECT_THAT(absent.error().message, HasSubstr("--kernel: kernel " + base_ + "/nofile: No such file"));
  EXPECT_THAT(MakeCells({base_}, {}).error().message, HasSubstr("is not a file"));
  EXPECT_THAT(MakeCells({Image("a") + ":" + base_ + "/nomodules"}, {}).error().message,
              HasSubstr("/nomodules are not a folder"));
}

TEST(Cells, TurnDownWhatIsDoubledOrUnknown) {
  EXPECT_THAT(MakeCells({"sid", "sid"}, {}).error().message, HasSubstr("--kernel: sid is given twice"));
  EXPECT_THAT(MakeCells({"sid", ""}, {}).error().message, HasSubstr("empty"));
  EXPECT_THAT(MakeCells({"debian-7"}, {}).error().message, HasSubstr("there is no kernel named 'debian-7'"));
  EXPECT_THAT(MakeCells({}, {"v3"}).error().message, HasSubstr("v3 is no version"));
}

TEST(Sandbox, AutoIsAGuestForWhatChangesTheMachineOrNeedsAnother) {
  Plan changes;
  changes.machine.push_back({.name = "vm.swappiness", .value = "1", .mark = {}});
  Plan later;
  later.steps.push_back(
      {.as = {}, .action = SetStep{.machine = changes.machine, .targets = {}}, .expect = {}, .mark = {}});
  EXPECT_EQ(ChooseSandbox(Plan{}, {}), "host");
  EXPECT_EQ(ChooseSandbox(changes, {}), "vm");
  EXPECT_EQ(ChooseSandbox(later, {}), "vm");
  EXPECT_EQ(ChooseSandbox(ThatNeedsAGuest(), {}), "vm");
  EXPECT_EQ(ChooseSandbox(Plan{}, {.groups = false}), "vm");
  EXPECT_EQ(ChooseSandbox(Plan{}, {.matrix = true}), "vm");
  EXPECT_EQ(ChooseSandbox(changes, {.sandbox = "host"}), "host");
  EXPECT_EQ(ChooseSandbox(Plan{}, {.sandbox = "vm"}), "vm");
}

TEST(Sandbox, TheHostCannotBeAMachineOfOnesOwn) {
  Plan plan = ThatNeedsAGuest();
  FitToCell(plan, {}, {}, {.sandbox = "host"});
  EXPECT_EQ(plan.sandbox, "host");
  EXPECT_EQ(plan.not_runnable_remedy, "--sandbox vm");
  EXPECT_FALSE(plan.not_applicable);
}

/// `brink run` in a guest's shell.
TEST(Sandbox, AGuestIsWhatAPlanWantsOfAMachine) {
  Plan plan = ThatNeedsAGuest();
  FitToCell(plan, {}, {}, {.in_guest = true});
  EXPECT_EQ(plan.sandbox, "host");
  EXPECT_FALSE(plan.not_runnable);
  Plan told = ThatNeedsAGuest();
  FitToCell(told, {}, {}, {.sandbox = "host", .in_guest = true});
  EXPECT_FALSE(told.not_runnable);
}

TEST(Matrix, TheUsersKernelAndVersionGoBeforeTheScenarios) {
  const Plan plan = Fitted({.kernel = "sid", .cgroup = "v2", .folder = {}}, {},
                           {.kernel = "debian-11", .cgroup = "v1", .boot = {}});
  EXPECT_EQ(plan.sandbox, "vm");
  EXPECT_EQ(plan.guest.kernel, "sid");
  EXPECT_EQ(plan.guest.cgroup, "v2");
  EXPECT_FALSE(plan.not_applicable);
  EXPECT_EQ(Fitted({}, {}, {.kernel = "debian-11", .cgroup = "v1", .boot = {}}).guest.kernel, "debian-11");
}

TEST(Matrix, ACellThatCannotExistIsNotApplicable) {
  const CgroupDemand needs_v2{.version = "v2", .reason = "memory.high exists in cgroup v2 only"};
  EXPECT_EQ(Fitted({.kernel = {}, .cgroup = "v1", .folder = {}}, needs_v2).not_applicable, needs_v2.reason);
  EXPECT_FALSE(Fitted({.kernel = {}, .cgroup = "v2", .folder = {}}, needs_v2).not_applicable);
}

}  // namespace
}  // namespace brink
