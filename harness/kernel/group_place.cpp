// SPDX-License-Identifier: MIT
#include "kernel/group_place.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "kernel/files.h"

namespace brink {
namespace {

/// Where a controller is mounted, and which group the mount shows as its root.
struct Mounted {
  std::string directory;
  std::string root = "/";
};

/// Fields of a line: "36 35 98:0 ROOT MOUNT ...".
Mounted MountedAt(const Roots& roots, const std::string& directory) {
  Mounted mounted{.directory = directory};
  const std::string text = ReadSmallFile(roots.proc + "/self/mountinfo").value_or("");
  for (const std::string_view line : Split(text, '\n')) {
    const auto fields = Split(line, ' ');
    constexpr std::size_t kRoot = 3;
    constexpr std::size_t kMount = 4;
    if (fields.size() > kMount && fields[kMount] == directory) {
      mounted.root = fields[kRoot];
    }
  }
  return mounted;
}

/// The group's path below the mount; nothing where the mount does not show it.
std::optional<std::string> BelowMount(const Mounted& mounted, const std::string& path) {
  if (path.starts_with("/..")) {
    return std::nullopt;
  }
  if (mounted.root == "/") {
    return path;
  }
  const bool below = path.starts_with(mounted.root) &&
                     (path.size() == mounted.root.size() || path[mounted.root.size()] == '/');
  return below ? std::optional("/" + path.substr(std::min(path.size(), mounted.root.size() + 1)))
               : std::nullopt;
}

}  // namespace

std::optional<std::string> GroupPathOf(std::string_view cgroup_text, std::string_view controller) {
  for (const std::string_view line : Split(cgroup_text, '\n')) {
    const std::size_t first = line.find(':');
    const std::size_t second = line.find(':', first + 1);
    if (first == std::string_view::npos || second == std::string_view::npos) {
      continue;
    }
    const std::string_view list = line.substr(first + 1, second - first - 1);
    const auto controllers = Split(list, ',');
    const bool found = controller.empty() ? list.empty()
                                          : std::find(controllers.begin(), controllers.end(), controller) !=
                                                controllers.end();
    if (found) {
      return std::string(line.substr(second + 1));
    }
  }
  return std::nullopt;
}

Result<GroupPlace> PlaceOfGroup(const Roots& roots, const CgroupHost& host, std::string_view controller,
                                std::string_view cgroup_text) {
  const CgroupVersion version = host.VersionOf(controller);
  if (version == CgroupVersion::kNone) {
    return Fail(fmt::format("the cgroup controller {} is not mounted here", controller),
                "run brink where /sys/fs/cgroup is mounted");
  }
  const bool v2 = version == CgroupVersion::kV2;
  const auto path = GroupPathOf(cgroup_text, v2 ? "" : controller);
  const Mounted mounted = MountedAt(roots, host.Directory(controller, ""));
  const auto below = path ? BelowMount(mounted, *path) : std::nullopt;
  if (!below || ::access((mounted.directory + *below).c_str(), F_OK) != 0) {
    return Fail(fmt::format("its {} group {} lies outside of the groups that brink sees", controller,
                            path.value_or("?")),
                "run brink on the host itself, in its cgroup namespace");
  }
  return GroupPlace{.mount = mounted.directory, .path = *below, .v2 = v2};
}

std::optional<std::uint64_t> OwnOomKills(const Roots& roots) {
  const auto text = ReadSmallFile(roots.proc + "/self/cgroup");
  const auto host = CgroupHost::Discover(roots);
  const auto place =
      text && host ? PlaceOfGroup(roots, *host, "memory", *text) : Result<GroupPlace>(Fail("no groups"));
  if (!place) {
    return std::nullopt;
  }
  const auto events =
      ReadSmallFile(place->mount + place->path + (place->v2 ? "/memory.events" : "/memory.oom_control"));
  return events ? FindNumber(*events, "oom_kill") : std::nullopt;
}

}  // namespace brink
