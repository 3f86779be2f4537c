// SPDX-License-Identifier: MIT
#include <sys/resource.h>
#include <unistd.h>

#include "faults/faults.h"
#include "kernel/files.h"
#include "kernel/rlimits.h"
#include "model/fault_table.h"

namespace brink {
namespace {

std::string InWords(const Error& error) {
  return error.remedy.empty() ? error.message : error.message + ": " + error.remedy;
}

ImposedFault Begin(const std::string& name, const std::string& target, const std::string& requested) {
  ImposedFault fault;
  fault.name = name;
  fault.target = target;
  fault.requested = requested;
  return fault;
}

/// Whether the value read back is the one asked for, allowing for what the kernel does to values by design.
bool Agrees(const std::string& name, const std::string& requested, const std::string& read_back) {
  if (requested == read_back) {
    return true;
  }
  if (name == "cpu.max") {  // "max" and "50000" leave the period as it is
    return read_back.starts_with(requested + " ");
  }
  const FaultInfo* fault = FindFault(name);
  const auto wanted = ParseNumber(requested);
  const auto have = ParseNumber(read_back);
  if (fault == nullptr || fault->unit != FaultUnit::kBytes || !wanted || !have) {
    return false;
  }
  // Limits of memory are kept in whole pages, rounded down.
  const auto page = static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  return *have <= *wanted && *wanted - *have < page;
}

void Conclude(ImposedFault& fault, bool agrees) {
  fault.in_force = agrees;
  if (!agrees && fault.error.empty()) {
    fault.error = "the kernel keeps " + fault.read_back;
  }
}

ImposedFault ImposeRlimit(int pid, const std::string& target, const RlimitSetting& setting) {
  const auto request = ParseRlimit(setting);
  ImposedFault fault = Begin(setting.name, target, request ? FormatRlimit(*request) : setting.soft);
  if (!request) {
    fault.error = InWords(request.error());
    return fault;
  }
  const auto resource = static_cast<__rlimit_resource>(request->resource);
  rlimit now = {};
  if (::prlimit(pid, resource, nullptr, &now) != 0) {
    fault.error = FailErrno("read " + setting.name).value().message;
    return fault;
  }
  const rlimit wanted = Resolve(*request, now);
  if (::prlimit(pid, resource, &wanted, nullptr) != 0) {
    const int code = errno;
    fault.error = InWords(FailErrno(setting.name + " " + fault.requested, code, RlimitRemedy(code)).value());
  }
  if (::prlimit(pid, resource, nullptr, &now) == 0) {
    fault.read_back = FormatRlimit(now);
    Conclude(fault, Matches(*request, now));
  }
  return fault;
}

ImposedFault ImposeOomScore(const Roots& roots, int pid, const std::string& target, int value) {
  ImposedFault fault = Begin("oom_score_adj", target, std::to_string(value));
  const std::string path = roots.proc + "/" + std::to_string(pid) + "/oom_score_adj";
  if (const auto status = WriteSmallFile(path, fault.requested); !status) {
    const int code = status.error().code;
    fault.error = InWords(FailErrno("oom_score_adj " + fault.requested, code, OomScoreRemedy(code)).value());
  }
  fault.read_back = ReadSmallFile(path).value_or("");
  Conclude(fault, fault.read_back == fault.requested);
  return fault;
}

ImposedFault ImposeNice(int pid, const std::string& target, int value) {
  ImposedFault fault = Begin("nice", target, std::to_string(value));
  if (::setpriority(PRIO_PROCESS, static_cast<id_t>(pid), value) != 0) {
    const int code = errno;
    fault.error = InWords(FailErrno("nice " + fault.requested, code, NiceRemedy(code)).value());
  }
  errno = 0;  // getpriority returns -1 also as a value
  const int now = ::getpriority(PRIO_PROCESS, static_cast<id_t>(pid));
  if (errno == 0) {
    fault.read_back = std::to_string(now);
  }
  Conclude(fault, fault.read_back == fault.requested);
  return fault;
}

}  // namespace

ImposedFault ImposeOnGroup(Cgroup& group, const std::string& target, const Setting& setting) {
  ImposedFault fault = Begin(setting.name, target, setting.value);
  if (const auto status = group.Set(setting.name, setting.value); !status) {
    fault.error = InWords(status.error());
    fault.read_back = group.Get(setting.name).value_or("");
    return fault;
  }
  const auto now = group.Get(setting.name);
  if (!now) {
    fault.error = InWords(now.error());
    return fault;
  }
  fault.read_back = *now;
  Conclude(fault, Agrees(setting.name, setting.value, *now));
  return fault;
}

std::vector<ImposedFault> ImposeOnProcess(const Roots& roots, int pid, const std::string& target,
                                          const SetStep::Target& change) {
  std::vector<ImposedFault> faults;
  for (const RlimitSetting& setting : change.rlimits) {
    faults.push_back(ImposeRlimit(pid, target, setting));
  }
  if (change.oom_score_adj) {
    faults.push_back(ImposeOomScore(roots, pid, target, *change.oom_score_adj));
  }
  if (change.nice) {
    faults.push_back(ImposeNice(pid, target, *change.nice));
  }
  return faults;
}

}  // namespace brink
