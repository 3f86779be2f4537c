// SPDX-License-Identifier: MIT
#include "sandbox/channel.h"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <thread>

namespace brink {
namespace {

class ChannelTest : public testing::Test {
 protected:
  void SetUp() override {
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    here_.emplace(UniqueFd(ends[0]));
    there_.Reset(ends[1]);
  }
  void Write(std::string_view bytes) const {
    ASSERT_EQ(::write(there_.Get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
  }

  std::optional<Channel> here_;
  UniqueFd there_;
  std::vector<Channel::Message> messages_;
};

TEST_F(ChannelTest, MessagesArriveWholeAndInOrder) {
  Channel other(std::move(there_));
  ASSERT_TRUE(other.Send({{"type", "one"}}));
  ASSERT_TRUE(other.Send({{"type", "two"}, {"text", "line\n\"quoted\""}}));
  ASSERT_TRUE(here_->Receive(messages_));
  ASSERT_EQ(messages_.size(), 2U);
  EXPECT_EQ(messages_[0]["type"], "one");
  EXPECT_EQ(messages_[1]["text"], "line\n\"quoted\"");
}

TEST_F(ChannelTest, NothingThereIsNoFailure) {
  EXPECT_TRUE(here_->Receive(messages_));
  EXPECT_TRUE(messages_.empty());
}

TEST_F(ChannelTest, AMessageIsTakenOnceItsLastByteIsThere) {
  Write(std::string_view("\x02\0\0\0{", 5));
  ASSERT_TRUE(here_->Receive(messages_));
  EXPECT_TRUE(messages_.empty());
  Write("}");
  ASSERT_TRUE(here_->Receive(messages_));
  EXPECT_EQ(messages_.size(), 1U);
}

/// Of a file, which says all it has to say at once.
TEST_F(ChannelTest, WhoSaysVeryMuchIsHeardInParts) {
  constexpr std::size_t kMessages = 500'000;
  std::string text;
  for (std::size_t count = 0; count < kMessages; ++count) {
    text += std::string_view("\x02\0\0\0{}", 6);
  }
  UniqueFd file(::memfd_create("messages", MFD_CLOEXEC));
  ASSERT_EQ(::pwrite(file.Get(), text.data(), text.size(), 0), static_cast<ssize_t>(text.size()));
  Channel channel(std::move(file));
  ASSERT_TRUE(channel.Receive(messages_));
  EXPECT_GT(messages_.size(), 0U);
  EXPECT_LT(messages_.size(), kMessages);
  while (channel.Receive(messages_)) {
  }
  EXPECT_EQ(messages_.size(), kMessages);
}

TEST_F(ChannelTest, MoreThanTheSocketHoldsIsSentWhileTheOtherSideReads) {
  Channel other(std::move(there_));
  const std::string text(8 << 20, 'x');
  std::thread sender([&] { EXPECT_TRUE(other.Send({{"text", text}})); });
  while (messages_.empty()) {
    ASSERT_TRUE(here_->Receive(messages_));
  }
  sender.join();
  EXPECT_EQ(messages_[0]["text"].get<std::string>().size(), text.size());
}

TEST_F(ChannelTest, BytesThatAreNotUtf8DoNotStopAMessage) {
  Channel other(std::move(there_));
  ASSERT_TRUE(other.Send({{"text", "bad \xff byte"}}));
  ASSERT_TRUE(here_->Receive(messages_));
  EXPECT_EQ(messages_.at(0)["text"], "bad \xef\xbf\xbd byte");
}

TEST_F(ChannelTest, TheMessagesBeforeTheEndAreDelivered) {
  EXPECT_TRUE(Channel(std::move(there_)).Send({{"type", "last"}}));
  const auto status = here_->Receive(messages_);
  EXPECT_FALSE(status);
  ASSERT_EQ(messages_.size(), 1U);
  EXPECT_EQ(messages_[0]["type"], "last");
}

TEST_F(ChannelTest, NonsenseIsRefused) {
  Write("\xff\xff\xff\xff");
  const auto status = here_->Receive(messages_);
  ASSERT_FALSE(status);
  EXPECT_NE(status.error().message.find("nonsense"), std::string::npos);
}

TEST_F(ChannelTest, TextThatIsNoObjectIsRefused) {
  Write(std::string_view("\x03\0\0\0[1]", 7));
  EXPECT_FALSE(here_->Receive(messages_));
}

TEST_F(ChannelTest, AFieldOfAnotherTypeThanAgreedIsAsIfItWereNotThere) {
  const Channel::Message message{{"type", 5}, {"status", "x"}, {"scale", Channel::Message::array()}};
  EXPECT_EQ(TextField(message, "type"), "");
  EXPECT_EQ(TextField(message, "none"), "");
  EXPECT_EQ(Field(message, "status", 7), 7);
  EXPECT_EQ(Field(message, "scale", 1.5), 1.5);
  EXPECT_EQ(Field(message, "type", 7), 5);
  EXPECT_EQ(Field(message, "type", 1.5), 5.0);
}

}  // namespace
}  // namespace brink
