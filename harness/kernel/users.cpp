// SPDX-License-Identifier: MIT
#include "kernel/users.h"

#include <grp.h>
#include <pwd.h>

#include <cerrno>
#include <cstdio>
#include <memory>

#include "kernel/files.h"

namespace brink {
namespace {

using File = std::unique_ptr<std::FILE, int (*)(std::FILE*)>;

File Open(const std::string& path) { return {std::fopen(path.c_str(), "re"), &std::fclose}; }

tl::unexpected<Error> Missing(const std::string& name, const std::string& where) {
  return tl::unexpected(Error{.message = "user " + name + " does not exist " + where,
                              .remedy = "create it, or name another user",
                              .code = ENOENT});
}

Result<User> OfMachine(const std::string& name) {
  passwd entry = {};
  passwd* found = nullptr;
  std::vector<char> buffer(16384);
  const auto uid = ParseNumber(name);
  const int code = uid ? ::getpwuid_r(static_cast<uid_t>(*uid), &entry, buffer.data(), buffer.size(), &found)
                       : ::getpwnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) {
    return code != 0 ? FailErrno("user " + name, code) : Missing(name, "on this host");
  }
  User user{.uid = entry.pw_uid, .gid = entry.pw_gid, .groups = std::vector<gid_t>(64)};
  auto count = static_cast<int>(user.groups.size());
  if (::getgrouplist(entry.pw_name, entry.pw_gid, user.groups.data(), &count) < 0) {
    user.groups.resize(static_cast<std::size_t>(count));
    ::getgrouplist(entry.pw_name, entry.pw_gid, user.groups.data(), &count);
  }
  user.groups.resize(static_cast<std::size_t>(count));
  return user;
}

std::vector<gid_t> GroupsOf(const std::string& name, gid_t own, const std::string& image) {
  std::vector<gid_t> groups{own};
  const File file = Open(image + "/etc/group");
  std::vector<char> buffer(65536);
  group entry = {};
  group* found = nullptr;
  while (file != nullptr && ::fgetgrent_r(file.get(), &entry, buffer.data(), buffer.size(), &found) == 0) {
    for (char** member = entry.gr_mem; *member != nullptr; ++member) {
      if (name == *member && entry.gr_gid != own) {
        groups.push_back(entry.gr_gid);
      }
    }
  }
  return groups;
}

Result<User> OfImage(const std::string& name, const std::string& image) {
  const File file = Open(image + "/etc/passwd");
  if (file == nullptr) {
    return FailErrno("open " + image + "/etc/passwd", errno, "make the image anew");
  }
  const auto uid = ParseNumber(name);
  std::vector<char> buffer(16384);
  passwd entry = {};
  passwd* found = nullptr;
  while (::fgetpwent_r(file.get(), &entry, buffer.data(), buffer.size(), &found) == 0) {
    if (uid ? entry.pw_uid == *uid : name == entry.pw_name) {
      return User{
          .uid = entry.pw_uid, .gid = entry.pw_gid, .groups = GroupsOf(entry.pw_name, entry.pw_gid, image)};
    }
  }
  return Missing(name, "in the image " + image);
}

}  // namespace

Result<User> FindUser(const std::string& name, const std::string& image) {
  return image.empty() ? OfMachine(name) : OfImage(name, image);
}

}  // namespace brink
