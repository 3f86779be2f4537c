// SPDX-License-Identifier: MIT
#include "judge/commitments.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <string>
#include <vector>

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

/// False when the kernel is known to have kept to no commit limit (mm/util.c __vm_enough_memory()).
bool LimitApplies(const Evidence& evidence) {
  std::string mode;
  if (const auto at_rest = evidence.host.sysctls.find("vm.overcommit_memory");
      at_rest != evidence.host.sysctls.end()) {
    mode = at_rest->second;
  }
  for (const ImposedFault& fault : evidence.faults) {
    if (fault.name == "vm.overcommit_memory" && fault.in_force) {
      mode = fault.read_back;
    }
  }
  return mode.empty() || mode == "2";
}

std::int64_t Beyond(const CommitSample& sample, std::uint64_t targets, const Relative& relative) {
  return static_cast<std::int64_t>(sample.committed_bytes) - static_cast<std::int64_t>(targets) -
         static_cast<std::int64_t>(relative.base_bytes);
}

/// What only others can have added or given back: whatever the case's processes have mapped may be shared
/// memory, which is committed too, and what is private and writable is committed for sure.
std::int64_t OfOthers(const CommitSample& sample, const Relative& relative) {
  const std::int64_t grown = Beyond(sample, sample.targets_mapped_bytes, relative);
  const std::int64_t shrunk = Beyond(sample, sample.targets_bytes, relative);
  return grown > 0 ? grown : std::min<std::int64_t>(shrunk, 0);
}

/// Two samples in a row, both steady: a process that is just coming or going (its memory is committed before
/// and after the kernel lists it) is hardly in both.
struct SteadyPair {
  const CommitSample* first = nullptr;
  const CommitSample* second = nullptr;
  std::int64_t drift = 0;  // seen in both; 0 when they differ on whether others grew or shrank
};

std::int64_t Lesser(std::int64_t a, std::int64_t b) {
  return (a < 0) != (b < 0) ? 0 : (std::abs(a) < std::abs(b) ? a : b);
}

std::vector<SteadyPair> SteadyPairs(const Evidence& evidence, const Relative& relative) {
  std::vector<SteadyPair> pairs;
  for (std::size_t at = 1; at < evidence.commitments.size(); ++at) {
    const CommitSample& first = evidence.commitments[at - 1];
    const CommitSample& second = evidence.commitments[at];
    if (first.steady && second.steady) {
      pairs.push_back({.first = &first,
                       .second = &second,
                       .drift = Lesser(OfOthers(first, relative), OfOthers(second, relative))});
    }
  }
  return pairs;
}

/// Of the pairs next to the refusal, on either side, the one that blames others less.
CommitDrift AtRefusal(const std::vector<SteadyPair>& pairs, const Relative& relative, double t_s) {
  const auto after = std::find_if(pairs.begin(), pairs.end(),
                                  [&](const SteadyPair& pair) { return pair.second->t_s >= t_s; });
  const auto before = after == pairs.begin() ? after : after - 1;
  const std::int64_t bytes = after == pairs.end() ? before->drift : Lesser(before->drift, after->drift);
  return {.bytes = bytes, .room_bytes = relative.room_bytes, .t_s = t_s, .decides = bytes > 0};
}

CommitDrift AtGreatestDemand(const std::vector<SteadyPair>& pairs, const Relative& relative) {
  const auto demand = [](const SteadyPair& pair) {
    return std::min(pair.first->targets_bytes, pair.second->targets_bytes);
  };
  const SteadyPair& most =
      *std::max_element(pairs.begin(), pairs.end(),
                        [&](const SteadyPair& a, const SteadyPair& b) { return demand(a) < demand(b); });
  return {.bytes = most.drift,
          .room_bytes = relative.room_bytes,
          .t_s = most.second->t_s,
          .decides = most.drift < 0};
}

}  // namespace

std::optional<CommitDrift> CommitDriftOf(const Evidence& evidence) {
  constexpr std::uint64_t kShareThatMatters = 10;  // one in so many
  const auto relative = RelativeOf(evidence);
  if (!relative || evidence.guest || !LimitApplies(evidence)) {
    return std::nullopt;
  }
  const std::vector<SteadyPair> pairs = SteadyPairs(evidence, *relative);
  if (pairs.empty()) {
    return std::nullopt;
  }
  const FailedCall* refusal = FirstRefusal(evidence);
  const CommitDrift drift =
      refusal != nullptr ? AtRefusal(pairs, *relative, refusal->t_s) : AtGreatestDemand(pairs, *relative);
  const auto change = static_cast<std::uint64_t>(std::abs(drift.bytes));
  return change > drift.room_bytes / kShareThatMatters ? std::optional(drift) : std::nullopt;
}

std::string DescribeDrift(const CommitDrift& drift) {
  const auto change = static_cast<std::uint64_t>(std::abs(drift.bytes));
  const double share = 100.0 * static_cast<double>(change) / static_cast<double>(drift.room_bytes);
  return fmt::format(
      "vm.overcommit_kbytes was set to {} above what was committed, and the commitments of other programs{} "
      "had {} by {} ({:.0f}% of that) at {}: there was {} room than asked for",
      FormatBytes(drift.room_bytes),
      drift.bytes > 0 ? " (or shared memory that none of the case's processes maps)" : "",
      drift.bytes > 0 ? "grown" : "shrunk", FormatBytes(change), share, AtSeconds(drift.t_s),
      drift.bytes > 0 ? "less" : "more");
}

}  // namespace brink
