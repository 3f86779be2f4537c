// SPDX-License-Identifier: MIT
#include "sandbox/shell_streams.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <pty.h>
#include <sys/socket.h>
#include <termios.h>
#include <unistd.h>

#include <csignal>
#include <string>
#include <thread>

namespace brink {
namespace {

using Message = Channel::Message;

class ShellStreamsTest : public testing::Test {
 protected:
  void SetUp() override {
    ::signal(SIGPIPE, SIG_IGN);  // as in brink itself
    int ends[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
    channel_.emplace(UniqueFd(ends[0]));
    agent_.emplace(UniqueFd(ends[1]));
    ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    reader_.Reset(ends[0]);
    writer_.Reset(ends[1]);
  }
  /// As much as the pipe holds.
  [[nodiscard]] std::size_t Fill() const {
    const std::string bytes(static_cast<std::size_t>(::fcntl(writer_.Get(), F_GETPIPE_SZ)), 'f');
    EXPECT_EQ(::write(writer_.Get(), bytes.data(), bytes.size()), static_cast<ssize_t>(bytes.size()));
    return bytes.size();
  }
  [[nodiscard]] std::string Read(std::size_t bytes) const {
    std::string text(bytes, '\0');
    for (std::size_t at = 0; at < bytes;) {
      const ssize_t count = ::read(reader_.Get(), text.data() + at, bytes - at);
      if (count <= 0) {
        ADD_FAILURE() << "the reader got " << at << " bytes";
        return "";
      }
      at += static_cast<std::size_t>(count);
    }
    return text;
  }
  static Message Output(const std::string& text) {
    return {{"type", "output"}, {"stream", 1}, {"bytes", text}};
  }

  std::optional<Channel> channel_;
  std::optional<Channel> agent_;
  UniqueFd reader_;
  UniqueFd writer_;
};

TEST_F(ShellStreamsTest, WhatALostGuestSaidLastReachesASlowReader) {
  ShellStreams streams(*channel_, -1, writer_.Get(), -1);
  const std::size_t full = Fill();
  ASSERT_TRUE(streams.Take(Output("last words\n")));
  agent_.reset();
  std::thread writing([&] {
    streams.WriteRest(-1);
    writer_.Reset();
  });
  EXPECT_EQ(Read(full + 11).substr(full), "last words\n");
  writing.join();
}

TEST_F(ShellStreamsTest, AnInterruptEndsTheWaitForAReader) {
  ShellStreams streams(*channel_, -1, writer_.Get(), -1);
  static_cast<void>(Fill());
  ASSERT_TRUE(streams.Take(Output("last words\n")));
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC), 0);
  const UniqueFd cancel(ends[0]);
  UniqueFd(ends[1]).Reset();
  streams.WriteRest(cancel.Get());  // at its end, it is readable
  EXPECT_FALSE(streams.Ended());
}

TEST_F(ShellStreamsTest, AReaderThatHasLeftIsToldAndWaitedForNoMore) {
  ShellStreams streams(*channel_, -1, writer_.Get(), -1);
  ASSERT_TRUE(streams.Take(Output("last words\n")));
  reader_.Reset();
  streams.WriteRest(-1);
  std::vector<Message> told;
  ASSERT_TRUE(agent_->Receive(told));
  ASSERT_EQ(told.size(), 1U);
  EXPECT_EQ(told[0]["type"], "closed");
}

/// It takes what it has room for; a write that waited for the rest would wait for ever here.
TEST_F(ShellStreamsTest, ATerminalThatNobodyReadsHoldsNothingUp) {
  int ours = -1;
  int theirs = -1;
  ASSERT_EQ(::openpty(&ours, &theirs, nullptr, nullptr, nullptr), 0);
  const UniqueFd screen(ours);
  const UniqueFd terminal(theirs);
  termios raw = {};
  ::cfmakeraw(&raw);
  ASSERT_EQ(::tcsetattr(theirs, TCSANOW, &raw), 0);
  ShellStreams streams(*channel_, -1, terminal.Get(), -1);
  const std::string text(3000, 't');
  std::string shown;
  bool full = false;
  std::size_t said = 0;
  while (!full) {
    ASSERT_TRUE(streams.Take(Output(text)));
    said += text.size();
    auto wanted = streams.Wanted();
    while (wanted[1].fd >= 0 && !full) {
      full = ::poll(&wanted[1], 1, 0) == 0;
      ASSERT_TRUE(streams.Move(wanted));
      wanted = streams.Wanted();
    }
  }
  std::thread writing([&] { streams.WriteRest(-1); });
  while (shown.size() < said) {
    char buffer[4096];
    const ssize_t count = ::read(screen.Get(), buffer, sizeof buffer);
    ASSERT_GT(count, 0);
    shown.append(buffer, static_cast<std::size_t>(count));
  }
  writing.join();
  EXPECT_EQ(shown, std::string(said, 't'));
}

}  // namespace
}  // namespace brink
