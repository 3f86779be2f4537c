// SPDX-License-Identifier: MIT
// The binding limit of a process: of its fatal failure, of its OOM kill, of the limit that held it up.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "judge/death.h"
#include "judge/judge.h"
#include "model/evidence.h"
#include "model/plan.h"

namespace brink {

/// The kind of failing call (call and errno) that tells most of a process, and what bound then.
struct TellingFailure {
  const FailedCall* first = nullptr;  // of its kind; null: none is known; the reason says why
  /// Of its kind the first whose limit can be named, and where none can, the first.
  const FailedCall* call = nullptr;
  Binding binding;  // of `call`; where that is not the first, the reason says so
};

/// The first kind of call whose limit can be named, and where none can, the first. When it `died` of them,
/// what it may have got over does not count: a probe, a lock, huge pages. Where it was all of that kind, the
/// limit that it met last counts, and the call that met it first tells.
[[nodiscard]] TellingFailure TellingFailureOf(const Evidence& evidence, const std::string& process,
                                              bool died);
/// munmap and madvise: a process that cannot give memory back grows until it is killed for its size, or
/// refused more, which then is the consequence.
[[nodiscard]] bool GivesBack(const FailedCall& call);
/// What each kind tells, in the order in which the kinds began.
[[nodiscard]] std::vector<TellingFailure> KindsOfFailure(const Evidence& evidence,
                                                         const std::string& process);
/// How often its process's calls of this kind failed; at least once.
[[nodiscard]] std::uint64_t CountOf(const Evidence& evidence, const FailedCall& kind);
/// Failures of this kind were counted, and none is known in detail: what bound is unknown.
[[nodiscard]] bool DetailsLost(const Evidence& evidence, const FailureCount& kind);
/// "no memory call WHOSE failed", that some did but without details, or that nobody watched. `whose`: "of it
/// " or empty.
[[nodiscard]] std::string NoFailure(const Evidence& evidence, const std::vector<std::string>& processes,
                                    const std::string& whose);
/// How long a process that ended went on after its last failing call, where that is long enough (half a
/// second, in a slow guest as many times longer as it is slower) that its end need not be due to it, and
/// where that call is known for sure to be the last.
[[nodiscard]] std::optional<double> SurvivedFor(const Evidence& evidence, const ProcessRecord& record);
/// "; at 0.40 s 400 MiB of the machine's memory held what had been swapped to zram, ...": zram is memory
/// itself, so what goes there makes room only as far as it can be compressed. Empty where nothing was swapped
/// to zram.
[[nodiscard]] std::string TakenByZram(const Evidence& evidence);
/// memory.max or machine_memory.
[[nodiscard]] Binding BindingOfOom(const Plan& plan, const Evidence& evidence, const ProcessRecord& record,
                                   const Death& death);
/// It was throttled for being above memory.high shortly before the timeout, or then slept for that. A sleep
/// takes up to 2 s, in which nothing is counted (mm/memcontrol.c mem_cgroup_handle_over_high(), with
/// two underscores before it in newer kernels).
[[nodiscard]] bool WasThrottled(const ProcessRecord& record);
/// Of a process whose group was held up: memory.high where it was throttled for that, otherwise memory.max.
[[nodiscard]] Binding BindingOfStall(const Plan& plan, const Evidence& evidence, const ProcessRecord& record,
                                     const Stall& stall);
/// Of a process that hung: the descendant whose death by the OOM killer it waits for in vain, as far as
/// nothing else holds it up. Null: none.
[[nodiscard]] const OomKill* WaitsForKilled(const Evidence& evidence, const ProcessRecord& record);
/// Of a process that hung: memory.high (throttled), memory.max (waiting in a group whose OOM killer is off),
/// what its descendant was killed for, or what held its group up.
[[nodiscard]] Binding BindingOfHang(const Plan& plan, const Evidence& evidence, const ProcessRecord& record);

/// The earliest failing call of the process; null when none is known in detail.
[[nodiscard]] const FailedCall* FirstFailureOf(const Evidence& evidence, const std::string& process);

}  // namespace brink
