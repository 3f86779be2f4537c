// SPDX-License-Identifier: MIT
#include "sandbox/host.h"

#include <sys/utsname.h>
#include <unistd.h>

#include "kernel/swaps.h"

namespace brink {

HostFacts ReadHostFacts(const Roots& roots, const CgroupHost& cgroups) {
  const MachineFigures figures = ReadMachineFigures(roots);
  utsname names = {};
  ::uname(&names);
  HostFacts facts;
  facts.kernel = names.release;
  const CgroupVersion version = cgroups.MemoryVersion();
  facts.cgroup_version = version == CgroupVersion::kV1 ? "v1" : version == CgroupVersion::kV2 ? "v2" : "none";
  facts.memory_bytes = figures.memory_total_bytes;
  facts.swap_bytes = figures.swap_total_bytes;
  facts.swaps = ReadSwaps(roots);
  facts.page_size = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  facts.cpus = static_cast<int>(::sysconf(_SC_NPROCESSORS_ONLN));
  facts.sysctls = ReadMachineSettingsAtRest(roots);
  return facts;
}

Result<HostSandbox> HostSandbox::Start(const Roots& roots) {
  HostSandbox sandbox;
  sandbox.roots_ = roots;
  auto host = CgroupHost::Discover(roots);
  if (!host) {
    return tl::unexpected(host.error());
  }
  sandbox.cgroups_ = std::make_unique<CgroupHost>(std::move(*host));
  auto guard = RunGuard::Start(roots);
  if (!guard) {
    return tl::unexpected(guard.error());
  }
  sandbox.guard_ = std::make_unique<RunGuard>(std::move(*guard));
  auto group = Cgroup::Create(*sandbox.cgroups_, sandbox.GroupRoot());
  if (!group) {
    return tl::unexpected(group.error());
  }
  sandbox.root_group_ = std::make_unique<Cgroup>(std::move(*group));
  sandbox.facts_ = ReadHostFacts(roots, *sandbox.cgroups_);
  return sandbox;
}

Status HostSandbox::Finish() {
  auto removed = root_group_->Remove();
  auto finished = guard_->Finish();
  return finished ? removed : finished;  // the guard tries the group again, and looks after the machine too
}

}  // namespace brink
