// SPDX-License-Identifier: MIT
#include "sandbox/monitor.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace brink {
namespace {

using testing::IsEmpty;
using testing::Not;
using testing::Optional;

class MonitorTest : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    monitor_.emplace(UniqueFd(ends[0]));
    qemu_.Reset(ends[1]);
  }
  void QemuSays(const std::string& text) {
    ASSERT_EQ(::write(qemu_.Get(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    monitor_->Read();
  }

  std::optional<Monitor> monitor_;
  UniqueFd qemu_;
};

TEST_F(MonitorTest, APanicIsToldByTheDeviceOrByTheReasonOfTheEnd) {
  QemuSays("{\"return\": {}}\r\n{\"event\": \"RESUME\"}\r\n");
  EXPECT_FALSE(monitor_->Panicked());
  QemuSays("{\"event\": \"GUEST_PANICKED\", \"data\": {\"action\": \"shutdown\"}}\r\n");
  EXPECT_TRUE(monitor_->Panicked());
}

TEST_F(MonitorTest, AGuestThatIsPoweredOffIsNoOtherEnd) {
  QemuSays("{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": false, \"reason\": \"host-signal\"}}\n");
  EXPECT_FALSE(monitor_->PoweredOff());
  QemuSays("{\"event\": \"SHUTDOWN\", \"data\": {\"guest\": true, \"reason\": \"guest-shutdown\"}}\n");
  EXPECT_TRUE(monitor_->PoweredOff());
  EXPECT_FALSE(monitor_->Panicked() || monitor_->WasReset());
}

TEST_F(MonitorTest, ALineCountsOnceItIsWhole) {
  QemuSays("{\"event\": \"SHUTDOWN\", \"data\": {\"rea");
  EXPECT_FALSE(monitor_->WasReset());
  QemuSays("son\": \"guest-reset\"}}\r\n");
  EXPECT_TRUE(monitor_->WasReset());
  EXPECT_FALSE(monitor_->Panicked());
}

TEST_F(MonitorTest, SavingIsFollowedToItsEnd) {
  EXPECT_EQ(monitor_->Saving(), "");
  QemuSays("{\"event\": \"MIGRATION\", \"data\": {\"status\": \"active\"}}\n");
  EXPECT_EQ(monitor_->Saving(), "active");
  QemuSays("{\"event\": \"MIGRATION\", \"data\": {\"status\": \"completed\"}}\n");
  EXPECT_EQ(monitor_->Saving(), "completed");
}

TEST_F(MonitorTest, WhySavingFailedIsInTheAnswer) {
  QemuSays(
      "{\"return\": {}}\n{\"return\": [1]}\n{\"event\": \"MIGRATION\", \"data\": {\"status\": "
      "\"failed\"}}\n");
  EXPECT_EQ(monitor_->SavingError(), "");
  QemuSays(
      "{\"return\": {\"status\": \"failed\", \"error-desc\": \"No space left on device\"}}\n{\"return\": "
      "{}}\n");
  EXPECT_EQ(monitor_->SavingError(), "No space left on device");
}

TEST_F(MonitorTest, WhatWasTakenAndWhatWasRefusedIsToldByTheAnswerToThatCommand) {
  ASSERT_TRUE(monitor_->Command("getfd", {{"fdname", "saved"}}));
  ASSERT_TRUE(monitor_->Command("migrate", {{"uri", "fd:saved"}}));
  EXPECT_EQ(monitor_->Answer("migrate"), std::nullopt);
  QemuSays("{\"return\": {}, \"id\": \"getfd\"}\r\n");
  EXPECT_EQ(monitor_->Answer("getfd"), "");
  EXPECT_EQ(monitor_->Answer("migrate"), std::nullopt);
  QemuSays(
      "{\"id\": \"migrate\", \"error\": {\"class\": \"GenericError\", \"desc\": \"State blocked by "
      "non-migratable device\"}}\r\n");
  EXPECT_EQ(monitor_->Answer("migrate"), "State blocked by non-migratable device");
  ASSERT_TRUE(monitor_->Command("migrate", {{"uri", "fd:saved"}}));
  EXPECT_EQ(monitor_->Answer("migrate"), std::nullopt) << "it is another's";
}

TEST_F(MonitorTest, AnErrorWithoutWordsIsARefusalToo) {
  QemuSays(
      "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error\"}}\n{\"id\": \"cont\", "
      "\"error\": {}}\n{\"id\": 1, \"return\": {}}\n{\"id\": \"stop\", \"error\": \"nonsense\"}\n");
  EXPECT_THAT(monitor_->Answer("cont"), Optional(Not(IsEmpty())));
  EXPECT_THAT(monitor_->Answer("stop"), Optional(Not(IsEmpty())));
}

TEST_F(MonitorTest, ItRunsUnlessItWasHaltedLast) {
  EXPECT_TRUE(monitor_->Runs());
  QemuSays("{\"event\": \"RESUME\"}\n{\"event\": \"STOP\"}\n");
  EXPECT_FALSE(monitor_->Runs());
  QemuSays("{\"event\": \"MIGRATION\", \"data\": {\"status\": \"completed\"}}\n");
  EXPECT_FALSE(monitor_->Runs());
  QemuSays("{\"event\": \"RESUME\"}\n");
  EXPECT_TRUE(monitor_->Runs());
}

TEST_F(MonitorTest, TheFirstErrorOfADiskIsKept) {
  EXPECT_EQ(monitor_->DiskError(), "");
  QemuSays(
      "{\"event\": \"BLOCK_IO_ERROR\", \"data\": {\"device\": \"scratch\", \"nospace\": true, "
      "\"operation\": \"write\", \"action\": \"report\", \"reason\": \"No space left on device\"}}\r\n"
      "{\"event\": \"BLOCK_IO_ERROR\", \"data\": {\"reason\": \"Input/output error\"}}\r\n");
  EXPECT_EQ(monitor_->DiskError(), "No space left on device");
}

TEST_F(MonitorTest, NonsenseIsPassedOver) {
  QemuSays("nonsense\n[1]\n{\"event\": \"GUEST_PANICKED\"}\n");
  EXPECT_TRUE(monitor_->Panicked());
}

TEST_F(MonitorTest, ACommandTakesADescriptorAlong) {
  int pipe_ends[2];
  ASSERT_EQ(::pipe(pipe_ends), 0);
  const UniqueFd reader(pipe_ends[0]);
  const UniqueFd writer(pipe_ends[1]);
  ASSERT_TRUE(monitor_->Command("getfd", {{"fdname", "saved"}}, writer.Get()));

  std::array<char, 256> text{};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> control{};
  iovec into{.iov_base = text.data(), .iov_len = text.size()};
  msghdr message{};
  message.msg_iov = &into;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  ASSERT_GT(::recvmsg(qemu_.Get(), &message, 0), 0);
  EXPECT_STREQ(text.data(),
               "{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"saved\"},\"id\":\"getfd\"}\n");
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  ASSERT_NE(header, nullptr);
  int received = -1;
  std::memcpy(&received, CMSG_DATA(header), sizeof(int));
  const UniqueFd same(received);
  ASSERT_EQ(::write(same.Get(), "x", 1), 1);
  char letter = 0;
  EXPECT_EQ(::read(reader.Get(), &letter, 1), 1);
}

TEST_F(MonitorTest, AQemuThatIsGoneFailsTheCommand) {
  qemu_.Reset();
  EXPECT_FALSE(monitor_->Command("cont"));
  monitor_->Read();
  EXPECT_EQ(monitor_->Fd(), -1);
}

}  // namespace
}  // namespace brink
