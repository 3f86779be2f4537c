// SPDX-License-Identifier: MIT
#include "victim.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>

namespace brink::live {
namespace {

void Say(const char* text) {
  std::fputs(text, stdout);
  std::fflush(stdout);
}

int WaitForever() {
  Say("ready\n");
  for (;;) {
    ::pause();
  }
}

int IgnoreTerm() {
  ::signal(SIGTERM, SIG_IGN);
  ::signal(SIGHUP, SIG_IGN);
  ::signal(SIGINT, SIG_IGN);
  return WaitForever();
}

int EatMemory() {
  constexpr std::size_t kStep = std::size_t{1} << 20;
  for (;;) {
    void* memory = ::mmap(nullptr, kStep, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) {
      return 3;
    }
    std::memset(memory, 1, kStep);
  }
}

int ForkBomb() {
  bool told = false;
  for (;;) {
    if (::fork() < 0 && !told) {
      Say("fork refused\n");
      told = true;
    }
  }
}

/// Blocked, ignored and handled signals of its own, and its descriptors.
int ShowItself() {
  std::FILE* status = std::fopen("/proc/self/status", "re");
  char line[256];
  while (status != nullptr && std::fgets(line, sizeof(line), status) != nullptr) {
    if (std::strncmp(line, "Sig", 3) == 0 || std::strncmp(line, "Uid", 3) == 0) {
      Say(line);
    }
  }
  std::fclose(status);
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code error;
    Say(("fd " + entry.path().filename().string() + " " +
         std::filesystem::read_symlink(entry.path(), error).string() + "\n")
            .c_str());
  }
  Say(("cwd " + std::filesystem::current_path().string() + "\n").c_str());
  Say(("session " + std::to_string(::getsid(0) == ::getpid()) + "\n").c_str());
  const char* variable = std::getenv("BRINK_LIVE");
  Say(("env " + std::string(variable == nullptr ? "" : variable) + "\n").c_str());
  return 0;
}

/// A child in its own session, whose parent ends: what setsid and double forks do.
int Daemonise() {
  if (::fork() == 0) {
    ::setsid();
    if (::fork() == 0) {
      return WaitForever();
    }
    return 0;
  }
  ::wait(nullptr);
  return 0;
}

}  // namespace

std::vector<std::string> Victim(const std::string& mode) {
  return {std::filesystem::read_symlink("/proc/self/exe").string(), "--victim", mode};
}

int RunVictim(const std::string& mode) {
  const std::map<std::string, std::function<int()>> modes = {
      {"wait", WaitForever},        {"ignore-term", IgnoreTerm},  {"eat-memory", EatMemory},
      {"fork-bomb", ForkBomb},      {"show-itself", ShowItself},  {"daemonise", Daemonise},
      {"exit-9", [] { return 9; }}, {"exit-0", [] { return 0; }},
  };
  const auto found = modes.find(mode);
  return found == modes.end() ? 99 : found->second();
}

}  // namespace brink::live
