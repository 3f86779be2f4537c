// SPDX-License-Identifier: MIT
// Reads a living process without holding it up: no file that takes its mmap lock (maps, smaps) is opened, but
// for the count of mappings where BPF is not to be had.
// Sources: proc(5), Documentation/filesystems/proc.rst, Documentation/admin-guide/cgroup-v{1,2}.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "kernel/process_mappings.h"
#include "kernel/roots.h"
#include "model/living.h"

namespace brink {

/// A process that goes by a name.
struct NamedProcess {
  int pid = 0;
  std::string command;  // as it was started, or its name
};

/// All processes but brink itself whose kernel name is `name`, or whose program file or first word of their
/// command line is, with its folder or without.
[[nodiscard]] Result<std::vector<NamedProcess>> FindProcesses(const Roots& roots, std::string_view name);

/// Where the mappings of all processes come from; CountProcessMappingsByKernel(), or a test's own.
using AllMappings = std::function<Result<std::vector<ProcessMappings>>()>;

/// Everything of LivingProcess. Fails with ESRCH when there is no such process, when it is a thread of the
/// kernel or of a process, a zombie, or ends meanwhile. What brink may not read is in `unread`.
[[nodiscard]] Result<LivingProcess> ReadLivingProcess(const Roots& roots, int pid,
                                                      const AllMappings& count_by_kernel);

}  // namespace brink
