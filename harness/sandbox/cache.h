// SPDX-License-Identifier: MIT
// Where brink keeps what it fetches, makes and finds out: kernels, images, saved machines, the accelerator.
//
// There are two: the user's cache, and the machine's, /var/cache/brink, which is the cache of root. One rule:
// brink writes to the user's cache alone; kernels and images that it lacks are taken from the machine's. So
// root fetches a kernel once for all users, and a user who may write nowhere else has saved machines too.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/result.h"

namespace brink {

/// Who asks, by the environment, and the machine's folders; tests put their own here.
struct CacheUser {
  uid_t id = 0;
  std::string brink_cache;  // $BRINK_CACHE; a cache that the user chose is the one, whether it serves or not
  std::string xdg_cache_home;  // $XDG_CACHE_HOME; counts when absolute (XDG Base Directory Specification)
  std::string home;            // $HOME, else that of the user database; may be empty
  std::string machine = "/var/cache/brink";
  std::string temporary = "/var/tmp";  // on disk, and kept across reboots (FHS 5.15)
};

/// What it is wanted for. Who looks alone makes nothing.
enum class CacheUse { kLook, kWrite };

/// The user's cache: $BRINK_CACHE; else the machine's for root, $XDG_CACHE_HOME/brink or ~/.cache/brink for
/// others; else, where that cannot be written to, /var/tmp/brink-UID, which is the user's alone (mode 0700)
/// and is made here, to be written to. The others need not exist. The error: /var/tmp/brink-UID can be made
/// neither, or somebody else has been there first.
[[nodiscard]] Result<std::string> CacheFolder(CacheUse use = CacheUse::kWrite);
[[nodiscard]] Result<std::string> CacheFolder(const CacheUser& user, CacheUse use = CacheUse::kWrite);

/// The machine's cache; empty when it is the user's.
[[nodiscard]] std::string MachineCacheFolder();
[[nodiscard]] std::string MachineCacheFolder(const CacheUser& user);

}  // namespace brink
