// SPDX-License-Identifier: MIT
// brink's side of a shell in a guest whose input is no terminal: what is read here goes there, and what it
// writes comes here (shell_talk.h tells how).
#pragma once

#include <poll.h>

#include <array>
#include <optional>
#include <string>

#include "base/result.h"
#include "base/unique_fd.h"
#include "sandbox/channel.h"

namespace brink {

class ShellStreams {
 public:
  /// The channel and the descriptors are the caller's, and outlive it. The descriptors' own flags stay as
  /// they are: others may use them too.
  ShellStreams(Channel& channel, int input, int output, int errors);

  /// The shell's exit status, once it has ended and all that it wrote is out.
  [[nodiscard]] std::optional<int> Ended() const { return pending_.empty() ? status_ : std::nullopt; }

  /// What there is to wait for.
  [[nodiscard]] std::array<pollfd, 2> Wanted() const;
  /// After a poll of those. Fails where something can be neither read nor written; a reader that has left is
  /// no failure.
  [[nodiscard]] Status Move(const std::array<pollfd, 2>& polled);
  /// A message of the agent. Fails for nonsense.
  [[nodiscard]] Status Take(const Channel::Message& message);
  /// Of a guest that is gone: what came of it last, however slow its reader is. Until the reader leaves, or
  /// `cancel_fd` is readable.
  void WriteRest(int cancel_fd);

 private:
  [[nodiscard]] int TargetOf(int stream) const;
  [[nodiscard]] Status ReadInput();
  [[nodiscard]] Status WriteOutput();

  Channel& channel_;
  int input_;
  int output_;
  int errors_;
  std::array<UniqueFd, 2> terminals_;  // of output and errors, where they are one
  bool input_taken_ = true;            // the agent is ready for more; never again after the input's end
  int stream_ = 1;
  std::string pending_;  // for stream_
  std::optional<int> status_;
};

}  // namespace brink
