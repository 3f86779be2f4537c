// SPDX-License-Identifier: MIT
#include "evidence/group_paths.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <sstream>
#include <vector>

namespace brink {
namespace {

constexpr int kFileIdKernfs = 0xfe;      // FILEID_KERNFS of linux/exportfs.h
constexpr std::size_t kMaxKnown = 4096;  // paths of groups; beyond that, it starts anew

/// True if the comma-separated `options` hold `wanted`.
bool HasOption(std::string_view options, std::string_view wanted) {
  while (!options.empty()) {
    const auto comma = options.find(',');
    if (options.substr(0, comma) == wanted) {
      return true;
    }
    options.remove_prefix(comma == std::string_view::npos ? options.size() : comma + 1);
  }
  return false;
}

/// The format of a line: "36 35 98:0 /root /mount options optional... - type source super-options". proc(5)
std::string FindMount(std::string_view controller, std::string_view mountinfo) {
  std::istringstream lines{std::string(mountinfo)};
  std::string v2;
  for (std::string line; std::getline(lines, line);) {
    const auto dash = line.find(" - ");
    if (dash == std::string::npos) {
      continue;
    }
    std::istringstream left(line.substr(0, dash));
    std::istringstream right(line.substr(dash + 3));
    std::string skipped;
    std::string mount;
    std::string type;
    std::string options;
    left >> skipped >> skipped >> skipped >> skipped >> mount;
    right >> type >> skipped >> options;
    if (type == "cgroup" && HasOption(options, controller)) {
      return mount;
    }
    if (type == "cgroup2" && v2.empty()) {
      v2 = mount;
    }
  }
  return v2;
}

/// The path that an open descriptor has now; "" when it cannot be told.
std::string PathOf(int fd) {
  std::array<char, 4096> path{};
  const std::string link = "/proc/self/fd/" + std::to_string(fd);
  const ssize_t size = ::readlink(link.c_str(), path.data(), path.size());
  return size > 0 ? std::string(path.data(), static_cast<std::size_t>(size)) : std::string();
}

UniqueFd OpenById(int mount_fd, std::uint64_t id) {
  alignas(file_handle) std::array<char, sizeof(file_handle) + sizeof(id)> storage{};
  auto* handle = reinterpret_cast<file_handle*>(storage.data());
  handle->handle_bytes = sizeof(id);
  handle->handle_type = kFileIdKernfs;
  std::memcpy(handle->f_handle, &id, sizeof(id));
  return UniqueFd(::open_by_handle_at(mount_fd, handle, O_PATH | O_CLOEXEC));
}

}  // namespace

GroupPaths::GroupPaths(std::string_view controller, std::string_view mountinfo)
    : mount_(FindMount(controller, mountinfo)) {
  if (!mount_.empty()) {
    // Not O_PATH: open_by_handle_at() does not take that for a mount.
    mount_fd_ = UniqueFd(::open(mount_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  }
}

std::string GroupPaths::Resolve(std::uint64_t id) {
  if (!mount_fd_.Valid() || id == 0) {
    return {};
  }
  if (const auto found = known_.find(id); found != known_.end()) {
    return found->second;
  }
  const UniqueFd group = OpenById(mount_fd_.Get(), id);
  const std::string path = group.Valid() ? PathOf(group.Get()) : std::string();
  if (!path.starts_with(mount_ + "/") || path.ends_with(" (deleted)")) {
    return {};
  }
  if (known_.size() >= kMaxKnown) {
    known_.clear();
  }
  return known_[id] = path.substr(mount_.size() + 1);
}

}  // namespace brink
