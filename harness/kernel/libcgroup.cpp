// SPDX-License-Identifier: MIT
#include "kernel/libcgroup.h"

#include <libcgroup.h>

#include <memory>
#include <mutex>

namespace brink {
namespace {

struct FreeGroup {
  void operator()(cgroup* group) const { cgroup_free(&group); }
};
using GroupHandle = std::unique_ptr<cgroup, FreeGroup>;

std::mutex& LibraryMutex() {
  static std::mutex mutex;
  return mutex;
}

Status Failure(const std::string& operation, int code) {
  if (code == ECGOTHER) {
    return FailErrno(operation, cgroup_get_last_errno());
  }
  const int errno_code = code == ECGROUPNOTALLOWED ? EACCES : code == ECGROUPVALUENOTEXIST ? ENOENT : 0;
  return tl::unexpected<Error>(Error{.message = operation + ": libcgroup: " + cgroup_strerror(code),
                                     .remedy = code == ECGROUPNOTALLOWED ? "run brink as root" : "",
                                     .code = errno_code});
}

/// Reads the mount table, once: 0.5 ms.
Status Initialise() {
  static const int code = cgroup_init();
  if (code != 0) {
    return Failure("read the cgroup mounts", code);
  }
  return {};
}

}  // namespace

Status LibcgroupCreate(const std::string& path, const std::vector<std::string>& controllers) {
  const std::lock_guard lock(LibraryMutex());
  if (auto status = Initialise(); !status) {
    return status;
  }
  const std::string operation = "make group " + path;
  const GroupHandle group(cgroup_new_cgroup(path.c_str()));
  if (group == nullptr) {
    return Fail(operation + ": libcgroup refuses the name");
  }
  for (const std::string& controller : controllers) {
    if (cgroup_add_controller(group.get(), controller.c_str()) == nullptr) {
      return Fail(operation + ": libcgroup does not know the controller " + controller);
    }
  }
  // With ownership it walks and chowns every file of the group (0.2 ms); brink's groups are root's own
  // anyway.
  constexpr int kIgnoreOwnership = 1;
  if (const int code = cgroup_create_cgroup(group.get(), kIgnoreOwnership); code != 0) {
    return Failure(operation, code);
  }
  return {};
}

Status LibcgroupSet(const std::string& path, const std::string& controller, const std::string& file,
                    const std::string& value) {
  const std::lock_guard lock(LibraryMutex());
  if (auto status = Initialise(); !status) {
    return status;
  }
  const std::string operation = "set " + file + " of group " + path + " to " + value;
  const GroupHandle group(cgroup_new_cgroup(path.c_str()));
  cgroup_controller* handle =
      group == nullptr ? nullptr : cgroup_add_controller(group.get(), controller.c_str());
  if (handle == nullptr) {
    return Fail(operation + ": libcgroup refuses the name");
  }
  if (const int code = cgroup_add_value_string(handle, file.c_str(), value.c_str()); code != 0) {
    return Failure(operation, code);
  }
  if (const int code = cgroup_modify_cgroup(group.get()); code != 0) {
    return Failure(operation, code);
  }
  return {};
}

}  // namespace brink
