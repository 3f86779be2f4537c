// SPDX-License-Identifier: MIT
// Users by name, of this machine or of an image.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "base/result.h"

namespace brink {

struct User {
  uid_t uid = 0;
  gid_t gid = 0;
  std::vector<gid_t> groups;  // its gid among them
};

/// By name or number. `image`: an image's root folder, whose /etc/passwd and /etc/group are asked; empty:
/// this machine. The error names the user and the remedy.
[[nodiscard]] Result<User> FindUser(const std::string& name, const std::string& image);

}  // namespace brink
