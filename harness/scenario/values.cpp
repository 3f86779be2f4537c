// SPDX-License-Identifier: MIT
#include "scenario/values.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "base/pattern.h"
#include "base/units.h"
#include "scenario/vocabulary.h"

namespace brink {
namespace {

constexpr std::size_t kLongestName = 64;

bool IsAlnum(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'); }

Result<std::string> Text(const Key& key, const std::string& text) {
  const auto whole = Pattern::Compile("^(?:" + key.pattern + ")$");
  if (key.pattern.empty() || (whole && whole->FoundIn(text))) {
    return text;
  }
  return Fail(fmt::format("'{}' is no {}", text, key.name), "write " + key.pattern_words);
}

Result<std::string> SearchPattern(const std::string& text) {
  const auto compiled = Pattern::Compile(text);
  if (!compiled) {
    return tl::unexpected(compiled.error());
  }
  return text;
}

/// As one would write it.
std::string Bound(const Key& key, double value) {
  return key.type == ValueType::kSize ? FormatBytes(static_cast<std::uint64_t>(value))
                                      : fmt::format("{}", value);
}

Result<std::string> CheckRange(const Key& key, const std::string& found, double value, std::string normal) {
  if (key.min && value < *key.min) {
    return Fail(fmt::format("{} is too small for {}", found, key.name),
                "use at least " + Bound(key, *key.min));
  }
  if (key.max && value > *key.max) {
    return Fail(fmt::format("{} is too large for {}", found, key.name),
                "use at most " + Bound(key, *key.max));
  }
  return normal;
}

Result<std::string> Integer(const Key& key, const Node& node) {
  long long value = 0;
  const std::string& text = node.scalar;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (code == std::errc::result_out_of_range) {
    return Fail(fmt::format("{} is beyond 64 bits", text), "use a smaller number");
  }
  if (code != std::errc() || end != text.data() + text.size()) {
    return Fail(fmt::format("'{}' is not a whole number", text),
                key.no_limit.empty() ? "write decimal digits alone"
                                     : fmt::format("write decimal digits, or {}", key.no_limit));
  }
  if (node.quoted) {
    return Fail(fmt::format("\"{}\" is text, as it has quotes; {} is a number", text, key.name),
                "remove the quotes");
  }
  return CheckRange(key, text, static_cast<double>(value), std::to_string(value));
}

Result<std::string> Flag(const Node& node, bool numeric) {
  if (!node.quoted && (node.scalar == "true" || (numeric && node.scalar == "1"))) {
    return "1";
  }
  if (!node.quoted && (node.scalar == "false" || (numeric && node.scalar == "0"))) {
    return "0";
  }
  return Fail(fmt::format("'{}' is neither yes nor no", node.scalar),
              numeric ? "write 0 or 1" : "write true or false");
}

Result<std::string> Size(const Key& key, const std::string& text, const SizeContext& context) {
  const auto size = ParseSize(text, context);
  if (!size) {
    return tl::unexpected(size.error());
  }
  return CheckRange(key, "'" + text + "'", static_cast<double>(size->value), std::to_string(size->value));
}

Result<std::string> Kibibytes(const Key& key, std::string_view text, const SizeContext& context) {
  const bool plus = key.plus && text.starts_with('+');
  if (plus) {
    text.remove_prefix(1);
  }
  const auto size = ParseSize(text, context);
  if (!size) {
    return tl::unexpected(size.error());
  }
  if (size->value != 0 && text.find_first_not_of("0123456789") == std::string_view::npos) {
    return Fail(fmt::format("'{}' has no unit", text),
                fmt::format("the kernel counts in KiB: write {}KiB if meant so", text));
  }
  return (plus ? "+" : "") + std::to_string(size->value / 1024);
}

Result<std::string> Percent(const Key& key, Node node) {
  if (node.scalar.ends_with('%')) {
    node.scalar.pop_back();
    node.quoted = false;
  }
  return Integer(key, node);
}

Result<std::string> Share(const Key& key, const std::string& text, const SizeContext& context) {
  if (!text.ends_with('%')) {
    return Size(key, text, context);
  }
  // Against a whole of 100 bytes the size of a share is the share itself.
  const auto share = ParseSize(text, {.page_size = context.page_size, .whole = 100});
  if (!share) {
    return tl::unexpected(share.error());
  }
  if (share->value > 100) {
    return Fail(fmt::format("'{}' is more than the whole", text), "use at most 100%");
  }
  return text;
}

Result<std::string> Duration(const Key& key, const std::string& text) {
  const auto duration = ParseDuration(text);
  if (!duration) {
    return tl::unexpected(duration.error());
  }
  if (duration->count() == 0 && text.find_first_of("123456789") != std::string::npos) {
    return Fail(fmt::format("'{}' is less than a millisecond", text), "use at least 1ms");
  }
  return CheckRange(key, "'" + text + "'", static_cast<double>(duration->count()),
                    std::to_string(duration->count()));
}

Result<std::string> OneOf(const std::string& text, const std::vector<std::string>& words,
                          std::string_view what) {
  if (std::find(words.begin(), words.end(), text) != words.end()) {
    return text;
  }
  return Fail(fmt::format("'{}' is no {}", text, what), SuggestFrom(text, words));
}

Result<std::string> Signal(const std::string& text) {
  if (const auto number = SignalNumber(text)) {
    return std::to_string(*number);
  }
  return Fail(fmt::format("'{}' is no signal", text), SuggestFrom(text, SignalNames()));
}

}  // namespace

Result<std::string> NormaliseValue(const Key& key, const Node& node, const SizeContext& context) {
  const std::string& text = node.scalar;
  if (!key.no_limit.empty() && (text == "max" || text == "unlimited")) {
    return key.no_limit;
  }
  switch (key.type) {
    case ValueType::kText:
      return Text(key, text);
    case ValueType::kName:
      return IsName(text) ? Result<std::string>(text)
                          : Fail(fmt::format("'{}' can't be a name", text), std::string(kNameRemedy));
    case ValueType::kPattern:
      return SearchPattern(text);
    case ValueType::kInteger:
      return Integer(key, node);
    case ValueType::kBoolean:
      return Flag(node, false);
    case ValueType::kFlag:
      return Flag(node, true);
    case ValueType::kSize:
      return Size(key, text, context);
    case ValueType::kKibibytes:
      return Kibibytes(key, text, context);
    case ValueType::kPercent:
      return Percent(key, node);
    case ValueType::kShare:
      return Share(key, text, context);
    case ValueType::kDuration:
      return Duration(key, text);
    case ValueType::kSignal:
      return Signal(text);
    case ValueType::kErrno:
      return OneOf(text, ErrnoNames(), "errno");
    case ValueType::kChoice:
      return OneOf(text, key.choices, key.name);
    case ValueType::kSection:
      break;
  }
  return Fail(fmt::format("'{}' stands where {} needs a map", text, key.name),
              "write keys and values below it");
}

bool IsName(std::string_view text) {
  return !text.empty() && text.size() <= kLongestName && IsAlnum(text.front()) &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return IsAlnum(c) || c == '.' || c == '_' || c == '-'; });
}

}  // namespace brink
