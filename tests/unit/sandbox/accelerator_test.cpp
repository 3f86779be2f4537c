// SPDX-License-Identifier: MIT
// The choice of the accelerator, over fake QEMUs that notes their calls.
#include "sandbox/accelerator.h"

#include <gmock/gmock.h>

#include "unit/kernel/fake_tree.h"

namespace brink {
namespace {

using testing::HasSubstr;

class AcceleratorTest : public FakeTree {
 protected:
  void SetUp() override {
    FakeTree::SetUp();
    Write("dev/kvm", "");
    Write("boot_id", "one\n");
    places_.kvm = base_ + "/dev/kvm";
    places_.boot_id = base_ + "/boot_id";
    places_.qemu = base_ + "/qemu";
    places_.cache = base_ + "/cache";
  }
  void WriteQemu(const std::string& ending) {
    Write("qemu", "#!/bin/sh\necho called >>'" + base_ + "/calls'\n" + ending + "\n");
    std::filesystem::permissions(base_ + "/qemu", std::filesystem::perms::owner_all);
  }
  AcceleratorPlaces places_;
};

TEST_F(AcceleratorTest, WithoutKvmItIsTcg) {
  places_.kvm = base_ + "/no-such-device";
  const Accelerator chosen = ChooseAccelerator(places_);
  EXPECT_EQ(chosen.name, "tcg");
  EXPECT_THAT(chosen.note, HasSubstr("No such file"));
}

TEST_F(AcceleratorTest, AGuestThatAnswersMakesItKvmAndIsRemembered) {
  WriteQemu("exit 33");
  EXPECT_EQ(ChooseAccelerator(places_).name, "kvm");
  EXPECT_EQ(ChooseAccelerator(places_).name, "kvm");
  EXPECT_EQ(Read("calls"), "called\n");
}

TEST_F(AcceleratorTest, AGuestThatHangsMakesItTcgAndIsRemembered) {
  WriteQemu("exec tail -f /dev/null");
  places_.patience = std::chrono::milliseconds(300);
  EXPECT_EQ(ChooseAccelerator(places_).name, "tcg");
  const Accelerator again = ChooseAccelerator(places_);
  EXPECT_EQ(again.name, "tcg");
  EXPECT_THAT(again.note, HasSubstr("did not finish"));
  EXPECT_EQ(Read("calls"), "called\n");
}

TEST_F(AcceleratorTest, AfterTheNextBootItIsProbedAgain) {
  WriteQemu("exit 33");
  EXPECT_EQ(ChooseAccelerator(places_).name, "kvm");
  Write("boot_id", "two\n");
  EXPECT_EQ(ChooseAccelerator(places_).name, "kvm");
  EXPECT_EQ(Read("calls"), "called\ncalled\n");
}

TEST_F(AcceleratorTest, WhatFailsAtOnceIsTriedAgain) {
  WriteQemu("exit 1");
  EXPECT_THAT(ChooseAccelerator(places_).note, HasSubstr("QEMU exited with 1"));
  WriteQemu("exit 33");
  EXPECT_EQ(ChooseAccelerator(places_).name, "kvm");
}

TEST_F(AcceleratorTest, AMemoryThatMakesNoSenseIsIgnored) {
  WriteQemu("exit 33");
  Write("cache/accelerator", "nonsense");
  EXPECT_EQ(ChooseAccelerator(places_).name, "kvm");
}

}  // namespace
}  // namespace brink
