// SPDX-License-Identifier: MIT
#include "run/case_groups.h"

#include <cctype>
#include <set>
#include <utility>

#include "model/fault_table.h"

namespace brink {
namespace {

/// Controllers beyond memory and pids that these settings need.
std::set<std::string> ExtraControllers(const std::vector<Setting>& settings, const CgroupHost& host) {
  std::set<std::string> extra;
  for (const Setting& setting : settings) {
    const FaultInfo* info = FindFault(setting.name);
    if (info == nullptr) {
      continue;
    }
    for (const std::string_view controller : {info->v1_controller, info->v2_controller}) {
      if (!controller.empty() && controller != "memory" && controller != "pids" &&
          host.VersionOf(controller) != CgroupVersion::kNone) {
        extra.insert(std::string(controller));
      }
    }
  }
  return extra;
}

}  // namespace

std::string SafeName(std::string text) {
  for (char& letter : text) {
    if (std::isalnum(static_cast<unsigned char>(letter)) == 0 && letter != '.' && letter != '-' &&
        letter != '_') {
      letter = '_';
    }
  }
  return text;
}

CaseGroups::CaseGroups(const CgroupHost& host, Cgroup own)
    : host_(&host), case_(std::make_unique<Cgroup>(std::move(own))) {}

Result<CaseGroups> CaseGroups::Make(const CgroupHost& host, std::string path,
                                    const std::vector<GroupPlan>& plans) {
  std::set<std::string> all_extra;
  for (const GroupPlan& plan : plans) {
    all_extra.merge(ExtraControllers(plan.settings, host));
  }
  auto own = Cgroup::Create(host, std::move(path), {all_extra.begin(), all_extra.end()});
  if (!own) {
    return tl::unexpected(own.error());
  }
  CaseGroups groups(host, std::move(*own));
  for (const GroupPlan& plan : plans) {
    const auto extra = ExtraControllers(plan.settings, host);
    // The prefix keeps names of users apart from brink's own "steps".
    auto made = groups.MakeBelow("t-" + SafeName(plan.name), {extra.begin(), extra.end()});
    if (!made) {
      return tl::unexpected(made.error());
    }
    groups.by_name_[plan.name] = std::move(*made);
  }
  return groups;
}

Result<std::unique_ptr<Cgroup>> CaseGroups::MakeBelow(const std::string& name,
                                                      const std::vector<std::string>& controllers) const {
  auto made = Cgroup::Create(*host_, case_->Path() + "/" + name, controllers);
  if (!made) {
    return tl::unexpected(made.error());
  }
  return std::make_unique<Cgroup>(std::move(*made));
}

Cgroup* CaseGroups::Find(const std::string& name) const {
  const auto found = by_name_.find(name);
  return found == by_name_.end() ? nullptr : found->second.get();
}

Result<Cgroup*> CaseGroups::Steps() {
  if (steps_ == nullptr) {
    auto made = MakeBelow("steps", {});
    if (!made) {
      return tl::unexpected(made.error());
    }
    steps_ = std::move(*made);
  }
  return steps_.get();
}

Status CaseGroups::Remove() { return case_->Remove(); }

}  // namespace brink
