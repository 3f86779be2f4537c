// SPDX-License-Identifier: MIT
#include "sandbox/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>

namespace brink {
namespace {

constexpr std::size_t kLengthBytes = 4;
constexpr std::uint32_t kLongestMessage = 256U << 20;
/// Whoever sends without end is not listened to without end.
constexpr std::size_t kMostAtOnce = 1U << 20;
constexpr int kSendWaitMs = 60'000;

std::string Frame(const Channel::Message& message) {
  // What a target printed may be in it, and need not be UTF-8.
  const std::string text = message.dump(-1, ' ', false, Channel::Message::error_handler_t::replace);
  std::string frame;
  for (std::size_t at = 0; at < kLengthBytes; ++at) {
    frame += static_cast<char>((text.size() >> (8 * at)) & 0xff);
  }
  return frame + text;
}

std::uint32_t LengthAt(std::string_view text) {
  std::uint32_t length = 0;
  for (std::size_t at = kLengthBytes; at-- > 0;) {
    length = (length << 8) | static_cast<unsigned char>(text[at]);
  }
  return length;
}

}  // namespace

Channel::Channel(UniqueFd fd) : fd_(std::move(fd)) {
  if (const int flags = ::fcntl(fd_.Get(), F_GETFL); flags >= 0) {
    ::fcntl(fd_.Get(), F_SETFL, flags | O_NONBLOCK);
  }
}

Status Channel::Send(const Message& message) {
  const std::string frame = Frame(message);
  const std::scoped_lock lock(send_mutex_);
  for (std::size_t sent = 0; sent < frame.size();) {
    const ssize_t count = ::write(fd_.Get(), frame.data() + sent, frame.size() - sent);
    if (count > 0) {
      sent += static_cast<std::size_t>(count);
      continue;
    }
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
      return FailErrno("write to the channel");
    }
    pollfd ready{.fd = fd_.Get(), .events = POLLOUT, .revents = 0};
    if (::poll(&ready, 1, kSendWaitMs) == 0) {
      return Fail("write to the channel: the other side takes nothing");
    }
  }
  return {};
}

Status Channel::Receive(std::vector<Message>& messages) {
  std::array<char, 65536> buffer{};
  for (std::size_t at_once = 0; at_once < kMostAtOnce;) {
    const ssize_t count = ::read(fd_.Get(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count == 0) {
      return Fail("the channel was closed");
    }
    if (count < 0) {
      return errno == EAGAIN ? Status{} : FailErrno("read from the channel");
    }
    received_.append(buffer.data(), static_cast<std::size_t>(count));
    at_once += static_cast<std::size_t>(count);
    // Each time, so that no more is kept than the longest message.
    if (auto taken = TakeMessages(messages); !taken) {
      return taken;
    }
  }
  return {};
}

Status Channel::TakeMessages(std::vector<Message>& messages) {
  std::size_t at = 0;
  while (received_.size() - at >= kLengthBytes) {
    const std::uint32_t length = LengthAt(std::string_view(received_).substr(at));
    if (length > kLongestMessage) {
      return Fail("the channel carries nonsense: a message of " + std::to_string(length) + " bytes");
    }
    if (received_.size() - at - kLengthBytes < length) {
      break;
    }
    auto message =
        Message::parse(std::string_view(received_).substr(at + kLengthBytes, length), nullptr, false);
    if (!message.is_object()) {
      return Fail("the channel carries nonsense: a message that is no JSON object");
    }
    messages.push_back(std::move(message));
    at += kLengthBytes + length;
  }
  received_.erase(0, at);
  return {};
}

}  // namespace brink
