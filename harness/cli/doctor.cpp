// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "cli/commands.h"
#include "cli/common.h"
#include "evidence/watch.h"
#include "faults/faults.h"
#include "model/fault_table.h"
#include "sandbox/accelerator.h"
#include "sandbox/host.h"
#include "sandbox/kernels.h"

namespace brink {
namespace {

/// A heading, a line for each answer, and each remedy once, with all that it is for.
class Section {
 public:
  explicit Section(const std::string& title) : text_("\n" + title + "\n") {}

  void Add(bool good, const std::string& what, const std::string& reason, const std::string& remedy) {
    text_ += fmt::format("  {}  {}{}{}\n", good ? "yes" : "NO ", what, reason.empty() ? "" : ": ", reason);
    if (remedy.empty()) {
      return;
    }
    const auto known = std::find_if(remedies_.begin(), remedies_.end(),
                                    [&](const auto& each) { return each.first == remedy; });
    auto& entry = known != remedies_.end() ? *known : remedies_.emplace_back(remedy, Names{});
    entry.second.push_back(what);
  }
  [[nodiscard]] std::string Text() const {
    std::string text = text_;
    for (const auto& [remedy, names] : remedies_) {
      text += fmt::format("  remedy for {}:\n       {}\n", fmt::join(names, ", "), remedy);
    }
    return text;
  }

 private:
  using Names = std::vector<std::string>;
  std::string text_;
  std::vector<std::pair<std::string, Names>> remedies_;
};

std::string DescribeEvidence(const CgroupHost& cgroups) {
  Section section("What it can prove");
  const std::string of_kernel = "failing calls, OOM kills and senders of signals, from the kernel (BPF)";
  const auto watch = Watch::Load();
  if (watch) {
    section.Add(true, of_kernel, "", "");
    for (const std::string& missing : watch->Missing()) {
      const std::size_t colon = missing.find(": ");
      section.Add(
          false, missing.substr(0, colon), colon == std::string::npos ? "" : missing.substr(colon + 2),
          "use a kernel with CONFIG_FUNCTION_TRACER, as Debian's are, or a disposable virtual machine; "
          "without it the commit limit is judged by its figures alone");
    }
  } else {
    section.Add(false, of_kernel, watch.error().message, watch.error().remedy);
  }
  const bool counters = cgroups.MemoryVersion() != CgroupVersion::kNone;
  section.Add(counters, "counters of memory cgroups", "",
              counters ? "" : "mount a memory controller: mount -t cgroup2 cgroup2 /sys/fs/cgroup");
  return section.Text();
}

std::string DescribeGuests() {
  const Accelerator accelerator = ChooseAccelerator();
  const auto kernels = ListKernels();
  std::vector<std::string> names;
  for (const GuestKernel& kernel : kernels.value_or(std::vector<GuestKernel>{})) {
    names.push_back(fmt::format("{} (Linux {})", kernel.name, kernel.release));
  }
  Section section("Guests");
  const auto programs = CheckGuestPrograms();
  section.Add(programs.has_value(), "machines of their own, for machine-wide faults (--sandbox vm)",
              programs ? "" : programs.error().message, programs ? "" : programs.error().remedy);
  const bool kvm = accelerator.name == "kvm";
  section.Add(
      kvm, "KVM", accelerator.note,
      kvm ? "" : "a machine, or a nested one, whose KVM runs guests; without it they only take longer");
  if (!kernels) {
    section.Add(false, "kernels in the cache", kernels.error().message, kernels.error().remedy);
    return section.Text();
  }
  section.Add(!names.empty(), "kernels in the cache", fmt::format("{}", fmt::join(names, ", ")),
              names.empty() ? "`brink guest fetch debian-12`" : "");
  return section.Text();
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
    Section section(fmt::format("What it can impose {}", title));
    for (const FaultProbe& probe : probes) {
      const FaultInfo* info = FindFault(probe.name);
      if (info != nullptr && info->scope == scope) {
        section.Add(probe.can_impose, probe.name, probe.reason, probe.remedy);
      }
    }
    text += section.Text();
  }
  return PrintResults(text + DescribeEvidence(*cgroups) + DescribeGuests(), kExitMet);
}

}  // namespace

void AddDoctorCommand(CLI::App& app, int& status) {
  CLI::App* command = app.add_subcommand(
      "doctor", "Say what this machine can impose and prove, what not, and the remedy for each");
  command->callback([&status] { status = Examine(); });
}

}  // namespace brink
