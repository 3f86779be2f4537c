// SPDX-License-Identifier: MIT
#include "sandbox/trust.h"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace brink {
namespace {

namespace fs = std::filesystem;

/// Not through a symbolic link: whoever owns the link chooses where it leads.
Status CheckOne(const std::string& path, const std::string& folder) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) {
    return errno == ENOENT ? Status{} : FailErrno("look at " + path);
  }
  if (IsTrusted(status)) {
    return {};
  }
  if (S_ISLNK(status.st_mode)) {
    return Fail(path + " is a symbolic link: brink takes only files in their own place", "remove " + folder);
  }
  return Fail(
      fmt::format("{} belongs to user {} and has mode {:04o}: brink takes only what belongs to user {} "
                  "or root and nobody else can write to",
                  path, status.st_uid, status.st_mode & 07777U, ::geteuid()),
      "remove " + folder + ", or use a cache of your own: BRINK_CACHE=FOLDER");
}

}  // namespace

bool IsTrusted(const struct stat& status) {
  const bool ours = status.st_uid == ::geteuid() || status.st_uid == 0;
  const bool plain = S_ISREG(status.st_mode) || S_ISDIR(status.st_mode);
  return ours && plain && (status.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

Status CheckTrustedItself(const std::string& path) { return CheckOne(path, path); }

Status CheckTrusted(const std::string& folder, const std::string& except) {
  if (auto checked = CheckOne(folder, folder); !checked) {
    return checked;
  }
  std::error_code code;
  for (fs::recursive_directory_iterator entry(folder, code), end; !code && entry != end;
       entry.increment(code)) {
    if (entry.depth() == 0 && entry->path().filename() == except) {
      entry.disable_recursion_pending();
      continue;
    }
    if (auto checked = CheckOne(entry->path().string(), folder); !checked) {
      return checked;
    }
  }
  return code && code != std::errc::no_such_file_or_directory ? FailErrno("list " + folder, code.value())
                                                              : Status{};
}

}  // namespace brink
