// SPDX-License-Identifier: MIT
// What became of a process, as a sentence.
#pragma once

#include <string>

#include "judge/death.h"
#include "judge/judge.h"
#include "model/evidence.h"
#include "model/plan.h"
#include "model/verdict.h"

namespace brink {

/// One record judged by itself.
struct Finding {
  Outcome outcome = Outcome::kSurvived;
  std::string reason;  // a clause, without the process's name
  std::string remedy;  // where nothing can be judged; may be empty
  Death death;
  double decided_s = 0;
};

/// "vm.max_map_count=4000 of machine is not in force: ..."
[[nodiscard]] std::string DescribeFault(const ImposedFault& fault);

/// "exited with 3 at 0.50 s", "was killed by SIGKILL from step reaper at 0.70 s".
[[nodiscard]] std::string HowItEnded(const ProcessRecord& record, const Death& death);

/// "was killed by the OOM killer of memory cgroup /a/b at 0.70 s with 190 MiB of 190 MiB (memory.max); it
/// held ..."; and, if that was long, for how long its group had been close to the limit.
[[nodiscard]] std::string DescribeOom(const Evidence& evidence, const ProcessRecord& record,
                                      const Death& death, const Binding& binding);

/// "was alive when the timeout of 60 s passed, idle or just slow; the OOM killer had taken its worker (pid 7
/// python3) at 0.70 s".
[[nodiscard]] std::string DescribeHang(const Plan& plan, const Evidence& evidence,
                                       const ProcessRecord& record);

/// Somebody else's signal ended it: no limit did. (brink's own, to one that failed before, is not meant.)
[[nodiscard]] bool KilledByOther(const ProcessRecord& record, const Finding& finding);

/// "2 processes that it started (pid 7 worker, pid 8 worker) were still running, and brink ended them". One
/// that `survived`, and left processes of its own, has made a daemon of itself: that comes with the remedy.
[[nodiscard]] std::string DescribeLeftRunning(const std::vector<LeftRunning>& left, std::uint64_t count,
                                              bool survived);

/// The whole sentence of a process; `binding` and `stall` are the verdict's.
[[nodiscard]] std::string Sentence(const Evidence& evidence, const ProcessRecord& record,
                                   const Finding& finding, const Binding& binding,
                                   const std::optional<Stall>& stall);

}  // namespace brink
