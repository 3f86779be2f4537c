// SPDX-License-Identifier: MIT
#include "sandbox/cache.h"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>

#include "sandbox/trust.h"

namespace brink {
namespace {

namespace fs = std::filesystem;

std::string Variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

CacheUser ThisUser() {
  CacheUser user{.id = ::geteuid(),
                 .brink_cache = Variable("BRINK_CACHE"),
                 .xdg_cache_home = Variable("XDG_CACHE_HOME"),
                 .home = Variable("HOME")};
  if (user.home.empty()) {
    const passwd* entry = ::getpwuid(user.id);
    user.home = entry == nullptr ? "" : entry->pw_dir;
  }
  return user;
}

/// The folder that the user would choose; empty when there is none to choose.
std::string FirstChoice(const CacheUser& user) {
  if (user.id == 0) {
    return user.machine;
  }
  if (user.xdg_cache_home.starts_with('/')) {
    return user.xdg_cache_home + "/brink";
  }
  return user.home.empty() ? "" : user.home + "/.cache/brink";
}

/// Whether files can be made in it, or in what is there of its path.
bool CanWrite(fs::path folder) {
  std::error_code code;
  while (!fs::exists(fs::symlink_status(folder, code)) && folder.has_relative_path()) {
    folder = folder.parent_path();
  }
  return fs::is_directory(folder, code) && ::access(folder.c_str(), W_OK | X_OK) == 0;
}

/// Everybody can make folders where this one is.
Result<std::string> PrivateFolder(const std::string& folder, uid_t user, CacheUse use) {
  struct stat status {};
  if (use == CacheUse::kWrite && ::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return FailErrno("make " + folder, errno, "set BRINK_CACHE to a folder that is yours to write to");
  }
  if (::lstat(folder.c_str(), &status) != 0) {
    return use == CacheUse::kLook && errno == ENOENT ? Result<std::string>(folder)
                                                     : FailErrno("look at " + folder);
  }
  if (!IsTrusted(status) || !S_ISDIR(status.st_mode) || status.st_uid != user) {
    return Fail(
        fmt::format("{} belongs to user {} and has mode {:04o}: it is no place for the kernels of user {}",
                    folder, status.st_uid, status.st_mode & 07777U, user),
        "set BRINK_CACHE to a folder that is yours to write to");
  }
  return folder;
}

}  // namespace

Result<std::string> CacheFolder(const CacheUser& user, CacheUse use) {
  if (!user.brink_cache.empty()) {
    std::error_code code;
    return fs::absolute(user.brink_cache, code).string();
  }
  const std::string choice = FirstChoice(user);
  return !choice.empty() && CanWrite(choice)
             ? Result<std::string>(choice)
             : PrivateFolder(fmt::format("{}/brink-{}", user.temporary, user.id), user.id, use);
}

std::string MachineCacheFolder(const CacheUser& user) {
  std::error_code code;
  const std::string own = CacheFolder(user, CacheUse::kLook).value_or("");
  return own == user.machine || fs::equivalent(own, user.machine, code) ? "" : user.machine;
}

Result<std::string> CacheFolder(CacheUse use) { return CacheFolder(ThisUser(), use); }

std::string MachineCacheFolder() { return MachineCacheFolder(ThisUser()); }

}  // namespace brink
