// SPDX-License-Identifier: MIT
// What the cases of a scenario show together: the one setting in which a case that failed differs from one
// that did not, and which was slower for want of memory.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "model/plan.h"
#include "model/verdict.h"

namespace brink {

/// Everything in which two cases of a scenario can differ, by a name for people: "vm.overcommit_memory",
/// "memory.max of server", "parameter buffers", "the command of server", "the steps". Ports and folders,
/// which differ in each run, are left out.
[[nodiscard]] std::map<std::string, std::string> SettingsOf(const Plan& plan);

/// What each step does (judge/step_settings.h), likewise.
[[nodiscard]] std::vector<std::string> StepsOf(const Plan& plan);

/// Of one scenario on the same machine.
[[nodiscard]] bool SamePlace(const Verdict& a, const Verdict& b);
/// It survived as expected without any failure: a control for the others.
[[nodiscard]] bool Well(const Verdict& verdict);
/// The names of the settings in which they differ, sorted.
[[nodiscard]] std::vector<std::string> DifferingSettings(const Verdict& a, const Verdict& b);

/// Fills Verdict::slower (judge/slowdown.h), and Verdict::led_by of every case that had a failure: the
/// setting by which alone it differs from a case of the same scenario, on the same machine, that survived
/// without any. Nothing where they differ in more; steps that came after the failure don't count. It is known
/// when all cases have ended, and a run of one of them never knows: so an expectation of a case can't ask for
/// it.
void ComparePairs(std::vector<Verdict>& verdicts);

}  // namespace brink
