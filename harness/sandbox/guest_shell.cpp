// SPDX-License-Identifier: MIT
// A shell in a guest, for `brink guest shell`: on this terminal, or between the ends of pipes.
#include <fmt/format.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>

#include "sandbox/guest_state.h"
#include "sandbox/shell_streams.h"

namespace brink {
Result<int> Guest::RunShell(int input, int output, int errors) {
  State& state = *state_;
  ShellStreams streams(*state.channel, input, output, errors);
  state.last_heard = Clock::now();
  const auto take = [&]() -> Status {
    Status taken;
    for (; taken && !state.messages.empty(); state.messages.pop_front()) {
      taken = streams.Take(state.messages.front());
    }
    return taken;
  };
  while (!state.Cancelled()) {
    // Looked at before its silence is judged: whoever wrote for long, or was stopped, has not listened.
    auto wanted = streams.Wanted();
    state.Poll(After(1), wanted);
    if (const auto taken = take(); !taken) {
      return tl::unexpected(taken.error());
    }
    if (const auto status = streams.Ended()) {
      return *status;
    }
    if (state.IsGone()) {
      state.TellLost(false);
      static_cast<void>(take());
      streams.WriteRest(state.options.cancel_fd);
      return Fail("the guest was lost: " + state.loss.detail,
                  "its console is in " + state.options.console_file);
    }
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
