// SPDX-License-Identifier: MIT
#include "judge/commitments.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>

#include "base/units.h"
#include "judge/judge.h"
#include "judge/words.h"

namespace brink {
namespace {

constexpr std::uint64_t kKibibyte = 1024;

std::optional<std::uint64_t> Kibibytes(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = code == std::errc() && end == text.data() + text.size();
  return whole && value <= UINT64_MAX / kKibibyte ? std::optional(value * kKibibyte) : std::nullopt;
}

/// What was asked for above what was committed, and what that was.
struct Relative {
  std::uint64_t room_bytes = 0;
  std::uint64_t base_bytes = 0;
};

std::optional<Relative> RelativeOf(const Evidence& evidence) {
  for (const ImposedFault& fault : evidence.faults) {
    if (fault.name != "vm.overcommit_kbytes" || !fault.requested.starts_with('+') || !fault.in_force) {
      continue;
    }
    const auto room = Kibibytes(std::string_view(fault.requested).substr(1));
    const auto value = Kibibytes(fault.read_back);
    // mm/util.c vm_commit_limit(): swap comes on top. 1 KiB stands for a value that would be negative.
    if (room && value && *value > kKibibyte && *value + evidence.host.swap_bytes >= *room) {
      return Relative{.room_bytes = *room, .base_bytes = *value + evidence.host.swap_bytes - *room};
    }
  }
  return std::nullopt;
}

const FailedCall* FirstRefusal(const Evidence& evidence) {
  const auto refused = [](const FailedCall& call) {
    const Binding binding = BindingOf(call);
    return binding.limit && binding.limit->name == "commit_limit";
  };
  const auto found = std::find_if(evidence.failed_calls.begin(), evidence.failed_calls.end(), refused);
  return found == evidence.failed_calls.end() ? nullptr : &*found;
}

std::int64_t Beyond(std::uint64_t committed, std::uint64_t targets, std::uint64_t base) {
  return static_cast<std::int64_t>(committed) - static_cast<std::int64_t>(targets) -
         static_cast<std::int64_t>(base);
}

/// Of the samples on either side of the refusal the one that blames others less, by the figure that does:
/// what the case's own processes asked for between two readings must not be taken for somebody else's.
CommitDrift AtRefusal(const Evidence& evidence, const Relative& relative, double t_s) {
  const auto after = std::find_if(evidence.commitments.begin(), evidence.commitments.end(),
                                  [&](const CommitSample& sample) { return sample.t_s >= t_s; });
  const auto before = after == evidence.commitments.begin() ? after : after - 1;
  const auto drift = [&](const CommitSample& sample) {
    return Beyond(sample.committed_before_bytes, sample.targets_bytes, relative.base_bytes);
  };
  const std::int64_t bytes =
      after == evidence.commitments.end() ? drift(*before) : std::min(drift(*before), drift(*after));
  return {.bytes = bytes, .room_bytes = relative.room_bytes, .t_s = t_s, .decides = bytes > 0};
}

CommitDrift AtGreatestDemand(const Evidence& evidence, const Relative& relative) {
  const CommitSample& sample = *std::max_element(
      evidence.commitments.begin(), evidence.commitments.end(),
      [](const CommitSample& a, const CommitSample& b) { return a.targets_bytes < b.targets_bytes; });
  const std::int64_t bytes = Beyond(sample.committed_after_bytes, sample.targets_bytes, relative.base_bytes);
  return {.bytes = bytes, .room_bytes = relative.room_bytes, .t_s = sample.t_s, .decides = bytes < 0};
}

}  // namespace

std::optional<CommitDrift> CommitDriftOf(const Evidence& evidence) {
  constexpr std::uint64_t kShareThatMatters = 10;  // one in so many
  const auto relative = RelativeOf(evidence);
  if (!relative || evidence.commitments.empty()) {
    return std::nullopt;
  }
  const FailedCall* refusal = FirstRefusal(evidence);
  const CommitDrift drift = refusal != nullptr ? AtRefusal(evidence, *relative, refusal->t_s)
                                               : AtGreatestDemand(evidence, *relative);
  const auto change = static_cast<std::uint64_t>(std::abs(drift.bytes));
  return change > drift.room_bytes / kShareThatMatters ? std::optional(drift) : std::nullopt;
}

std::string DescribeDrift(const CommitDrift& drift) {
  const auto change = static_cast<std::uint64_t>(std::abs(drift.bytes));
  const double share = 100.0 * static_cast<double>(change) / static_cast<double>(drift.room_bytes);
  return fmt::format(
      "vm.overcommit_kbytes was set to {} above what was committed, and the commitments of other programs "
      "had "
      "{} by {} ({:.0f}% of that) at {}: there was {} room than asked for",
      FormatBytes(drift.room_bytes), drift.bytes > 0 ? "grown" : "shrunk", FormatBytes(change), share,
      AtSeconds(drift.t_s), drift.bytes > 0 ? "less" : "more");
}

}  // namespace brink
