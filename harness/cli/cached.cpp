// SPDX-License-Identifier: MIT
#include "cli/cached.h"

#include <fmt/format.h>

#include <cerrno>

#include "cli/commands.h"
#include "cli/common.h"
#include "sandbox/images.h"
#include "sandbox/kernels.h"

namespace brink {

std::string CacheInWords(const std::string& folder, const std::string& machine) {
  return fmt::format("In {}{} (BRINK_CACHE chooses another cache):\n\n", folder,
                     machine.empty() ? "" : ", else in " + machine);
}

NameChecks NamesKnownHere() {
  NameChecks names{.kernel = CheckKernelName, .image = {}};
  // Without any recipe, nothing is known of what could be made.
  if (const auto places = DefaultImagePlaces(CacheUse::kLook); places && !KnownImageNames(*places).empty()) {
    names.image = [places = *places](const std::string& name) { return CheckImageName(name, places); };
  }
  return names;
}

int PrintFailure(const Error& error) {
  if (error.code == EINTR) {
    PrintNotice("brink: interrupted; nothing half made is left\n");
    return kExitInterrupted;
  }
  PrintError(error);
  return kExitOwnFailure;
}

}  // namespace brink
