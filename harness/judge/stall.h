// SPDX-License-Identifier: MIT
// A process that lives on and comes to nothing: its group is throttled, or reclaims what it needs again and
// again.
#pragma once

#include <optional>
#include <string>

#include "judge/judge.h"
#include "model/evidence.h"
#include "model/plan.h"
#include "model/verdict.h"

namespace brink {

/// The figures of its group, whatever they are. Absent: none are known, or it is no process of the plan.
[[nodiscard]] std::optional<Stall> WaitsOf(const Plan& plan, const Evidence& evidence,
                                           const ProcessRecord& record);

/// For so long its group waited for memory, by the kernel's own account (PSI), or as samples of its being out
/// of memory with its OOM killer off tell.
[[nodiscard]] double WaitedS(const Stall& stall);

/// Of a process of the plan, by the figures of its group. It is worth telling when it waited for half a
/// second and a fifth of the process's life, and when one that lived so long needed again four times the
/// group's limit. Absent: not worth telling, by these figures alone (judge/slowdown.h has the cases'
/// durations, too).
[[nodiscard]] std::optional<Stall> StallOf(const Plan& plan, const Evidence& evidence,
                                           const ProcessRecord& record);

/// "its group was held up: for 12.3 of 15.0 s all its tasks waited for memory, 2.7 GiB that had been
/// reclaimed were needed again, ...".
[[nodiscard]] std::string DescribeStall(const Stall& stall);
/// The same without "its group was held up: ".
[[nodiscard]] std::string DescribeWaits(const Stall& stall);

}  // namespace brink
