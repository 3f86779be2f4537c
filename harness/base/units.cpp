// SPDX-License-Identifier: MIT
#include "base/units.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

namespace brink {
namespace {

struct Unit {
  std::string_view name;
  double factor;
};

struct Split {
  double number = 0;
  std::string_view unit;
};

/// "1.5GiB" to 1.5 and "GiB"; blanks between the two are allowed.
Result<Split> SplitNumber(std::string_view text) {
  Split split;
  if (text.empty() || text.front() < '0' || text.front() > '9') {  // from_chars reads "nan" and "inf" too
    return Fail(fmt::format("'{}' does not start with a non-negative number", text));
  }
  const auto [end, code] =
      std::from_chars(text.data(), text.data() + text.size(), split.number, std::chars_format::fixed);
  if (code != std::errc()) {
    return Fail(fmt::format("'{}' is out of range", text));
  }
  split.unit = text.substr(static_cast<std::size_t>(end - text.data()));
  while (!split.unit.empty() && split.unit.front() == ' ') {
    split.unit.remove_prefix(1);
  }
  return split;
}

std::string NearestSizeUnit(std::string_view unit) {
  constexpr std::array<std::pair<char, std::string_view>, 4> kByInitial{
      {{'K', "KiB"}, {'M', "MiB"}, {'G', "GiB"}, {'P', "pages"}}};
  const char initial =
      unit.empty() ? '\0' : static_cast<char>(std::toupper(static_cast<unsigned char>(unit.front())));
  for (const auto& [letter, name] : kByInitial) {
    if (letter == initial) {
      return fmt::format("did you mean {}?", name);
    }
  }
  return "use KiB, MiB, GiB, pages or %";
}

}  // namespace

Result<Bytes> ParseSize(std::string_view text, const SizeContext& context) {
  const auto split = SplitNumber(text);
  if (!split) {
    return Fail(split.error().message, "write a size such as 300MiB, 16pages or 10%");
  }
  const std::array<Unit, 6> units{{{"", 1},
                                   {"B", 1},
                                   {"KiB", 1024.0},
                                   {"MiB", 1024.0 * 1024},
                                   {"GiB", 1024.0 * 1024 * 1024},
                                   {"pages", static_cast<double>(context.page_size)}}};
  double bytes = -1;
  if (split->unit == "%") {
    if (context.whole == 0) {
      return Fail(fmt::format("'{}': a share is not allowed here", text), "write an absolute size");
    }
    bytes = split->number / 100.0 * static_cast<double>(context.whole);
  }
  for (const Unit& unit : units) {
    if (unit.name == split->unit) {
      bytes = split->number * unit.factor;
    }
  }
  if (bytes < 0) {
    return Fail(fmt::format("'{}' has the unknown unit '{}'", text, split->unit),
                NearestSizeUnit(split->unit));
  }
  if (split->unit.empty() && split->number != std::floor(split->number)) {
    return Fail(fmt::format("'{}' is not a whole number of bytes", text), "add a unit: KiB, MiB or GiB");
  }
  if (bytes >= 9.2e18) {
    return Fail(fmt::format("'{}' is more than 2^63-1 bytes", text));
  }
  return Bytes{static_cast<std::uint64_t>(std::llround(bytes))};
}

Result<std::chrono::milliseconds> ParseDuration(std::string_view text) {
  const auto split = SplitNumber(text);
  constexpr std::array<Unit, 3> kUnits{{{"ms", 1}, {"s", 1000}, {"min", 60000}}};
  const std::string remedy = "write a duration with its unit: 250ms, 10s or 2min";
  if (!split) {
    return Fail(split.error().message, remedy);
  }
  if (split->unit.empty() && split->number == 0) {
    return std::chrono::milliseconds(0);
  }
  for (const Unit& unit : kUnits) {
    if (unit.name == split->unit) {
      const double ms = split->number * unit.factor;
      if (ms > 1e12) {
        return Fail(fmt::format("'{}' is too long", text), remedy);
      }
      return std::chrono::milliseconds(std::llround(ms));
    }
  }
  return Fail(split->unit.empty() ? fmt::format("'{}' has no unit", text)
                                  : fmt::format("'{}' has the unknown unit '{}'", text, split->unit),
              remedy);
}

std::string FormatBytes(std::uint64_t bytes) {
  constexpr std::array<std::string_view, 5> kNames{"B", "KiB", "MiB", "GiB", "TiB"};
  auto value = static_cast<double>(bytes);
  std::size_t name = 0;
  while (value >= 1024 && name + 1 < kNames.size()) {
    value /= 1024;
    ++name;
  }
  if (name == 0 || value >= 99.95 || value == std::floor(value)) {
    return fmt::format("{:.0f} {}", value, kNames[name]);
  }
  return fmt::format("{:.1f} {}", value, kNames[name]);
}

std::string FormatCount(std::uint64_t count) {
  std::string digits = std::to_string(count);
  for (std::size_t at = digits.size(); at > 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::size_t EditDistance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> cost(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i) {
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        cost[i][j] = i + j;
        continue;
      }
      const std::size_t change = a[i - 1] == b[j - 1] ? 0 : 1;
      cost[i][j] = std::min({cost[i - 1][j] + 1, cost[i][j - 1] + 1, cost[i - 1][j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        cost[i][j] = std::min(cost[i][j], cost[i - 2][j - 2] + 1);
      }
    }
  }
  return cost[a.size()][b.size()];
}

}  // namespace brink
