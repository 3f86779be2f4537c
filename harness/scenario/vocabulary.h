// SPDX-License-Identifier: MIT
// The words that scenarios may use for signals, errnos, calls and limits, and the nearest one to a misspelt
// word.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace brink {

/// "SIGTERM" or "15" to 15; nothing for another word or a number outside 1 to 64.
[[nodiscard]] std::optional<int> SignalNumber(std::string_view text);
/// "SIGHUP" ... "SIGSYS".
[[nodiscard]] const std::vector<std::string>& SignalNames();
/// "EPERM" ... as errno(3) names them on this system.
[[nodiscard]] const std::vector<std::string>& ErrnoNames();
/// System calls whose failure is evidence.
[[nodiscard]] const std::vector<std::string>& CallNames();
/// The names of the result contract, and "none".
[[nodiscard]] const std::vector<std::string>& BindingLimitNames();
/// The classes of incidents, by what runs out or goes wrong.
[[nodiscard]] const std::vector<std::string>& IncidentClassNames();

/// The nearest of `known`, when it is near enough to be a slip of the finger (a third of the word, or `most`
/// letters); empty otherwise.
[[nodiscard]] std::string Nearest(std::string_view word, const std::vector<std::string>& known,
                                  std::optional<std::size_t> most = std::nullopt);
/// "did you mean 'x'?" or, when nothing is near, "use a, b or c" (the first twelve).
[[nodiscard]] std::string SuggestFrom(std::string_view word, const std::vector<std::string>& known);
/// "a, b or c".
[[nodiscard]] std::string JoinWords(const std::vector<std::string>& words, std::string_view last = "or");

}  // namespace brink
