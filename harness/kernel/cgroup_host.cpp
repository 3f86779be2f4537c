// SPDX-License-Identifier: MIT
// Which controller is mounted where. Source: cgroups(7), /proc/PID/mounts in proc(5).
#include <unistd.h>

#include <algorithm>
#include <array>

#include "kernel/cgroup.h"
#include "kernel/files.h"

namespace brink {
namespace {

/// The controllers that brink knows how to use; hugetlb only as an extra one.
constexpr std::array<std::string_view, 5> kControllers = {"memory", "pids", "cpu", "cpuset", "hugetlb"};

/// Mount points have blanks and backslashes as octal escapes: "\040".
std::string Unescape(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto is_octal = [&](std::size_t at) {
      return at < text.size() && text[at] >= '0' && text[at] <= '7';
    };
    if (text[i] == '\\' && is_octal(i + 1) && is_octal(i + 2) && is_octal(i + 3)) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

bool Known(std::string_view controller) {
  return std::find(kControllers.begin(), kControllers.end(), controller) != kControllers.end();
}

}  // namespace

Result<CgroupHost> CgroupHost::Discover(const Roots& roots) {
  const auto mounts = ReadSmallFile(roots.proc + "/self/mounts");
  if (!mounts) {
    return Within("find the cgroup mounts", mounts.error());
  }
  CgroupHost host;
  const auto add = [&host](std::string_view controller, const std::string& mount, CgroupVersion version) {
    // A hierarchy may be mounted twice; the first place is as good as the second.
    if (Known(controller) && host.VersionOf(controller) == CgroupVersion::kNone) {
      host.hierarchies_.push_back(
          {.controller = std::string(controller), .mount = mount, .version = version});
    }
  };
  for (const std::string_view line : Split(*mounts, '\n')) {
    const auto fields = Split(line, ' ');
    if (fields.size() < 4) {
      continue;
    }
    const std::string mount = Unescape(fields[1]);
    if (fields[2] == "cgroup") {
      for (const std::string_view option : Split(fields[3], ',')) {
        add(option, mount, CgroupVersion::kV1);
      }
    } else if (fields[2] == "cgroup2") {
      const std::string available = ReadSmallFile(mount + "/cgroup.controllers").value_or("");
      for (const std::string_view controller : Split(available, ' ')) {
        add(controller, mount, CgroupVersion::kV2);
      }
    }
  }
  return host;
}

CgroupVersion CgroupHost::MemoryVersion() const { return VersionOf("memory"); }

CgroupVersion CgroupHost::VersionOf(std::string_view controller) const {
  for (const Hierarchy& hierarchy : hierarchies_) {
    if (hierarchy.controller == controller) {
      return hierarchy.version;
    }
  }
  return CgroupVersion::kNone;
}

std::string CgroupHost::Directory(std::string_view controller, std::string_view group) const {
  for (const Hierarchy& hierarchy : hierarchies_) {
    if (hierarchy.controller == controller) {
      return group.empty() ? hierarchy.mount : hierarchy.mount + "/" + std::string(group);
    }
  }
  return {};
}

std::vector<std::string> CgroupHost::Mounts() const {
  std::vector<std::string> mounts;
  for (const Hierarchy& hierarchy : hierarchies_) {
    if (std::find(mounts.begin(), mounts.end(), hierarchy.mount) == mounts.end()) {
      mounts.push_back(hierarchy.mount);
    }
  }
  return mounts;
}

bool CgroupHost::MayMakeGroups() const {
  const std::string place = Directory("memory", "");
  return !place.empty() && ::access(place.c_str(), W_OK | X_OK) == 0;
}

}  // namespace brink
