// SPDX-License-Identifier: MIT
#include "judge/stall.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/units.h"
#include "judge/death.h"
#include "judge/results.h"
#include "judge/words.h"

namespace brink {
namespace {

constexpr double kWorthTellingS = 0.5;
constexpr double kWorthTellingShare = 0.2;
/// The kernel's account of waiting leaves out pages whose use lies further back than the group can hold,
/// which is what a far too small limit leads to (mm/workingset.c). A program that reads a large file twice
/// has each page reclaimed and needed again once. What goes over its memory again and again loses its time.
constexpr std::uint64_t kLimitsRefaulted = 4;

bool WorthTelling(const Stall& stall, const GroupRecord& group) {
  const bool waited = WaitedS(stall) >= std::max(kWorthTellingS, kWorthTellingShare * stall.of_s);
  const bool read_again = group.memory_limit_bytes && stall.of_s >= kWorthTellingS &&
                          stall.refaulted_bytes / kLimitsRefaulted >= *group.memory_limit_bytes;
  return waited || read_again;
}

}  // namespace

double WaitedS(const Stall& stall) { return std::max(stall.stalled_s.value_or(0), stall.under_oom_s); }

std::optional<Stall> WaitsOf(const Plan& plan, const Evidence& evidence, const ProcessRecord& record) {
  const GroupRecord* group = GroupOf(plan, evidence, record);
  if (group == nullptr || record.kind != ProcessRecord::Kind::kProcess) {
    return std::nullopt;
  }
  return Stall{.stalled_s = group->stalled_s,
               .under_oom_s = record.under_oom_s,
               .of_s = record.end_s.value_or(evidence.duration_s) - record.start_s,
               .refaulted_bytes = group->refaulted_bytes,
               .throttled = group->throttled_high,
               .limit_hits = group->limit_hits};
}

std::optional<Stall> StallOf(const Plan& plan, const Evidence& evidence, const ProcessRecord& record) {
  const auto waits = WaitsOf(plan, evidence, record);
  return waits && WorthTelling(*waits, *GroupOf(plan, evidence, record)) ? waits : std::nullopt;
}

std::string DescribeWaits(const Stall& stall) {
  std::vector<std::string> parts;
  if (stall.stalled_s) {
    parts.push_back(fmt::format("for {} of {} all its tasks waited for memory", AtSeconds(*stall.stalled_s),
                                AtSeconds(stall.of_s)));
  }
  if (stall.under_oom_s > 0) {
    parts.push_back(fmt::format("for {} of {} it was out of memory with its OOM killer off",
                                AtSeconds(stall.under_oom_s), AtSeconds(stall.of_s)));
  }
  if (stall.refaulted_bytes > 0) {
    parts.push_back(FormatBytes(stall.refaulted_bytes) + " that had been reclaimed were needed again");
  }
  if (stall.throttled > 0) {
    parts.push_back("it was throttled " + Times(stall.throttled));
  }
  if (stall.limit_hits > 0) {
    parts.push_back("its limit was reached " + Times(stall.limit_hits));
  }
  return Join(parts, ", ");
}

std::string DescribeStall(const Stall& stall) { return "its group was held up: " + DescribeWaits(stall); }

}  // namespace brink
