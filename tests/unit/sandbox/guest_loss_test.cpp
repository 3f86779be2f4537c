// SPDX-License-Identifier: MIT
#include "sandbox/guest_loss.h"

#include <gmock/gmock.h>

#include <csignal>

namespace brink {
namespace {

using testing::HasSubstr;

TEST(LossOfEndedQemu, TellsTheOomKillerFromAnyOtherSigkill) {
  const QemuEnd killed{.status = 0, .signal = SIGKILL};
  const GuestLoss by_oom_killer = LossOfEndedQemu(killed, false, 1, "");
  EXPECT_EQ(by_oom_killer.how, "oom_killed");
  EXPECT_THAT(by_oom_killer.detail, HasSubstr("SIGKILL"));
  const GuestLoss by_somebody = LossOfEndedQemu(killed, false, 0, "");
  EXPECT_EQ(by_somebody.how, "killed");
  EXPECT_EQ(by_somebody.detail, "QEMU was ended by SIGKILL");
}

TEST(LossOfEndedQemu, AnotherSignalIsNoOomKillersWork) {
  const GuestLoss loss = LossOfEndedQemu({.status = 0, .signal = SIGSEGV}, false, 1, "oh no");
  EXPECT_EQ(loss.how, "killed");
  EXPECT_EQ(loss.detail, "QEMU was ended by SIGSEGV: oh no");
}

TEST(LossOfEndedQemu, APoweredOffGuestIsNoBrokenQemu) {
  EXPECT_EQ(LossOfEndedQemu({}, true, 0, "").how, "powered_off");
  const GuestLoss broken = LossOfEndedQemu({.status = 1, .signal = 0}, false, 0, "no such device");
  EXPECT_EQ(broken.how, "exited");
  EXPECT_EQ(broken.detail, "QEMU ended with status 1: no such device");
}

}  // namespace
}  // namespace brink
