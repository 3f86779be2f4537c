// SPDX-License-Identifier: MIT
// Which case of a scenario was slowed down for want of memory, as one that does the same with more of it
// shows.
//
// A short or partial stall is under what judge/stall.h tells by the figures of one case alone, and cgroup v1
// has no account of waiting, older kernels no refaults either. Two cases together tell more. Their work is
// the same where they differ in limits of memory alone: in nothing that is run, and not in processors.
//
// Told is what took twice as long and half a second longer: under that a start or a cold cache does as much.
// A loaded machine alone can do more (one case took 0.4 to 2.4 s), so a slowdown is not told for itself.
// The figures must account for it: all tasks waited for memory (PSI) for a tenth of the time that was lost,
// or what happened more often than in the other case could have cost that time, at the worst 10 ms for a page
// that is read again or for a hit of the limit (each reads from, or writes to, a disk that turns) and 2 s for
// one that is throttled (MEMCG_MAX_HIGH_DELAY_JIFFIES). That they did cost it is not proven, and not said.
// Of the catalogue's cases this tells of three, all of stalls: refault-thrash, and two of swap/hidden-limit.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/evidence.h"
#include "model/verdict.h"

namespace brink {

/// Seconds of what can be compared, by name: a process that ended by itself, with status 0, and once only;
/// "step NAME": a step's command that did, where the step has a name.
[[nodiscard]] std::map<std::string, double> DurationsOf(const Evidence& evidence);

/// Fills Verdict::slower of every case that survived. Of several other cases the one beside which it was the
/// slowest; of several runs of that, each must show it.
void CompareDurations(std::vector<Verdict>& verdicts);

}  // namespace brink
