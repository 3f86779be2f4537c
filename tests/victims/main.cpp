// SPDX-License-Identifier: MIT
// victim MODE [KEY=VALUE ...]
#include <array>

#include "victim.h"

namespace {

using victim::Mode;

const auto kThemes =
    std::to_array<std::span<const Mode> (*)()>({victim::MappingModes, victim::GrowthModes, victim::TaskModes,
                                                victim::DescendantModes, victim::EndingModes});

int Usage() {
  victim::Say("usage: victim MODE [KEY=VALUE ...]; the modes and their keys:");
  for (const auto theme : kThemes) {
    for (const Mode& mode : theme()) {
      victim::Say("  %.*s [%.*s]: %.*s", static_cast<int>(mode.name.size()), mode.name.data(),
                  static_cast<int>(mode.keys.size()), mode.keys.data(), static_cast<int>(mode.doc.size()),
                  mode.doc.data());
    }
  }
  return victim::kUsage;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    return Usage();
  }
  victim::RememberCommandLine(argc, argv);
  const std::string_view name = argv[1];
  for (const auto theme : kThemes) {
    for (const Mode& mode : theme()) {
      if (mode.name == name) {
        const victim::Arguments arguments(argc - 2, argv + 2);
        return arguments.Only(mode.keys) ? mode.run(arguments) : victim::kUsage;
      }
    }
  }
  return Usage();
}
