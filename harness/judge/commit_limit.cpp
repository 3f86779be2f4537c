// SPDX-License-Identifier: MIT
#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>

#include "base/saturating.h"
#include "base/units.h"
#include "judge/candidates.h"

namespace brink {
namespace {

/// What was promised when the call failed.
struct Committed {
  std::uint64_t bytes = 0;
  bool estimated = false;
};

/// A process that ended before Committed_AS was read had given back its promises: its private writable memory
/// is counted in again. It may not have given back all of it yet, but more than the limit was never promised.
Committed CommittedAt(const FailedCall& call) {
  const MachineFigures& machine = call.machine;
  if (!call.machine_without_it || machine.overcommit_memory != 2) {
    return {.bytes = machine.committed_as_bytes};
  }
  const std::uint64_t with_it =
      SaturatingSum(machine.committed_as_bytes, SaturatingSum(call.data_vm_bytes, call.stack_vm_bytes));
  return {.bytes = std::max(machine.committed_as_bytes, std::min(with_it, machine.commit_limit_bytes)),
          .estimated = true};
}

/// mm/util.c __vm_enough_memory(): what mode 2 keeps back of the commit limit from this process; root's
/// processes may use the administrator's part, and who is one is not known exactly.
std::uint64_t KeptBack(const FailedCall& call) {
  return SaturatingSum(call.machine.admin_reserve_bytes,
                       std::min(call.total_vm_bytes / 32, call.machine.user_reserve_bytes));
}

constexpr std::string_view kEstimated =
    "; the process had ended before Committed_AS was read, and its own part is counted in again";

}  // namespace

BindingLimit CommitLimitOf(const FailedCall& call, const Request& request) {
  const MachineFigures& machine = call.machine;
  const std::string what = request.family == CallFamily::kFork
                               ? fmt::format("{} charges the parent's {} of private memory anew", call.call,
                                             FormatBytes(request.bytes))
                               : DescribeRequest(call, request);
  if (machine.overcommit_memory == 2) {
    const Committed committed = CommittedAt(call);
    return BindingLimit{
        .name = "commit_limit",
        .limit = machine.commit_limit_bytes,
        .use = committed.bytes,
        .unit = "bytes",
        .detail = what + fmt::format(" (vm.overcommit_memory=2, up to {} are kept back{})",
                                     FormatBytes(KeptBack(call)), committed.estimated ? kEstimated : "")};
  }
  const std::uint64_t whole = SaturatingSum(machine.memory_total_bytes, machine.swap_total_bytes);
  return BindingLimit{
      .name = "commit_limit",
      .limit = whole,
      .use = machine.committed_as_bytes,
      .unit = "bytes",
      .detail =
          what + fmt::format("; vm.overcommit_memory={} refuses a single mapping larger than memory and "
                             "swap together ({})",
                             machine.overcommit_memory, FormatBytes(whole))};
}

/// mm/util.c __vm_enough_memory().
void AddCommitLimit(const FailedCall& call, const Request& request, Candidates& out) {
  const MachineFigures& machine = call.machine;
  if (call.errno_name != "ENOMEM" || !request.accounted || call.overcommit_refused == false) {
    return;
  }
  if (machine.overcommit_memory == 2 && machine.commit_limit_bytes > 0) {
    const std::uint64_t request_bytes = request.bytes_known ? request.bytes : kUnknownRequest;
    const Committed committed = CommittedAt(call);
    const std::uint64_t wanted = SaturatingSum(committed.bytes, request_bytes);
    if (SaturatingSum(wanted, KeptBack(call)) > machine.commit_limit_bytes) {
      const bool certain = request.bytes_known && !committed.estimated && wanted > machine.commit_limit_bytes;
      out.push_back(Candidate{.limit = CommitLimitOf(call, request), .certain = certain});
    }
  }
  const std::uint64_t whole = SaturatingSum(machine.memory_total_bytes, machine.swap_total_bytes);
  if (machine.overcommit_memory == 0 && whole > 0 && !request.no_reserve && request.bytes > whole) {
    // fork asks for each mapping by itself, so its sum being too large proves nothing.
    out.push_back(
        Candidate{.limit = CommitLimitOf(call, request), .certain = request.family != CallFamily::kFork});
  }
}

}  // namespace brink
