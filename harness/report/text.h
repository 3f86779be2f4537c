// SPDX-License-Identifier: MIT
// Text that may hold what a target printed, made safe to show; colour; columns.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "model/verdict.h"
#include "report/report.h"

namespace brink {

/// Whether some results are of different machines, so that they are to be compared.
[[nodiscard]] bool IsMatrix(const RunReport& report);
/// Case by machine, and below it where they differ.
[[nodiscard]] std::string FormatMatrix(const RunReport& report, const TextStyle& style);

/// Control characters and bytes that are not UTF-8 become U+FFFD, so that a target's output can neither move
/// the cursor nor break XML. Line breaks stay when `keep_lines`, else they become blanks.
[[nodiscard]] std::string Printable(std::string_view text, bool keep_lines = false);

/// Blanks between two columns of a table.
inline constexpr std::size_t kGap = 2;

/// Columns on a terminal: characters, not bytes. (What brink prints has no wide ones.)
[[nodiscard]] std::size_t Columns(std::string_view text);
/// Cut to that many columns, with an ellipsis when something went.
[[nodiscard]] std::string CutTo(const std::string& text, std::size_t columns);
[[nodiscard]] std::string PadTo(std::string text, std::size_t columns);

enum class Colour { kGreen, kRed, kYellow, kBold };
/// As it is where the style has no colour.
[[nodiscard]] std::string Coloured(const std::string& text, Colour colour, const TextStyle& style);

/// Breaks at blanks so that no line is longer than the style's width; every line but the first gets `indent`
/// in front.
[[nodiscard]] std::string Wrapped(const std::string& text, const TextStyle& style, std::size_t first_indent,
                                  std::size_t indent);

/// "as expected", "NOT as expected", "inconclusive".
[[nodiscard]] std::string ExpectedWords(const Verdict& verdict);
[[nodiscard]] Colour ExpectedColour(const Verdict& verdict);

/// "oom_killed"; "survived with failures" where a memory call failed and the program went on: some of what
/// was asked of it may have been refused; "survived, stalled" where its group was held up for long;
/// "survived, 4.2 times slower" where another case shows that (judge/slowdown.h).
[[nodiscard]] std::string OutcomeWords(const Verdict& verdict);
/// The same of one process, which no other case is compared with.
[[nodiscard]] std::string OutcomeWords(const ProcessVerdict& process);

/// "munmap ENOMEM": the first failure of the process whose limit is the verdict's, as another's beside it
/// would suggest that the one came of the other; without such a limit the case's first. May be empty.
[[nodiscard]] std::string FailingCallOf(const Verdict& verdict);

/// Where it ran: "host", or the guest's kernel and version of cgroups: "debian-12 v1".
[[nodiscard]] std::string PlaceOf(const Verdict& verdict);

/// "vm.max_map_count 4,000/4,000", "memory.max 190/190 MiB".
[[nodiscard]] std::string LimitFigures(const BindingLimit& limit);

}  // namespace brink
