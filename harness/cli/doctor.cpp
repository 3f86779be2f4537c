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

std::string Line(bool good, const std::string& what, const std::string& reason, const std::string& remedy) {
  return fmt::format("  {}  {}{}{}\n{}", good ? "yes" : "NO ", what, reason.empty() ? "" : ": ", reason,
                     good || remedy.empty() ? "" : fmt::format("       remedy: {}\n", remedy));
}

std::string DescribeEvidence(const CgroupHost& cgroups) {
  std::string text = "\nWhat it can prove\n";
  const auto watch = Watch::Load();
  if (watch) {
    text += Line(true, "failing calls, OOM kills and senders of signals, from the kernel (BPF)", "", "");
    for (const std::string& missing : watch->Missing()) {
      text += Line(false, missing, "", "");
    }
  } else {
    text += Line(false, "failing calls, OOM kills and senders of signals, from the kernel (BPF)",
                 watch.error().message, watch.error().remedy);
  }
  text += Line(cgroups.MemoryVersion() != CgroupVersion::kNone, "counters of memory cgroups", "", "");
  return text;
}

int Examine() {
  const Roots roots;
  const auto cgroups = CgroupHost::Discover(roots);
  if (!cgroups) {
    PrintError(cgroups.error());
    return kExitOwnFailure;
  }
  const HostFacts facts = ReadHostFacts(roots, *cgroups);
  std::string text =
      fmt::format("Linux {}, cgroup {}, {:.1f} GiB of memory, {:.1f} GiB of swap, {} processors, {}\n",
                  facts.kernel, facts.cgroup_version, static_cast<double>(facts.memory_bytes) / (1ULL << 30),
                  static_cast<double>(facts.swap_bytes) / (1ULL << 30), facts.cpus,
                  ::geteuid() == 0 ? "root" : "not root");
  const auto probes = ProbeFaults(roots, *cgroups);
  for (const auto& [scope, title] :
       {std::pair{FaultScope::kMachine, "machine-wide (only with --sandbox host)"},
        std::pair{FaultScope::kGroup, "on groups"}, std::pair{FaultScope::kProcess, "on processes"}}) {
    text += fmt::format("\nWhat it can impose {}\n", title);
    for (const FaultProbe& probe : probes) {
      const FaultInfo* info = FindFault(probe.name);
      if (info != nullptr && info->scope == scope) {
        text += Line(probe.can_impose, probe.name, probe.reason, probe.remedy);
      }
    }
  }
  return PrintResults(text + DescribeEvidence(*cgroups), kExitMet);
}

}  // namespace

void AddDoctorCommand(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "doctor", "Say what this machine can impose and prove, what not, and the remedy for each");
  command->callback([&status] { status = Examine(); });
}

}  // namespace brink
