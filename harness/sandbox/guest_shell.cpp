// SPDX-License-Identifier: MIT
// A shell in a guest, for `brink guest shell`: on this terminal, or between the ends of pipes.
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "sandbox/guest_state.h"
#include "sandbox/shell_talk.h"

namespace brink {
namespace {

using Message = Channel::Message;

constexpr int kErrorStream = 2;

/// Carries this side's bytes to and from the agent, as shell_talk.h tells. Never blocks for longer than a
/// write to what poll(2) calls writable.
class ShellStreams {
 public:
  ShellStreams(Channel& channel, int input, int output, int errors)
      : channel_(channel), input_(input), output_(output), errors_(errors) {}

  /// The shell's exit status, once it has ended and all that it wrote is out.
  [[nodiscard]] std::optional<int> Ended() const { return pending_.empty() ? status_ : std::nullopt; }

  /// What there is to wait for.
  [[nodiscard]] std::array<pollfd, 2> Wanted() const {
    return {{{.fd = input_taken_ ? input_ : -1, .events = POLLIN, .revents = 0},
             {.fd = pending_.empty() ? -1 : TargetOf(stream_), .events = POLLOUT, .revents = 0}}};
  }

  /// After a poll of those.
  [[nodiscard]] Status Move(const std::array<pollfd, 2>& polled) {
    auto moved = polled[0].revents != 0 ? ReadInput() : Status{};
    return moved && polled[1].revents != 0 ? WriteOutput() : moved;
  }

  /// A message of the agent.
  [[nodiscard]] Status Take(const Message& message) {
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

 private:
  [[nodiscard]] int TargetOf(int stream) const { return stream == kErrorStream ? errors_ : output_; }

  Status ReadInput() {
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

  Status WriteOutput() {
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

  Channel& channel_;
  int input_;
  int output_;
  int errors_;
  bool input_taken_ = true;  // the agent is ready for more; never again after the input's end
  int stream_ = 1;
  std::string pending_;  // for stream_
  std::optional<int> status_;
};

}  // namespace

Result<int> Guest::RunShell(int input, int output, int errors) {
  State& state = *state_;
  ShellStreams streams(*state.channel, input, output, errors);
  state.last_heard = Clock::now();
  while (!state.Cancelled()) {
    for (; !state.messages.empty(); state.messages.pop_front()) {
      if (const auto taken = streams.Take(state.messages.front()); !taken) {
        return tl::unexpected(taken.error());
      }
    }
    if (const auto status = streams.Ended()) {
      return *status;
    }
    if (state.IsGone()) {
      state.TellLost(false);
      return Fail("the guest was lost: " + state.loss.detail,
                  "its console is in " + state.options.console_file);
    }
    auto wanted = streams.Wanted();
    state.Poll(After(1), wanted);
    if (const auto moved = streams.Move(wanted); !moved && state.cut.empty()) {
      return tl::unexpected(moved.error());
    }
  }
  return Fail("interrupted");
}

Error BecomeGuestShell(const GuestOptions& options) {
  QemuOptions machine = MachineOf(options);
  winsize size = {};
  ::ioctl(STDIN_FILENO, TIOCGWINSZ, &size);
  const char* terminal = std::getenv("TERM");
  machine.command_line +=
      fmt::format(" BRINK_AGENT=\"{}\" BRINK_RUN=\"{}\" BRINK_SHELL={}x{} TERM={}", AgentPath(),
                  options.shared_dir, size.ws_row, size.ws_col, terminal == nullptr ? "linux" : terminal);
  return BecomeQemu(machine);
}

}  // namespace brink
