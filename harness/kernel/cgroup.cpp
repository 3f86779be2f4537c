// SPDX-License-Identifier: MIT
#include "kernel/cgroup.h"

#include <fcntl.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "kernel/cgroup_tree.h"
#include "kernel/files.h"
#include "kernel/libcgroup.h"

namespace brink {
namespace {

Status CheckController(const CgroupHost& host, const std::string& controller) {
  if (host.VersionOf(controller) != CgroupVersion::kNone) {
    return {};
  }
  return Fail("no cgroup hierarchy has the controller " + controller,
              "mount it (cgroup v1: mount -t cgroup -o " + controller + " cgroup /sys/fs/cgroup/" +
                  controller + "), or boot without cgroup_disable=" + controller);
}

/// v1: a new cpuset has neither processors nor memory nodes and refuses every process until it has both.
Status FillCpuset(const CgroupHost& host, std::string_view path) {
  std::string directory = host.Directory("cpuset", "");
  for (const std::string_view part : Split(path, '/')) {
    const std::string parent = directory;
    directory += "/" + std::string(part);
    for (const char* file : {"/cpuset.cpus", "/cpuset.mems"}) {
      const auto own = ReadSmallFile(directory + file);
      const auto inherited = ReadSmallFile(parent + file);
      if (!inherited) {
        return Within("copy the parent's cpuset", inherited.error());
      }
      // Raw writes: the parents may be groups that libcgroup made on the way, without handles of their own.
      if (!own || Trim(*own).empty()) {
        if (auto status = WriteSmallFile(directory + file, *inherited); !status) {
          return status;
        }
      }
    }
  }
  return {};
}

/// v1 before 5.11: the limit of a group covers the groups below it only with use_hierarchy, which new groups
/// inherit.
Status UseHierarchy(const std::string& directory) {
  const std::string file = directory + "/memory.use_hierarchy";
  if (ReadNumber(file) != 0) {
    return {};  // on, or a kernel that knows nothing else
  }
  return WriteSmallFile(file, "1");
}

Error WithRightsRemedy(Error error) {
  if (error.remedy.empty() && (error.code == EACCES || error.code == EPERM || error.code == EROFS)) {
    error.remedy =
        "run brink as root on a host whose cgroup mounts are writable (in a container: --privileged)";
  }
  if (error.remedy.empty() && error.code == EBUSY) {
    error.remedy =
        "cgroup v2: the parent group holds processes itself; start brink from a group of its own, for "
        "example with "
        "systemd-run --scope -p Delegate=yes";
  }
  return error;
}

}  // namespace

Result<Cgroup> Cgroup::Create(const CgroupHost& host, std::string path,
                              const std::vector<std::string>& extra_controllers) {
  if (auto status = CheckOwnPath(path); !status) {
    return tl::unexpected(status.error());
  }
  std::vector<std::string> controllers = {"memory", "pids"};
  for (const std::string& extra : extra_controllers) {
    if (std::find(controllers.begin(), controllers.end(), extra) == controllers.end()) {
      controllers.push_back(extra);
    }
  }
  Cgroup group;
  for (const std::string& controller : controllers) {
    if (auto status = CheckController(host, controller); !status) {
      return Within("make group " + path, status.error());
    }
    const std::string directory = host.Directory(controller, path);
    if (std::find(group.directories_.begin(), group.directories_.end(), directory) ==
        group.directories_.end()) {
      group.directories_.push_back(directory);
    }
  }
  if (::access(group.directories_.front().c_str(), F_OK) == 0) {
    return Fail("make group " + path + ": it exists already",
                "`brink restore` removes what a killed brink left");
  }
  group.host_ = &host;
  group.path_ = std::move(path);
  group.removed_ = false;  // from here on the destructor removes what a failure leaves half made
  if (auto status = LibcgroupCreate(group.path_, controllers); !status) {
    return tl::unexpected(WithRightsRemedy(status.error()));
  }
  if (host.MemoryVersion() == CgroupVersion::kV1) {
    if (auto status = UseHierarchy(group.directories_.front()); !status) {
      return Within("make group " + group.path_, status.error());
    }
  }
  const bool has_cpuset = std::find(controllers.begin(), controllers.end(), "cpuset") != controllers.end();
  if (has_cpuset && host.VersionOf("cpuset") == CgroupVersion::kV1) {
    if (auto status = FillCpuset(host, group.path_); !status) {
      return Within("make group " + group.path_, status.error());
    }
  }
  return group;
}

Cgroup::Cgroup(Cgroup&& other) noexcept
    : host_(other.host_),
      path_(std::move(other.path_)),
      directories_(std::move(other.directories_)),
      most_memory_read_(other.most_memory_read_),
      removed_(std::exchange(other.removed_, true)) {}

Cgroup& Cgroup::operator=(Cgroup&& other) noexcept {
  if (this != &other) {
    if (!removed_) {
      if (auto status = Remove(); !status) {
        spdlog::error("{}", status.error().message);
      }
    }
    host_ = other.host_;
    path_ = std::move(other.path_);
    most_memory_read_ = other.most_memory_read_;
    directories_ = std::move(other.directories_);
    removed_ = std::exchange(other.removed_, true);
  }
  return *this;
}

Cgroup::~Cgroup() {
  if (!removed_) {
    if (auto status = Remove(); !status) {
      spdlog::error("{}", status.error().message);
    }
  }
}

std::uint64_t Cgroup::MemoryId() const {
  struct stat info {};
  const std::string directory = host_->Directory("memory", path_);
  return ::stat(directory.c_str(), &info) == 0 ? info.st_ino : 0;
}

std::vector<int> Cgroup::Pids() const { return ProcessesBelow(directories_); }

Result<std::vector<UniqueFd>> Cgroup::JoinFds() const {
  std::vector<UniqueFd> fds;
  for (const std::string& directory : directories_) {
    const std::string file = directory + "/cgroup.procs";
    UniqueFd fd(::open(file.c_str(), O_WRONLY | O_CLOEXEC));
    if (!fd.Valid()) {
      return FailErrno("open " + file);
    }
    fds.push_back(std::move(fd));
  }
  return fds;
}

Status Cgroup::Kill(double timeout_s) {
  // The group goes on being used (a process is started again in it), so what the kill changes is put back.
  const std::string pids_file = host_->Directory("pids", path_) + "/pids.max";
  const auto pids_max = ReadSmallFile(pids_file);
  const auto oom_disabled = Get("memory.oom_kill_disable");
  if (auto status = KillGroup(*host_, path_, timeout_s); !status) {
    return status;
  }
  if (pids_max) {
    if (auto status = WriteSmallFile(pids_file, *pids_max); !status) {
      return Within("after the kill", status.error());
    }
  }
  return oom_disabled && *oom_disabled == "1" ? Set("memory.oom_kill_disable", "1") : Status{};
}

Status Cgroup::Remove(double timeout_s) {
  if (removed_) {
    return {};
  }
  auto status = RemoveGroupTree(*host_, path_, timeout_s);
  removed_ = status.has_value();
  return status;
}

}  // namespace brink
