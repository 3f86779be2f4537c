// SPDX-License-Identifier: MIT
#include <charconv>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "evidence/bpf_support.h"
#include "evidence/watch.h"
#include "evidence/watch_events.h"
#include "mappings.skel.h"

namespace brink {
namespace {

Result<std::vector<ProcessMappings>> ByIterator() {
  ForwardLibbpfLog();
  const SkeletonPtr<mappings_bpf> skeleton(mappings_bpf::open_and_load());
  if (!skeleton) {
    return BpfFailure("load the BPF program that counts mappings", errno);
  }
  if (const int error = mappings_bpf::attach(skeleton.get()); error != 0) {
    return BpfFailure("attach the BPF program that counts mappings", -error);
  }
  std::vector<ProcessMappings> processes;
  const auto status = RunIterator(skeleton->links.all_processes, sizeof(brink_task), [&](auto bytes) {
    brink_task task;
    std::memcpy(&task, bytes.data(), sizeof(task));
    processes.push_back({.pid = static_cast<int>(task.pid),
                         .comm = {task.comm, strnlen(task.comm, sizeof(task.comm))},
                         .map_count = task.map_count});
  });
  if (!status) {
    return tl::unexpected(status.error());
  }
  return processes;
}

/// Reads what is there; a process that ends meanwhile, or a thread of the kernel, has no mappings and is left
/// out.
Result<std::vector<ProcessMappings>> ByReading(const std::string& proc) {
  std::error_code error;
  std::vector<ProcessMappings> processes;
  for (std::filesystem::directory_iterator entry(proc, error), end; !error && entry != end;
       entry.increment(error)) {
    const std::string name = entry->path().filename();
    int pid = 0;
    if (std::from_chars(name.data(), name.data() + name.size(), pid).ptr != name.data() + name.size()) {
      continue;
    }
    std::ifstream maps(entry->path() / "maps");
    const auto lines = std::count(std::istreambuf_iterator<char>(maps), {}, '\n');
    std::string comm;
    std::ifstream comm_file(entry->path() / "comm");
    std::getline(comm_file, comm);
    if (lines > 0) {
      processes.push_back({.pid = pid, .comm = comm, .map_count = static_cast<std::uint64_t>(lines)});
    }
  }
  if (error) {
    return FailErrno("list " + proc, error.value());
  }
  return processes;
}

}  // namespace

Result<std::vector<ProcessMappings>> AllProcessMappings(const std::string& proc) {
  if (proc == "/proc") {
    if (auto processes = ByIterator()) {
      return processes;
    }
  }
  return ByReading(proc);
}

}  // namespace brink
