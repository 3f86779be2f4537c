// SPDX-License-Identifier: MIT
#include "memory_hog/own_cgroup.h"

#include <fmt/format.h>

#include <fstream>
#include <sstream>
#include <string>
#include <string_view>

#include "common/failure.h"

namespace workload {
namespace {

/// Whether the comma-separated `list` has `word`.
bool Has(std::string_view list, std::string_view word) {
  return fmt::format(",{},", list).find(fmt::format(",{},", word)) != std::string::npos;
}

/// Where the file system of this type, with this option, is mounted ("" where it is not): /proc/self/mounts
/// has "DEVICE PLACE TYPE OPTIONS 0 0".
std::string MountedAt(std::string_view type, std::string_view option) {
  std::ifstream mounts("/proc/self/mounts");
  for (std::string line; std::getline(mounts, line);) {
    std::istringstream words(line);
    std::string device;
    std::string place;
    std::string found_type;
    std::string options;
    words >> device >> place >> found_type >> options;
    if (found_type == type && (option.empty() || Has(options, option))) {
      return place;
    }
  }
  return {};
}

/// Below the mount: /proc/self/cgroup has "ID:CONTROLLERS:PATH", and no controllers for v2.
std::string OwnPath(std::string_view controller) {
  std::ifstream groups("/proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) {
      continue;
    }
    const std::string controllers = line.substr(first + 1, second - first - 1);
    if (controller.empty() ? controllers.empty() : Has(controllers, controller)) {
      return line.substr(second + 1);
    }
  }
  return {};
}

std::filesystem::path OwnGroup(std::string_view type, std::string_view controller, std::string_view version) {
  const std::string mount = MountedAt(type, controller);
  const std::string path = OwnPath(controller);
  if (mount.empty() || path.empty()) {
    throw Failure(Exit::kFailed, fmt::format("cgroup {} has no memory controller here", version));
  }
  return std::filesystem::path(mount + path).lexically_normal();
}

}  // namespace

std::filesystem::path OwnCgroupV2() { return OwnGroup("cgroup2", "", "v2"); }

std::filesystem::path OwnMemoryCgroupV1() { return OwnGroup("cgroup", "memory", "v1"); }

}  // namespace workload
