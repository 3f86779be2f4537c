// SPDX-License-Identifier: MIT
#include "scenario/find_command.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <filesystem>

#include "base/unique_fd.h"

namespace brink {
namespace {

namespace fs = std::filesystem;

bool IsExecutable(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

/// Symbolic links, absolute ones too, are followed as a process in the image would.
bool IsExecutableIn(int image, const std::string& path) {
  open_how how = {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT;
  const UniqueFd file(static_cast<int>(::syscall(SYS_openat2, image, path.c_str(), &how, sizeof how)));
  struct stat status {};
  return file.Valid() && ::fstat(file.Get(), &status) == 0 && S_ISREG(status.st_mode) &&
         (status.st_mode & (S_IXUSR | S_IXGRP | S_IXOTH)) != 0;
}

std::string BelowScenario(const std::string& command, const std::string& scenario_dir) {
  return (fs::path(scenario_dir) / command).lexically_normal().string();
}

}  // namespace

std::string FindCommand(const std::string& command, const std::string& scenario_dir,
                        const std::vector<std::string>& search_path) {
  if (command.find('/') != std::string::npos) {
    std::string path = BelowScenario(command, scenario_dir);
    return IsExecutable(path) ? path : "";
  }
  for (const std::string& folder : search_path) {
    std::error_code ignored;
    std::string path = (fs::absolute(folder, ignored) / command).lexically_normal().string();
    if (!command.empty() && IsExecutable(path)) {
      return path;
    }
  }
  return "";
}

std::string FindCommandInImage(const std::string& command, const std::string& scenario_dir,
                               const std::string& image) {
  const UniqueFd root(::open(image.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (command.find('/') != std::string::npos) {
    std::string path = BelowScenario(command, scenario_dir);
    const bool of_scenario = path.starts_with(scenario_dir + "/");
    return IsExecutableIn(root.Get(), path) || (of_scenario && IsExecutable(path)) ? path : "";
  }
  for (const char* folder :
       {"/usr/local/sbin/", "/usr/local/bin/", "/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"}) {
    std::string path = folder + command;
    if (!command.empty() && IsExecutableIn(root.Get(), path)) {
      return path;
    }
  }
  return "";
}

}  // namespace brink
