// SPDX-License-Identifier: MIT
#include "kernel/launch_proof.h"

#include <unistd.h>

#include <array>
#include <cstring>

#include "kernel/files.h"
#include "kernel/launch_child.h"

namespace brink {
namespace {

/// The directory of a cgroup.procs descriptor.
std::string GroupOf(int join_fd) {
  std::array<char, 4096> path;
  const ssize_t length =
      ::readlink(("/proc/self/fd/" + std::to_string(join_fd)).c_str(), path.data(), path.size());
  std::string text(path.data(), length < 0 ? 0 : static_cast<std::size_t>(length));
  constexpr std::string_view kFile = "/cgroup.procs";
  if (text.ends_with(kFile)) {
    text.resize(text.size() - kFile.size());
  }
  return text;
}

std::string RemedyOfExec(int code) {
  switch (code) {
    case ENOENT:
      return "no such program (or its interpreter is missing): install it, or correct `run`";
    case EACCES:
      return "it is not executable for this user: chmod +x, or the file system is mounted noexec";
    case ENOEXEC:
      return "not a program for this machine; a script needs a first line such as #!/bin/sh";
    case E2BIG:
      return "arguments and environment exceed a quarter of RLIMIT_STACK";
    case ENOMEM:
    case EAGAIN:
      return "a limit imposed on the process leaves no room for exec itself";
    default:
      return "";
  }
}

std::string RemedyOfJoin(int code) {
  switch (code) {
    case ENOSPC:
      return "the group's cpuset is empty: set cpuset.cpus";
    case EBUSY:
      return "cgroup v2: a group with groups below it that have controllers may hold no process";
    case ENODEV:
      return "the group was removed meanwhile";
    default:
      return "";
  }
}

ImposedFault Fault(std::string name, std::string requested = {}, std::string read_back = {}) {
  ImposedFault fault;
  fault.name = std::move(name);
  fault.requested = std::move(requested);
  fault.read_back = std::move(read_back);
  return fault;
}

struct Refusal {
  ImposedFault fault;
  std::string remedy;
};

/// What could not be done, as a fault with its error.
Refusal Describe(const LaunchSpec& spec, const std::vector<RlimitRequest>& rlimits,
                 const ChildRecord& record) {
  const auto index = static_cast<std::size_t>(record.index);
  switch (record.step) {
    case ChildStep::kSharedMemory:
      return {Fault("enter the case's own shared memory"), ""};
    case ChildStep::kImage:
      return {Fault(RootChange(*spec.image).Describe(record.index)), ImageRootRemedy(record.error)};
    case ChildStep::kJoin:
      return {Fault("cgroup", GroupOf(spec.join_fds[index])), RemedyOfJoin(record.error)};
    case ChildStep::kNice:
      return {Fault("nice", std::to_string(spec.nice.value_or(0))), NiceRemedy(record.error)};
    case ChildStep::kOomScore:
      return {Fault("oom_score_adj", std::to_string(spec.oom_score_adj.value_or(0))),
              OomScoreRemedy(record.error)};
    case ChildStep::kRlimit:
      return {Fault(spec.rlimits[index].name, FormatRlimit(rlimits[index])), RlimitRemedy(record.error)};
    case ChildStep::kUser:
      return {Fault("user", spec.user), "run brink as root"};
    case ChildStep::kCwd:
      return {Fault("cwd", spec.cwd), "the folder must exist and be open to the target's user"};
    case ChildStep::kExec:
      return {Fault("exec", spec.argv.front()), RemedyOfExec(record.error)};
    case ChildStep::kRegister:
      return {Fault("register with the evidence"), ""};
    case ChildStep::kOutput:
      return {Fault("connect the output"), ""};
    case ChildStep::kGroups:
      return {Fault("read /proc/self/cgroup"), ""};
    case ChildStep::kSession:
    case ChildStep::kReady:
      break;
  }
  return {Fault("start a session"), ""};
}

bool IsFault(ChildStep step) {
  return step == ChildStep::kJoin || step == ChildStep::kNice || step == ChildStep::kOomScore ||
         step == ChildStep::kRlimit;
}

tl::unexpected<Error> GaveUp(const LaunchSpec& spec, const std::vector<RlimitRequest>& rlimits,
                             const ChildRecord& record, std::vector<ImposedFault>& proof) {
  Refusal failure = Describe(spec, rlimits, record);
  const std::string what =
      failure.fault.name + (failure.fault.requested.empty() ? "" : " " + failure.fault.requested);
  auto error = FailErrno(what, record.error, failure.remedy);
  if (IsFault(record.step)) {
    failure.fault.error = error.value().message + (failure.remedy.empty() ? "" : ": " + failure.remedy);
    proof.push_back(std::move(failure.fault));
  }
  return error;
}

/// One fault per group joined: in force when the child found itself in it.
void ProveGroups(const LaunchSpec& spec, std::string_view groups, std::vector<ImposedFault>& proof) {
  for (const int fd : spec.join_fds) {
    ImposedFault fault = Fault("cgroup", GroupOf(fd));
    for (const std::string_view line : Split(groups, '\n')) {
      // "4:memory:/brink-1/case", on v2 "0::/brink-1/case"
      const std::size_t at = line.find(":/");
      const std::string_view path = at == std::string_view::npos ? "" : line.substr(at + 1);
      if (path.size() > 1 && fault.requested.ends_with(path)) {
        fault.read_back = path;
        fault.in_force = true;
        break;
      }
    }
    if (!fault.in_force) {
      fault.error = "the process does not find itself in the group";
    }
    proof.push_back(std::move(fault));
  }
}

ImposedFault Prove(std::string name, std::string requested, std::string read_back) {
  ImposedFault fault = Fault(std::move(name), std::move(requested), std::move(read_back));
  fault.in_force = fault.requested == fault.read_back;
  if (!fault.in_force) {
    fault.error = "the kernel keeps " + fault.read_back;
  }
  return fault;
}

void ProveValue(const LaunchSpec& spec, const std::vector<RlimitRequest>& rlimits, const ChildRecord& record,
                std::vector<ImposedFault>& proof) {
  if (record.step == ChildStep::kNice) {
    proof.push_back(Prove("nice", std::to_string(spec.nice.value_or(0)), std::to_string(record.value)));
  } else if (record.step == ChildStep::kOomScore) {
    proof.push_back(
        Prove("oom_score_adj", std::to_string(spec.oom_score_adj.value_or(0)), std::to_string(record.value)));
  } else if (record.step == ChildStep::kRlimit) {
    const auto index = static_cast<std::size_t>(record.index);
    const rlimit limit{.rlim_cur = record.soft, .rlim_max = record.hard};
    ImposedFault fault = Prove(spec.rlimits[index].name, FormatRlimit(rlimits[index]), FormatRlimit(limit));
    fault.in_force = Matches(rlimits[index], limit);
    fault.error = fault.in_force ? "" : fault.error;
    proof.push_back(std::move(fault));
  }
}

}  // namespace

Status ReadProof(const LaunchSpec& spec, const std::vector<RlimitRequest>& rlimits, std::string_view report,
                 std::vector<ImposedFault>& proof) {
  bool ready = false;
  while (report.size() >= sizeof(ChildRecord)) {
    ChildRecord record;
    std::memcpy(&record, report.data(), sizeof(record));
    report.remove_prefix(sizeof(record));
    if (record.error != 0) {
      return GaveUp(spec, rlimits, record, proof);
    }
    if (record.step == ChildStep::kGroups) {
      const auto length = static_cast<std::size_t>(record.value);
      ProveGroups(spec, report.substr(0, length), proof);
      report.remove_prefix(std::min(length, report.size()));
    } else {
      ProveValue(spec, rlimits, record, proof);
    }
    ready = ready || record.step == ChildStep::kReady;
  }
  if (!ready) {
    return Fail("it was killed before exec",
                "its memory limit may be too small for a process to start (1 MiB suffices for most)");
  }
  for (const ImposedFault& fault : proof) {
    if (!fault.in_force) {
      return Fail(fault.name + " " + fault.requested + ": " + fault.error);
    }
  }
  return {};
}

}  // namespace brink
