// SPDX-License-Identifier: MIT
#include "sandbox/packages.h"

#include <fstream>
#include <string_view>

#include "base/shipped_files.h"
#include "sandbox/run_script.h"

namespace brink {

std::map<std::string, std::string> InstalledPackages(const std::string& status_file) {
  constexpr std::string_view kPackage = "Package: ";
  constexpr std::string_view kVersion = "Version: ";
  std::map<std::string, std::string> installed;
  std::ifstream status(status_file);
  std::string name;
  bool is_installed = false;
  for (std::string line; std::getline(status, line);) {  // within a package's lines, the version comes last
    if (line.starts_with(kPackage)) {
      name = line.substr(kPackage.size());
      is_installed = false;
    } else if (line == "Status: install ok installed" || line == "Status: hold ok installed") {
      is_installed = true;
    } else if (is_installed && line.starts_with(kVersion)) {
      installed[name] = line.substr(kVersion.size());
    }
  }
  return installed;
}

std::string InstallScript() {
  return FirstFolder({ProgramFolder() / "../share/brink/sandbox", BRINK_SOURCE_SANDBOX}) +
         "/install-packages";
}

Status InstallPackages(const std::vector<std::string>& packages, const std::string& log,
                       const std::function<void(const std::string&)>& progress, const std::string& script) {
  std::vector<std::string> arguments{log};
  arguments.insert(arguments.end(), packages.begin(), packages.end());
  return RunScript(script, arguments, progress);
}

}  // namespace brink
