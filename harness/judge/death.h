// SPDX-License-Identifier: MIT
// Who or what ended a process: exit status 137 and SIGKILL name no cause.
#pragma once

#include <optional>
#include <string>

#include "model/evidence.h"
#include "model/plan.h"

namespace brink {

struct Death {
  enum class Kind {
    kAlive,      // it was not seen to end
    kExited,     // it called exit
    kSignalled,  // a signal that is not the OOM killer's
    kOomKilled,
    kUnknown,  // killed, or gone, and the evidence does not tell by whom
  };
  Kind kind = Kind::kAlive;
  std::string killed_by;  // as ProcessVerdict::killed_by
  /// kOomKilled: the kernel's account of it; null when only the group's counter tells of it.
  const OomKill* oom = nullptr;
  std::string note;  // what the reader should know about how sure this is; may be empty
};

[[nodiscard]] Death DeathOf(const Plan& plan, const Evidence& evidence, const ProcessRecord& record);

/// The last descendant of a process of the plan that the OOM killer took while that process lived on; null
/// when there was none.
[[nodiscard]] const OomKill* KilledDescendantOf(const Evidence& evidence, const ProcessRecord& record);

/// The group that the process (or the parent of the child) was put in; null when unknown.
[[nodiscard]] const GroupRecord* GroupOf(const Plan& plan, const Evidence& evidence,
                                         const ProcessRecord& record);

/// The plan's process of that name, or the one that the child belongs to; null when it is neither.
[[nodiscard]] const ProcessPlan* PlanOf(const Plan& plan, const ProcessRecord& record);

}  // namespace brink
