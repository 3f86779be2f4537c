// SPDX-License-Identifier: MIT
// What `brink doctor` tells of faults: each is tried for real on a scratch group and a scratch process, which
// live for the probe only.
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults/faults.h"
#include "kernel/machine_guard.h"
#include "kernel/machine_slots.h"
#include "kernel/rlimits.h"
#include "model/fault_table.h"

namespace brink {
namespace {

FaultProbe Of(const ImposedFault& fault) {
  FaultProbe probe;
  probe.name = fault.name;
  probe.can_impose = fault.in_force;
  probe.reason = fault.in_force ? "" : fault.error;
  return probe;
}

FaultProbe Refused(std::string_view name, std::string reason, std::string remedy) {
  FaultProbe probe;
  probe.name = name;
  probe.reason = std::move(reason);
  probe.remedy = std::move(remedy);
  return probe;
}

/// A value that every host can grant.
std::string HarmlessValue(const FaultInfo& fault, const Cgroup& group) {
  if (fault.name == "cpu.max") {
    return "50000 100000";
  }
  if (fault.name == "cpuset.cpus") {
    return group.Get("cpuset.cpus").value_or("").empty() ? "0" : group.Get("cpuset.cpus").value_or("0");
  }
  return fault.unit == FaultUnit::kFlag ? "1" : fault.unit == FaultUnit::kCount ? "100" : "67108864";
}

/// A group with all controllers that the host has; without the optional ones where they cannot be had.
Result<Cgroup> ScratchGroup(const CgroupHost& cgroups) {
  std::vector<std::string> extra;
  for (const char* controller : {"cpu", "cpuset"}) {
    if (cgroups.VersionOf(controller) != CgroupVersion::kNone) {
      extra.emplace_back(controller);
    }
  }
  const std::string path = "brink-probe-" + std::to_string(::getpid());
  auto group = Cgroup::Create(cgroups, path, extra);
  return group || extra.empty() ? std::move(group) : Cgroup::Create(cgroups, path);
}

void ProbeGroups(const CgroupHost& cgroups, std::vector<FaultProbe>& probes) {
  auto group = ScratchGroup(cgroups);
  for (const FaultInfo& fault : FaultTable()) {
    if (fault.scope != FaultScope::kGroup) {
      continue;
    }
    if (!group) {
      probes.push_back(Refused(fault.name, group.error().message, group.error().remedy));
      continue;
    }
    const std::string value = HarmlessValue(fault, *group);
    // v1 limits the sum of memory and swap, so it needs the former first; the table has memory.max before it.
    if (const auto status = group->Set(fault.name, value); !status) {
      probes.push_back(Refused(fault.name, status.error().message, status.error().remedy));
    } else {
      probes.push_back(
          Of(ImposeOnGroup(*group, "probe", {.name = std::string(fault.name), .value = value, .mark = {}})));
    }
  }
  if (group) {
    if (auto removed = group->Remove(); !removed) {
      probes.push_back(Refused("removing groups", removed.error().message, removed.error().remedy));
    }
  }
}

/// A child that only waits; ended and reaped with this object.
class ScratchProcess {
 public:
  ScratchProcess() : pid_(::fork()) {
    if (pid_ == 0) {
      for (;;) {
        ::pause();
      }
    }
  }
  ~ScratchProcess() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
  }
  ScratchProcess(const ScratchProcess&) = delete;
  ScratchProcess& operator=(const ScratchProcess&) = delete;
  [[nodiscard]] int Pid() const { return pid_; }

 private:
  pid_t pid_;
};

/// Lowering a limit is granted to everyone; what a host may refuse is the other direction, so that is tried.
RlimitSetting Raised(const std::string& name) {
  const auto resource = RlimitNumber(name);
  rlimit now = {};
  ::getrlimit(static_cast<__rlimit_resource>(resource.value_or(RLIMIT_CORE)), &now);
  // NOFILE has a ceiling of its own, fs.nr_open.
  const bool unlimited = now.rlim_max == RLIM_INFINITY;
  const std::string value = unlimited ? "unlimited" : std::to_string(now.rlim_max + 1);
  return {.name = name, .soft = value, .hard = value};
}

/// The same faults in the direction that needs no capability.
SetStep::Target Milder(SetStep::Target change) {
  constexpr int kFirstVictim = 1000;
  constexpr int kNicest = 19;
  change.oom_score_adj = change.oom_score_adj ? std::optional(kFirstVictim) : std::nullopt;
  change.nice = change.nice ? std::optional(kNicest) : std::nullopt;
  for (RlimitSetting& setting : change.rlimits) {
    setting.soft = "0";
    setting.hard.clear();
  }
  return change;
}

void ProbeProcess(const Roots& roots, std::vector<FaultProbe>& probes) {
  const ScratchProcess child;
  for (const FaultInfo& fault : FaultTable()) {
    if (fault.scope != FaultScope::kProcess) {
      continue;
    }
    SetStep::Target change;
    std::string partly;
    const std::string name(fault.name);
    if (name == "oom_score_adj") {
      change.oom_score_adj = -1;
      partly = "only values not below brink's own";
    } else if (name == "nice") {
      change.nice = -1;
      partly = "only values not below brink's own";
    } else {
      change.rlimits = {Raised(name)};
      partly = "only up to the hard limit";
    }
    FaultProbe probe = Of(ImposeOnProcess(roots, child.Pid(), "probe", change).front());
    if (!probe.can_impose) {
      probe.can_impose = Of(ImposeOnProcess(roots, child.Pid(), "probe", Milder(change)).front()).can_impose;
      probe.reason = probe.can_impose ? partly : probe.reason;
      probe.remedy =
          "more needs CAP_SYS_RESOURCE (nice: CAP_SYS_NICE), which containers and some hosts drop: run brink "
          "with it, or use --sandbox vm";
    }
    probes.push_back(std::move(probe));
  }
}

void ProbeMachine(const Roots& roots, std::vector<FaultProbe>& probes) {
  for (const FaultInfo& fault : FaultTable()) {
    if (fault.scope != FaultScope::kMachine) {
      continue;
    }
    const auto value = ReadMachineSetting(roots, fault.name);
    const std::string path = MachineSettingPath(roots, fault.name);
    if (fault.name == "vm.panic_on_oom") {
      probes.push_back(
          Refused(fault.name, "refused on the host: it would take the machine down", "use --sandbox vm"));
    } else if (!value) {
      probes.push_back(Refused(fault.name, value.error().message, "this kernel was built without it"));
    } else if (::access(path.c_str(), W_OK) != 0) {
      probes.push_back(
          Refused(fault.name, FailErrno("write " + path).value().message,
                  "run brink as root on a host whose /proc/sys is writable, or use --sandbox vm"));
    } else {
      FaultProbe probe;
      probe.name = fault.name;
      probe.can_impose = true;
      probes.push_back(std::move(probe));
    }
  }
}

}  // namespace

std::vector<FaultProbe> ProbeFaults(const Roots& roots, const CgroupHost& cgroups) {
  std::vector<FaultProbe> probes;
  ProbeMachine(roots, probes);
  ProbeGroups(cgroups, probes);
  ProbeProcess(roots, probes);
  return probes;
}

}  // namespace brink
