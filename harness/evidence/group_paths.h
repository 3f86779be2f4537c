// SPDX-License-Identifier: MIT
// From the number by which the kernel knows a cgroup to its path.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/unique_fd.h"

namespace brink {

/// Resolves the groups of one controller. The number is the inode of the group's directory, and also its file
/// handle, so no tree is walked (needs CAP_DAC_READ_SEARCH). Remembers what it found. Not thread-safe.
class GroupPaths {
 public:
  /// `controller`: "memory" or "pids"; its v1 hierarchy where there is one, else v2. `mountinfo`: text of
  /// /proc/self/mountinfo.
  GroupPaths(std::string_view controller, std::string_view mountinfo);

  /// The path below the controller's mount, without a leading slash; "" for the root, and for a group that is
  /// gone.
  [[nodiscard]] std::string Resolve(std::uint64_t id);

  /// Where the controller is mounted; "" when it is not.
  [[nodiscard]] const std::string& Mount() const { return mount_; }

 private:
  std::string mount_;
  UniqueFd mount_fd_;
  std::map<std::uint64_t, std::string> known_;
};

}  // namespace brink
