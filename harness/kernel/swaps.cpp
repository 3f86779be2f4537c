// SPDX-License-Identifier: MIT
#include "kernel/swaps.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <string_view>

#include "base/units.h"
#include "kernel/files.h"

namespace brink {
namespace {

constexpr std::string_view kZram = "/dev/zram";
constexpr std::uint64_t kKibibyte = 1024;

bool IsZram(const SwapArea& area) { return area.device.starts_with(kZram); }

/// Blanks and tabs separate the fields.
std::vector<std::string_view> Fields(std::string_view line) {
  std::vector<std::string_view> fields;
  for (const std::string_view part : Split(line, ' ')) {
    for (const std::string_view field : Split(part, '\t')) {
      fields.push_back(field);
    }
  }
  return fields;
}

/// "/dev/vdb  partition  1048572  0  -2"; nothing for the line of headings.
std::optional<SwapArea> ParseArea(std::string_view line) {
  const auto fields = Fields(line);
  const auto kibibytes = fields.size() == 5 ? ParseNumber(fields[2]) : std::nullopt;
  int priority = 0;
  if (!kibibytes ||
      std::from_chars(fields[4].data(), fields[4].data() + fields[4].size(), priority).ec != std::errc()) {
    return std::nullopt;
  }
  return SwapArea{.device = std::string(fields[0]), .bytes = *kibibytes * kKibibyte, .priority = priority};
}

/// Of that size, but for the first page and what does not fill one.
bool HasSize(const SwapArea& area, std::uint64_t bytes) {
  constexpr std::uint64_t kTwoPages = 8192;
  return area.bytes < bytes + kTwoPages && area.bytes + kTwoPages > bytes;
}

std::string Describe(std::span<const SwapArea> areas) {
  std::string text;
  for (const SwapArea& area : areas) {
    text += fmt::format("{}{} of {} with priority {}", text.empty() ? "" : ", ", area.device,
                        FormatBytes(area.bytes), area.priority);
  }
  return text.empty() ? "nothing" : text;
}

}  // namespace

std::vector<SwapArea> ReadSwaps(const Roots& roots) {
  std::vector<SwapArea> areas;
  const std::string text = ReadSmallFile(roots.proc + "/swaps").value_or("");
  for (const std::string_view line : Split(text, '\n')) {
    if (auto area = ParseArea(line)) {
      areas.push_back(*std::move(area));
    }
  }
  std::stable_sort(areas.begin(), areas.end(), [](const SwapArea& left, const SwapArea& right) {
    return left.priority > right.priority;
  });
  return areas;
}

std::optional<ZramFigures> ReadZram(const Roots& roots, std::span<const SwapArea> areas) {
  ZramFigures figures;
  bool found = false;
  for (const SwapArea& area : areas) {
    if (!IsZram(area)) {
      continue;
    }
    const std::string name = area.device.substr(area.device.rfind('/') + 1);
    const std::string text = ReadSmallFile(fmt::format("{}/block/{}/mm_stat", roots.sys, name)).value_or("");
    // orig_data_size compr_data_size mem_used_total ...
    const auto fields = Fields(text);
    const auto stored = fields.size() > 2 ? ParseNumber(fields[0]) : std::nullopt;
    const auto memory = fields.size() > 2 ? ParseNumber(fields[2]) : std::nullopt;
    if (stored && memory) {
      figures.stored_bytes += *stored;
      figures.memory_bytes += *memory;
      found = true;
    }
  }
  if (!found) {
    return std::nullopt;
  }
  const std::string memory = ReadSmallFile(roots.proc + "/meminfo").value_or("");
  figures.swap_free_bytes = FindNumber(memory, "SwapFree").value_or(0) * kKibibyte;
  return figures;
}

Status CheckSwaps(const GuestSpec& spec, std::span<const SwapArea> areas) {
  std::span<const SwapArea> left = areas;
  for (const auto& [bytes, zram] : {std::pair(spec.zram_bytes, true), std::pair(spec.swap_bytes, false)}) {
    if (bytes == 0) {
      continue;
    }
    if (left.empty() || IsZram(left.front()) != zram || !HasSize(left.front(), bytes)) {
      return Fail(
          fmt::format("the guest was to have {} of swap {}, and /proc/swaps has {}", FormatBytes(bytes),
                      zram ? "in zram" : "on a disk", Describe(areas)),
          "a kernel of your own needs CONFIG_SWAP; else its console, guest-N-console.log, may tell why");
    }
    left = left.subspan(1);
  }
  return {};
}

}  // namespace brink
