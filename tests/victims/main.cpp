// SPDX-License-Identifier: MIT
// victim MODE [KEY=VALUE ...]
// VICTIM_WAITS in the environment: it says "waiting" and begins on SIGUSR1, so that limits can change before.
// VICTIM_STAYS: when the mode is done it says "staying" and sleeps for ever with all it has.
#include <array>
#include <csignal>
#include <cstdlib>

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

int RunMode(const Mode& mode, const victim::Arguments& arguments) {
  if (!arguments.Only(mode.keys)) {
    return victim::kUsage;
  }
  if (std::getenv("VICTIM_WAITS") != nullptr) {
    sigset_t begin;
    ::sigemptyset(&begin);
    ::sigaddset(&begin, SIGUSR1);
    ::sigprocmask(SIG_BLOCK, &begin, nullptr);
    victim::Say("waiting");
    int signal = 0;
    ::sigwait(&begin, &signal);
  }
  const int code = mode.run(arguments);
  if (std::getenv("VICTIM_STAYS") != nullptr) {
    victim::Say("staying");
    victim::SleepForever();
  }
  return code;
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
        return RunMode(mode, victim::Arguments(argc - 2, argv + 2));
      }
    }
  }
  return Usage();
}
