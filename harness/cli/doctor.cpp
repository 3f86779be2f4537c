// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <unistd.h>

#include "cli/commands.h"
#include "cli/common.h"
#include "evidence/watch.h"
#include "faults/faults.h"
#include "model/fault_table.h"
#include "sandbox/host.h"

namespace brink {
namespace {

void PrintLine(bool good, const std::string& what, const std::string& reason, const std::string& remedy) {
  fmt::print("  {}  {}{}{}\n", good ? "yes" : "NO ", what, reason.empty() ? "" : ": ", reason);
  if (!good && !remedy.empty()) {
    fmt::print("       remedy: {}\n", remedy);
  }
}

void PrintEvidence(const CgroupHost& cgroups) {
  fmt::print("\nWhat it can prove\n");
  const auto watch = Watch::Load();
  if (watch) {
    PrintLine(true, "failing calls, OOM kills and senders of signals, from the kernel (BPF)", "", "");
    for (const std::string& missing : watch->Missing()) {
      PrintLine(false, missing, "", "");
    }
  } else {
    PrintLine(false, "failing calls, OOM kills and senders of signals, from the kernel (BPF)",
              watch.error().message, watch.error().remedy);
  }
  PrintLine(cgroups.MemoryVersion() != CgroupVersion::kNone, "counters of memory cgroups", "", "");
}

int Examine() {
  const Roots roots;
  const auto cgroups = CgroupHost::Discover(roots);
  if (!cgroups) {
    PrintError(cgroups.error());
    return kExitOwnFailure;
  }
  const HostFacts facts = ReadHostFacts(roots, *cgroups);
  fmt::print("Linux {}, cgroup {}, {:.1f} GiB of memory, {:.1f} GiB of swap, {} processors, {}\n",
             facts.kernel, facts.cgroup_version, static_cast<double>(facts.memory_bytes) / (1ULL << 30),
             static_cast<double>(facts.swap_bytes) / (1ULL << 30), facts.cpus,
             ::geteuid() == 0 ? "root" : "not root");
  const auto probes = ProbeFaults(roots, *cgroups);
  for (const auto& [scope, title] :
       {std::pair{FaultScope::kMachine, "machine-wide (only with --sandbox host)"},
        std::pair{FaultScope::kGroup, "on groups"}, std::pair{FaultScope::kProcess, "on processes"}}) {
    fmt::print("\nWhat it can impose {}\n", title);
    for (const FaultProbe& probe : probes) {
      const FaultInfo* info = FindFault(probe.name);
      if (info != nullptr && info->scope == scope) {
        PrintLine(probe.can_impose, probe.name, probe.reason, probe.remedy);
      }
    }
  }
  PrintEvidence(*cgroups);
  return kExitMet;
}

}  // namespace

void AddDoctorCommand(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "doctor", "Say what this machine can impose and prove, what not, and the remedy for each");
  command->callback([&status] { status = Examine(); });
}

}  // namespace brink
