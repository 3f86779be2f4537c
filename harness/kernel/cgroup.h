// SPDX-License-Identifier: MIT
// Control groups of both versions behind cgroup v2's names, through libcgroup.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/unique_fd.h"
#include "kernel/roots.h"
#include "model/evidence.h"

namespace brink {

enum class CgroupVersion { kNone, kV1, kV2 };

/// What the host offers: where each controller is mounted and by which version. Found once per run.
class CgroupHost {
 public:
  /// Fails only when /proc/self/mounts cannot be read. `roots.sys` is prefixed to nothing: mount points are
  /// taken as they are; tests give a fake /proc.
  [[nodiscard]] static Result<CgroupHost> Discover(const Roots& roots);

  [[nodiscard]] CgroupVersion MemoryVersion() const;
  /// The version that has this controller; kNone when no mounted hierarchy does.
  [[nodiscard]] CgroupVersion VersionOf(std::string_view controller) const;
  /// Absolute directory of a group ("brink-1/case") in that controller's hierarchy; empty when it is not
  /// mounted.
  [[nodiscard]] std::string Directory(std::string_view controller, std::string_view group) const;
  /// Every mounted hierarchy that brink uses, as mount directories without duplicates (v2: one).
  [[nodiscard]] std::vector<std::string> Mounts() const;
  /// Whether this process may make groups where the memory controller is: not where nobody mounted it, and
  /// not in a container that has it read-only, though its user is root.
  [[nodiscard]] bool MayMakeGroups() const;

 private:
  struct Hierarchy {
    std::string controller;
    std::string mount;
    CgroupVersion version = CgroupVersion::kNone;
  };
  std::vector<Hierarchy> hierarchies_;
};

/// Memory and pids counters of a group, as the kernel has them now. Absent where the host has no such
/// counter.
struct CgroupCounters {
  std::optional<std::uint64_t> memory_use;
  std::optional<std::uint64_t> memory_limit;  // absent: none
  std::optional<std::uint64_t> memory_peak;
  std::optional<std::uint64_t> oom_kills;
  std::optional<std::uint64_t> limit_hits;
  std::optional<std::uint64_t> throttled_high;
  std::optional<bool> under_oom;
  std::optional<std::uint64_t> pids_use;
  std::optional<std::uint64_t> pids_refused;
};

/// What takes the kernel a sum over all processors' counts to tell: not for a loop. With all groups below.
struct CgroupStat {
  /// For files of a tmpfs and shared memory; absent where the kernel does not tell, as the next.
  std::optional<std::uint64_t> shmem_bytes;
  std::optional<std::uint64_t> file_bytes;  // for other files, in the page cache
  /// Since the group was made: pages of files or swapped out that had been reclaimed and were needed again
  /// (workingset_refault of memory.stat).
  std::uint64_t refaulted_pages = 0;
  /// Seconds since then in which tasks of it waited for memory and none had anything else to do ("full" of
  /// memory.pressure). Absent on v1 and without CONFIG_PSI.
  std::optional<double> stalled_s;
};

/// One group that brink made, in every hierarchy it needs. Thread-compatible.
class Cgroup {
 public:
  /// Makes `path` ("brink-123/case/server"; the parent must exist) in memory, pids and the controllers named.
  /// On v2 it enables them in the parents' cgroup.subtree_control. Errors carry the remedy (no root, not
  /// delegated, no controller).
  [[nodiscard]] static Result<Cgroup> Create(const CgroupHost& host, std::string path,
                                             const std::vector<std::string>& extra_controllers = {});
  Cgroup(Cgroup&&) noexcept;
  Cgroup& operator=(Cgroup&&) noexcept;
  Cgroup(const Cgroup&) = delete;
  Cgroup& operator=(const Cgroup&) = delete;
  /// Logs and gives up what Remove() would have reported.
  ~Cgroup();

  [[nodiscard]] const std::string& Path() const { return path_; }
  /// Inode of the group's directory in the memory hierarchy: what BPF reports as the cgroup's id.
  [[nodiscard]] std::uint64_t MemoryId() const;

  /// Sets a fault of the table by its v2 name, in the fault's unit; "max" lifts it. On v1 maps it
  /// (memory.swap.max: in the order the kernel demands). Fails with a remedy where the host's version has no
  /// equivalent: "needs cgroup v2".
  [[nodiscard]] Status Set(std::string_view name, std::string_view value);
  /// Reads it back, in the same unit and words ("max"; v1's 9223372036854771712 is "max").
  [[nodiscard]] Result<std::string> Get(std::string_view name) const;

  /// Where the kernel keeps no peak of memory (v2 before 5.19), that is the most that was ever read here.
  [[nodiscard]] CgroupCounters Counters();
  [[nodiscard]] CgroupStat Stat() const;
  [[nodiscard]] std::vector<int> Pids() const;  // of this group and all below

  /// Open cgroup.procs (v1: one per hierarchy) for writing: a child writes "0" to each between fork and exec.
  [[nodiscard]] Result<std::vector<UniqueFd>> JoinFds() const;

  /// Kills everything in it and below, until nothing is left: pids.max 0 first, so that a fork bomb loses;
  /// cgroup.kill where there is one. Bounded by timeout_s; names the survivors when it passes.
  [[nodiscard]] Status Kill(double timeout_s = 10);
  /// Kill, then rmdir below and here, in every hierarchy.
  [[nodiscard]] Status Remove(double timeout_s = 10);

 private:
  Cgroup() = default;
  const CgroupHost* host_ = nullptr;
  std::string path_;
  std::vector<std::string> directories_;
  std::uint64_t most_memory_read_ = 0;
  bool removed_ = true;
};

/// Removes a whole tree of groups by path ("brink-123") in every hierarchy, killing what is in it: for the
/// guardian and `brink restore`, which did not make it.
[[nodiscard]] Status RemoveGroupTree(const CgroupHost& host, std::string_view path, double timeout_s = 10);

}  // namespace brink
