// SPDX-License-Identifier: MIT
#include "sandbox/shell_streams.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>

#include "sandbox/shell_talk.h"

namespace brink {
namespace {

using Message = Channel::Message;

constexpr int kErrorStream = 2;

/// A terminal takes less than was asked for, and a write to one whose output was stopped (Ctrl-S) waits until
/// it goes on: nothing would be heard of the guest, nor of an interrupt, meanwhile. Opened once more, it can
/// be written to without waiting, and others' writing to it stays as it was. Invalid for anything else: a
/// pipe or a file that poll(2) calls writable takes kShellTalkBytes at once.
UniqueFd OpenTerminal(int fd) {
  return ::isatty(fd) == 1 ? UniqueFd(::open(fmt::format("/proc/self/fd/{}", fd).c_str(),
                                             O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC))
                           : UniqueFd();
}

}  // namespace

ShellStreams::ShellStreams(Channel& channel, int input, int output, int errors)
    : channel_(channel),
      input_(input),
      output_(output),
      errors_(errors),
      terminals_{OpenTerminal(output), OpenTerminal(errors)} {}

std::array<pollfd, 2> ShellStreams::Wanted() const {
  return {{{.fd = input_taken_ ? input_ : -1, .events = POLLIN, .revents = 0},
           {.fd = pending_.empty() ? -1 : TargetOf(stream_), .events = POLLOUT, .revents = 0}}};
}

Status ShellStreams::Move(const std::array<pollfd, 2>& polled) {
  auto moved = polled[0].revents != 0 ? ReadInput() : Status{};
  return moved && polled[1].revents != 0 ? WriteOutput() : moved;
}

Status ShellStreams::Take(const Message& message) {
  const std::string type = TextField(message, "type");
  if (type == "taken") {
    input_taken_ = true;
  } else if (type == "ended") {
    status_ = Field(message, "status", 0);
  } else if (type == "output") {
    auto bytes = BytesOfText(TextField(message, "bytes"));
    if (!bytes) {
      return tl::unexpected(bytes.error());
    }
    stream_ = Field(message, "stream", 1);
    pending_ = *std::move(bytes);
  }
  return {};
}

void ShellStreams::WriteRest(int cancel_fd) {
  while (!pending_.empty()) {
    std::array<pollfd, 2> fds{{{.fd = TargetOf(stream_), .events = POLLOUT, .revents = 0},
                               {.fd = cancel_fd, .events = POLLIN, .revents = 0}}};
    if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) {
      return;
    }
    // Nobody is there to be told that it was taken.
    if (fds[1].revents != 0 || (fds[0].revents != 0 && !WriteOutput())) {
      return;
    }
  }
}

int ShellStreams::TargetOf(int stream) const {
  const bool errors = stream == kErrorStream;
  const UniqueFd& terminal = terminals_.at(errors ? 1 : 0);
  if (terminal.Valid()) {
    return terminal.Get();
  }
  return errors ? errors_ : output_;
}

Status ShellStreams::ReadInput() {
  std::array<char, kShellTalkBytes> buffer{};
  const ssize_t count = ::read(input_, buffer.data(), buffer.size());
  if (count < 0 && (errno == EINTR || errno == EAGAIN)) {
    return {};
  }
  if (count < 0) {
    return FailErrno("read standard input");
  }
  input_taken_ = false;
  return channel_.Send(
      count == 0 ? Message{{"type", "end"}}
                 : Message{{"type", "input"},
                           {"bytes", TextOfBytes({buffer.data(), static_cast<std::size_t>(count)})}});
}

Status ShellStreams::WriteOutput() {
  const ssize_t count = ::write(TargetOf(stream_), pending_.data(), pending_.size());
  if (count < 0 && errno == EPIPE) {
    pending_.clear();
    return channel_.Send({{"type", "closed"}, {"stream", stream_}});
  }
  if (count < 0 && errno != EINTR && errno != EAGAIN) {
    return FailErrno("write what the shell said", errno, "make room where it goes, or send it elsewhere");
  }
  pending_.erase(0, count > 0 ? static_cast<std::size_t>(count) : 0);
  return pending_.empty() ? channel_.Send({{"type", "taken"}}) : Status{};
}

}  // namespace brink
