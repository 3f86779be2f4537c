// SPDX-License-Identifier: MIT
#include "judge/doubt.h"

#include <fmt/format.h>

#include "judge/commitments.h"
#include "judge/machine.h"
#include "judge/needs.h"
#include "judge/reason.h"

namespace brink {
namespace {

/// A step that could not be done for want of kernel evidence: what the targets did then is not what was asked
/// for.
std::optional<Doubt> DoubtOfSteps(const Plan& plan, const Evidence& evidence) {
  for (const StepRecord& step : evidence.steps) {
    const auto index = static_cast<std::size_t>(step.index);
    if (evidence.grade == EvidenceGrade::kKernel || step.skipped || index >= plan.steps.size()) {
      continue;
    }
    const std::string need = NeedsKernelEvidence(plan, plan.steps[index]);
    if (!need.empty()) {
      return Doubt{.reason = fmt::format("step {}: {}: {}", index + 1, step.text, need),
                   .remedy = "get kernel evidence: " + evidence.grade_reason};
    }
  }
  return std::nullopt;
}

std::optional<Doubt> DoubtOfGuestsDisk(const Evidence& evidence) {
  if (!evidence.guest || evidence.guest->host_disk_error.empty()) {
    return std::nullopt;
  }
  return Doubt{.reason =
                   "the host could not keep what the guest wrote to its disk, which lies in the folder "
                   "of --out: " +
                   evidence.guest->host_disk_error,
               .remedy = "give --out a folder with more room"};
}

/// Of a guest that the host took away.
std::optional<Doubt> DoubtOfGuest(const Evidence& evidence) {
  if (auto doubt = DoubtOfGuestsDisk(evidence); doubt || !LostByHost(evidence)) {
    return doubt;
  }
  const auto loss = LossOfMachine(evidence);
  return Doubt{.reason = loss->reason, .remedy = loss->remedy};
}

}  // namespace

std::optional<Doubt> DoubtOfCase(const Plan& plan, const Evidence& evidence) {
  if (plan.not_runnable) {
    return Doubt{.reason = *plan.not_runnable, .remedy = plan.not_runnable_remedy};
  }
  if (auto doubt = DoubtOfGuest(evidence)) {
    return doubt;
  }
  if (!evidence.harness_error.empty()) {
    return Doubt{.reason = "brink itself failed: " + evidence.harness_error, .remedy = ""};
  }
  if (evidence.interrupted) {
    return Doubt{.reason = "the run was interrupted before the case ended", .remedy = "run it again"};
  }
  for (const ImposedFault& fault : evidence.faults) {
    if (!fault.in_force) {
      return Doubt{.reason = DescribeFault(fault),
                   .remedy = "`brink doctor` tells what this machine can impose"};
    }
  }
  if (const auto drift = CommitDriftOf(evidence); drift && drift->decides) {
    return Doubt{.reason = DescribeDrift(*drift), .remedy = "run it again when the machine is quiet"};
  }
  return DoubtOfSteps(plan, evidence);
}

}  // namespace brink
