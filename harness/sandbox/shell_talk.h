// SPDX-License-Identifier: MIT
// What brink and its agent tell each other while a shell runs in a guest whose input is no terminal
// (`brink guest shell` at the end of a pipe), as messages of their channel (channel.h):
//
//   brink  {"type": "setup", ..., "shell": true}               instead of plans there is a shell to run
//          {"type": "input", "bytes": TEXT}                    for the shell to read
//          {"type": "end"}                                     of the input
//          {"type": "closed", "stream": 1}                     nobody reads that any more
//   agent  {"type": "output", "stream": 1 or 2, "bytes": TEXT} what the shell wrote there
//          {"type": "ended", "status": 0}                      the last: its exit status, as a shell's $?
//   both   {"type": "taken"}                                   the last "input" or "output" is where it
//   belongs
//
// The next "input" or "output" is sent after "taken" (or "closed") alone, so neither side has to keep more
// than one of them, however slow the other's reader is.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"

namespace brink {

/// The most that one message carries: what a pipe that can be written to takes without blocking (pipe(7)).
constexpr std::size_t kShellTalkBytes = 4096;

/// Any bytes as a text that JSON can hold: the byte 0xe9 is the letter U+00E9.
[[nodiscard]] std::string TextOfBytes(std::string_view bytes);
/// The bytes again. Fails for a text that has other letters.
[[nodiscard]] Result<std::string> BytesOfText(std::string_view text);

}  // namespace brink
