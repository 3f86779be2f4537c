// SPDX-License-Identifier: MIT
#include "cli/write_scenario.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <filesystem>

#include "base/unique_fd.h"
#include "cli/common.h"
#include "explain/scenario_writer.h"
#include "scenario/find_command.h"
#include "scenario/load.h"

namespace brink {
namespace {

Status WriteAll(const UniqueFd& file, const std::string& path, std::string_view text) {
  while (!text.empty()) {
    const ssize_t written = ::write(file.Get(), text.data(), text.size());
    if (written < 0 && errno != EINTR) {
      auto failed = FailErrno("write " + path, errno, "make room where it goes");
      ::unlink(path.c_str());
      return failed;
    }
    text.remove_prefix(written < 0 ? 0 : static_cast<std::size_t>(written));
  }
  return {};
}

/// The path by which its program was started: the first word of its command line, or of the title that it
/// wrote over it, or its name, where that leads to its very file; else the file.
std::string StartedAs(const LivingProcess& process) {
  const std::string exe = fmt::format("/proc/{}/exe", process.pid);
  const std::string line = process.command.empty() ? "" : process.command.front();
  for (const std::string& name : {line, line.substr(0, line.find_first_of(" :")), process.comm}) {
    std::string path = FindCommand(name, process.cwd.empty() ? "/" : process.cwd, CommandSearchPath());
    std::error_code error;
    if (!path.empty() && std::filesystem::equivalent(path, exe, error)) {
      return path;
    }
  }
  return process.exe;
}

}  // namespace

std::string ScenarioOfLiving(LivingProcess process, const std::string& name) {
  process.exe = StartedAs(process);
  return ScenarioOf(process, name, ::geteuid());
}

Status WriteScenario(const std::string& path, const std::string& text) {
  if (const auto parsed = ParseScenario(text, path); !parsed.complaints.empty()) {
    return Fail(
        fmt::format("no valid scenario can be made of it: {}", FormatComplaint(parsed.complaints.front())),
        "tell the maintainers, and write the file by hand");
  }
  constexpr mode_t kOwnersAlone = 0600;  // a command line may hold what is nobody else's business
  const UniqueFd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, kOwnersAlone));
  if (!file.Valid()) {
    return FailErrno("write " + path, errno,
                     errno == EEXIST ? "it is not overwritten: choose another name, or remove it"
                                     : "choose a place where you may write");
  }
  if (auto written = WriteAll(file, path, text); !written) {
    return written;
  }
  PrintNotice(fmt::format("wrote {0}: look through it, then `brink check {0}` and `brink run {0}`\n", path));
  return {};
}

}  // namespace brink
