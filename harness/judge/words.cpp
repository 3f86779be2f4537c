// SPDX-License-Identifier: MIT
#include "judge/words.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/units.h"

namespace brink {

std::string Amount(std::uint64_t amount, std::string_view unit) {
  return unit == "bytes" ? FormatBytes(amount) : FormatCount(amount);
}

std::string UseOfLimit(const BindingLimit& limit) {
  const std::string whole = Amount(limit.limit, limit.unit);
  const std::string figures =
      limit.use ? fmt::format("{} of {}", Amount(*limit.use, limit.unit), whole) : whole;
  return limit.unit == "bytes" ? figures : figures + " " + limit.unit;
}

std::string UseOfNamedLimit(const BindingLimit& limit) {
  return fmt::format("{} ({})", UseOfLimit(limit), limit.name);
}

std::string Times(std::uint64_t count) { return count == 1 ? "once" : FormatCount(count) + " times"; }

std::string Quoted(std::string_view text) {
  constexpr std::size_t kMost = 200;
  std::size_t end = std::min(text.size(), kMost);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) {
    --end;  // not in the middle of a character
  }
  std::string quoted = "\"";
  for (const char c : text.substr(0, end)) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7F) {
      quoted += fmt::format("\\x{:02x}", byte);
    } else {
      quoted += c;
    }
  }
  return quoted + (end < text.size() ? "...\"" : "\"");
}

std::string AtSeconds(double seconds) { return fmt::format("{:.2f} s", seconds); }

std::string SignalName(int signal) {
  const char* name = ::sigabbrev_np(signal);
  return name != nullptr ? fmt::format("SIG{}", name) : fmt::format("signal {}", signal);
}

}  // namespace brink
