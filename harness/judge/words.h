// SPDX-License-Identifier: MIT
// Figures and counts as a person reads them.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "model/verdict.h"

namespace brink {

/// An amount of a limit's unit, without the unit where it is a plain count: "4,000", "190 MiB".
[[nodiscard]] std::string Amount(std::uint64_t amount, std::string_view unit);
/// "4,000 of 4,000 mappings", "190 MiB of 190 MiB".
[[nodiscard]] std::string UseOfLimit(const BindingLimit& limit);
/// "4,000 of 4,000 mappings (vm.max_map_count)".
[[nodiscard]] std::string UseOfNamedLimit(const BindingLimit& limit);
/// "once", "6,023 times".
[[nodiscard]] std::string Times(std::uint64_t count);
/// In quotes, on one line, at most 200 bytes of it: what a program printed.
[[nodiscard]] std::string Quoted(std::string_view text);
/// "0.41 s".
[[nodiscard]] std::string AtSeconds(double seconds);
/// "SIGKILL"; "signal 77" for an unknown one.
[[nodiscard]] std::string SignalName(int signal);

}  // namespace brink
