// SPDX-License-Identifier: MIT
// Whom the machine's OOM killer was to take, by the scores that anybody can read before it acts.
#pragma once

#include <optional>
#include <string>

#include "model/evidence.h"
#include "model/verdict.h"

namespace brink {

/// The first kill that the whole machine's memory led to; null when there was none.
[[nodiscard]] const OomKill* FirstMachineKill(const Evidence& evidence);

/// Of that kill. /proc/PID/oom_score is relative to the machine's
/// memory (fs/proc/base.c proc_oom_score()), so that it says nothing about kills in a memory cgroup. Nothing
/// where no score was read before the kill, or where the victim is a process of the case that had not been
/// looked at.
[[nodiscard]] std::optional<PredictedVictim> PredictedVictimOf(const Evidence& evidence);

/// "predicted server (oom_score 850), killed server", and why not where that is known.
[[nodiscard]] std::string DescribePrediction(const PredictedVictim& predicted, const Evidence& evidence);

}  // namespace brink
