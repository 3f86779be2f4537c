// SPDX-License-Identifier: MIT
#include "evidence/mappings.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cstring>
#include <iterator>
#include <mutex>
#include <set>

#include "evidence/bpf_support.h"
#include "evidence/watch_events.h"
#include "mappings.skel.h"

namespace brink {
Result<std::vector<ProcessMappings>> CountProcessMappingsByKernel() {
  ForwardLibbpfLog();
  const SkeletonPtr<mappings_bpf> skeleton(mappings_bpf::open_and_load());
  if (!skeleton) {
    return BpfFailure("load the BPF program that counts mappings", errno);
  }
  if (const int error = mappings_bpf::attach(skeleton.get()); error != 0) {
    return BpfFailure("attach the BPF program that counts mappings", -error);
  }
  std::vector<ProcessMappings> processes;
  const auto status = RunIterator(skeleton->links.all_processes, sizeof(brink_mapped), [&](auto bytes) {
    brink_mapped task;
    std::memcpy(&task, bytes.data(), sizeof(task));
    processes.push_back({.pid = static_cast<int>(task.pid),
                         .comm = {task.comm, strnlen(task.comm, sizeof(task.comm))},
                         .map_count = task.map_count,
                         .passed_over = task.passed_over != 0});
  });
  if (!status) {
    return tl::unexpected(status.error());
  }
  return processes;
}

Result<std::vector<ProcessMappings>> AddLeftOut(const Roots& roots, std::uint64_t least,
                                                std::vector<ProcessMappings> counted,
                                                std::vector<std::string>& untold) {
  std::set<int> known;
  std::transform(counted.begin(), counted.end(), std::inserter(known, known.end()),
                 [](const ProcessMappings& process) { return process.pid; });
  const auto looked = ForEachProcess(roots, [&](int pid) -> Status {
    if (known.contains(pid)) {
      return {};
    }
    if (auto process = ReadMappingsOf(roots, pid, least)) {
      counted.push_back(*std::move(process));
    } else {
      untold.push_back(fmt::format("process {}: {}", pid, process.error().message));
    }
    return {};
  });
  if (!looked) {
    return tl::unexpected(looked.error());
  }
  std::erase_if(counted, [&](const ProcessMappings& process) { return process.map_count < least; });
  return counted;
}

Result<std::vector<ProcessMappings>> CountProcessMappings(const Roots& roots, std::uint64_t least) {
  auto read = ReadProcessMappings(roots, least);
  if (read) {
    return read;
  }
  auto counted = CountProcessMappingsByKernel();
  if (!counted) {
    return read;  // that is why nothing is known, and what can be mended
  }
  std::vector<std::string> untold;
  auto all = AddLeftOut(roots, least, *std::move(counted), untold);
  static std::once_flag told;  // it would be the same words for every case
  if (!untold.empty()) {
    std::call_once(told, [&] {
      spdlog::warn(
          "neither /proc nor the kernel's list of tasks tells whether {} or more mappings are held by {}",
          least, fmt::join(untold, "; "));
    });
  }
  return all;
}

}  // namespace brink
