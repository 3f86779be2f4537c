// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string_view>
#include <unordered_map>

#include "base/units.h"
#include "evidence/watch.h"

namespace brink {
namespace {

constexpr std::size_t kCommonest = 10;

struct MapsLine {
  std::uint64_t bytes = 0;
  std::string_view permissions;
  std::string_view name;  // empty: anonymous
};

/// Takes the next blank-separated word off `text`.
std::string_view TakeWord(std::string_view& text) {
  text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  const auto word = text.substr(0, text.find(' '));
  text.remove_prefix(word.size());
  return word;
}

/// "7f00-7f10 rw-p 00000000 00:00 0   /path": proc(5). False when it is none.
bool ParseLine(std::string_view line, MapsLine& out) {
  const auto range = TakeWord(line);
  const auto dash = range.find('-');
  if (dash == std::string_view::npos) {
    return false;
  }
  std::uint64_t start = 0;
  std::uint64_t end = 0;
  const char* middle = range.data() + dash;
  const char* last = range.data() + range.size();
  if (std::from_chars(range.data(), middle, start, 16).ptr != middle ||
      std::from_chars(middle + 1, last, end, 16).ptr != last || end <= start) {
    return false;
  }
  out.bytes = end - start;
  out.permissions = TakeWord(line);
  for (int skipped = 0; skipped < 3; ++skipped) {
    TakeWord(line);  // offset, device, inode
  }
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  out.name = line;
  return out.permissions.size() == 4;
}

bool IsSpecial(std::string_view name) {
  return name.starts_with('[') && name != "[heap]" && !name.starts_with("[anon:");
}

/// What it is, without what tells one mapping from its like: files by their last name.
std::string_view Kind(std::string_view name) {
  if (name.empty()) {
    return "anonymous";
  }
  return name.starts_with('/') ? name.substr(name.rfind('/') + 1) : name;
}

}  // namespace

MapsSummary SummariseMaps(std::string_view maps_text) {
  MapsSummary summary;
  std::unordered_map<std::string, std::uint64_t> kinds;
  while (!maps_text.empty()) {
    const auto line_end = maps_text.find('\n');
    MapsLine line;
    if (ParseLine(maps_text.substr(0, line_end), line)) {
      ++summary.mappings;
      if (IsSpecial(line.name)) {
        ++summary.stacks_and_special;
      } else {
        ++(line.name.starts_with('/') ? summary.file_backed : summary.anonymous);
      }
      ++kinds[fmt::format("{} {} {}", line.permissions, FormatBytes(line.bytes), Kind(line.name))];
    }
    maps_text.remove_prefix(line_end == std::string_view::npos ? maps_text.size() : line_end + 1);
  }
  summary.commonest.assign(kinds.begin(), kinds.end());
  std::sort(summary.commonest.begin(), summary.commonest.end(), [](const auto& a, const auto& b) {
    return a.second != b.second ? a.second > b.second : a.first < b.first;
  });
  summary.commonest.resize(std::min(summary.commonest.size(), kCommonest));
  return summary;
}

}  // namespace brink
