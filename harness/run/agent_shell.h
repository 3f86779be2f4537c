// SPDX-License-Identifier: MIT
// The guest's side of `brink guest shell`.
#pragma once

#include <string>
#include <vector>

#include "sandbox/channel.h"

namespace brink {

/// Becomes a shell on the machine's console; `size` is ROWSxCOLUMNS of the user's terminal. Returns, with the
/// process's exit status, only when that fails.
[[nodiscard]] int BecomeShell(const std::string& size);

/// What a shell finds as its folder and in its environment. To be called while there is one thread.
void PrepareForShell();

/// Runs a shell whose input and output are brink's, by messages (sandbox/shell_talk.h), to its end. `waiting`
/// are messages that came already. Gives this process's exit status. Call PrepareForShell() before.
[[nodiscard]] int ServeShell(Channel& channel, std::vector<Channel::Message> waiting);

}  // namespace brink
