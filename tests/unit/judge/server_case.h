// SPDX-License-Identifier: MIT
// A case with one process, and what was seen of it when it went on for half a second.
#pragma once

#include "judge/judge.h"

namespace brink::testing {

inline Plan ServerPlan() {
  Plan plan;
  plan.scenario = "s";
  plan.case_name = "c";
  plan.processes.push_back({.name = "server", .argv = {"/bin/server"}, .group = "server"});
  return plan;
}

inline Evidence ServerEvidence(int exit_code) {
  Evidence evidence;
  evidence.grade = EvidenceGrade::kKernel;
  evidence.duration_s = 1;
  ProcessRecord record;
  record.name = "server";
  record.pid = 7;
  record.started = true;
  record.ready = true;
  record.end_s = 0.5;
  record.exit_code = exit_code;
  evidence.processes.push_back(record);
  return evidence;
}

/// mmap fails for it by RLIMIT_AS.
inline FailedCall AddressSpaceFailure(double t_s) {
  FailedCall call;
  call.process = "server";
  call.pid = 7;
  call.call = "mmap";
  call.errno_name = "ENOMEM";
  call.args = {0, 1 << 20, 1, 0x22, UINT64_MAX, 0};
  call.t_s = t_s;
  call.total_vm_bytes = 100 << 20;
  call.limits.as = 100 << 20;
  return call;
}

}  // namespace brink::testing
