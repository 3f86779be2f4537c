// SPDX-License-Identifier: MIT
// The control groups of one case: one for the case, below it one for each group of the plan, and one for its
// commands.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "kernel/cgroup.h"
#include "model/plan.h"

namespace brink {

/// A name as part of a path: letters, digits, dot, dash and underscore stay.
[[nodiscard]] std::string SafeName(std::string text);

class CaseGroups {
 public:
  /// Makes the case's own group and those of the plan, without any limit yet. `path`: "ROOT/CASE". `host`
  /// outlives the groups.
  [[nodiscard]] static Result<CaseGroups> Make(const CgroupHost& host, std::string path,
                                               const std::vector<GroupPlan>& plans);

  [[nodiscard]] Cgroup& Case() const { return *case_; }
  /// By the plan's name of the group; null when there is none.
  [[nodiscard]] Cgroup* Find(const std::string& name) const;
  [[nodiscard]] const std::map<std::string, std::unique_ptr<Cgroup>>& All() const { return by_name_; }
  /// For step commands and readiness probes; made when first asked for: most cases have none, and a group
  /// takes a millisecond.
  [[nodiscard]] Result<Cgroup*> Steps();

  /// Kills what is left in them and removes them. Takes milliseconds: the kernel tears each one down.
  [[nodiscard]] Status Remove();

 private:
  CaseGroups(const CgroupHost& host, Cgroup own);
  [[nodiscard]] Result<std::unique_ptr<Cgroup>> MakeBelow(const std::string& name,
                                                          const std::vector<std::string>& controllers) const;

  const CgroupHost* host_;
  std::unique_ptr<Cgroup> case_;  // first: it is removed after those below it
  std::unique_ptr<Cgroup> steps_;
  std::map<std::string, std::unique_ptr<Cgroup>> by_name_;
};

}  // namespace brink
