// SPDX-License-Identifier: MIT
// The binding limit of a process: of its fatal failure, of its OOM kill, of the limit that held it up.
#pragma once

#include <string>

#include "judge/death.h"
#include "judge/judge.h"
#include "model/evidence.h"
#include "model/plan.h"

namespace brink {

/// Of the failing calls of a process. When it `died` of them the last kind that began counts (a program
/// survives its probes), otherwise the first; calls whose limit can be named go before others.
[[nodiscard]] Binding BindingOfFailures(const Evidence& evidence, const std::string& process, bool died);
/// memory.max or machine_memory.
[[nodiscard]] Binding BindingOfOom(const Plan& plan, const Evidence& evidence, const ProcessRecord& record,
                                   const Death& death);
/// memory.high (throttled) or memory.max (waiting in a group whose OOM killer is off) of a process that hung.
[[nodiscard]] Binding BindingOfHang(const Plan& plan, const Evidence& evidence, const ProcessRecord& record);

/// The earliest failing call of the process; null when none is known in detail.
[[nodiscard]] const FailedCall* FirstFailureOf(const Evidence& evidence, const std::string& process);

}  // namespace brink
