// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <limits>
#include <memory>

#include "base/unique_fd.h"
#include "base/units.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/write_scenario.h"
#include "evidence/living.h"
#include "evidence/mappings.h"
#include "explain/oom_log.h"
#include "explain/scenario_writer.h"
#include "kernel/files.h"
#include "run/guest_pool.h"
#include "scenario/values.h"

namespace brink {
namespace {

struct NewOptions {
  std::string name;
  std::string from;
};

/// The kernel's log without waiting for more: one record a read, "PRIORITY,NUMBER,TIME,FLAGS;TEXT".
Result<std::string> ReadKernelLog() {
  constexpr const char* kLog = "/dev/kmsg";
  const UniqueFd file(::open(kLog, O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!file.Valid()) {
    return FailErrno(std::string("read ") + kLog, errno,
                     "run as root, or give a log: `dmesg | brink new NAME --from -`");
  }
  std::string log;
  std::array<char, 8192> record{};
  while (true) {
    const ssize_t got = ::read(file.Get(), record.data(), record.size());
    if (got > 0) {
      log.append(record.data(), static_cast<std::size_t>(got));
    } else if (got == 0 || (errno != EINTR && errno != EPIPE)) {  // EPIPE: records were overwritten meanwhile
      return log;
    }
  }
}

Result<std::string> ReadStandardInput() { return ReadSmallFile("/dev/stdin"); }

/// What can be had now, less a fifth for others, as guests beside one another are given it.
std::uint64_t MemoryForAGuest() { return MemoryToBeHad(Roots{}) / 5 * 4 / kMiB * kMiB; }

Result<std::string> FromLog(const NewOptions& options) {
  auto log = options.from == "-"       ? ReadStandardInput()
             : options.from == "dmesg" ? ReadKernelLog()
                                       : ReadSmallFile(options.from);
  if (!log) {
    return log;
  }
  const auto kill = LastOomKillIn(*log);
  if (!kill) {
    return Fail("the log holds no OOM kill",
                "look in an older one: `journalctl -k -b -1 | brink new NAME --from -`");
  }
  return ScenarioOf(*kill, options.name, MemoryForAGuest());
}

Result<std::string> FromProcess(const NewOptions& options, std::uint64_t pid) {
  if (pid > std::numeric_limits<int>::max()) {
    return tl::unexpected(Error{.message = fmt::format("there is no process {}", pid),
                                .remedy = "see `ps -e` for those that live",
                                .code = ESRCH});
  }
  const auto process = ReadLivingProcess(Roots{}, static_cast<int>(pid), CountProcessMappingsByKernel);
  return process ? Result<std::string>(ScenarioOfLiving(*process, options.name))
                 : tl::unexpected(process.error());
}

/// Whether a command means more to a shell than words: operators, variables, patterns, an assignment before
/// it.
bool IsForAShell(const std::string& command) {
  char quote = 0;
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    const auto in_word = [&](std::size_t at) {
      return at < command.size() && command[at] != ' ' && command[at] != '\t';
    };
    const bool opens = quote == 0 && (c == '\'' || c == '"');
    if ((quote == 0 && c == '\\') || (opens && i > 0 && in_word(i - 1)) || (c == quote && in_word(i + 1))) {
      return true;  // two\ words, --name="two words", 'two words'more
    }
    if (c == '\\' && quote == '"') {
      ++i;
    } else if (opens || c == quote) {
      quote = quote == 0 ? c : '\0';
    } else if (quote != '\'' &&
               std::string_view(quote == 0 ? "$`&|;<>()*?~\n" : "$`").find(c) != std::string::npos) {
      return true;
    }
  }
  const std::string first = command.substr(0, command.find_first_of(" \t"));
  const std::size_t equals = first.find('=');
  return equals != std::string::npos && first.find('/') > equals;
}

/// A file that is no program.
bool IsLog(const std::string& from) {
  std::error_code error;
  return std::filesystem::is_regular_file(from, error) && ::access(from.c_str(), X_OK) != 0;
}

Result<std::vector<std::string>> WordsOf(const std::string& command) {
  if (IsForAShell(command)) {
    return std::vector<std::string>{"sh", "-c", command};
  }
  auto words = CLI::detail::split_up(command);
  for (std::string& word : words) {
    CLI::detail::remove_quotes(word);
  }
  if (words.empty()) {
    return Fail("--from is empty", "give a process number, a command in quotes, or dmesg");
  }
  return words;
}

Result<std::string> TextOf(const NewOptions& options) {
  if (const auto pid = ParseNumber(options.from)) {
    return FromProcess(options, *pid);
  }
  if (options.from == "dmesg" || options.from == "-" || IsLog(options.from)) {
    return FromLog(options);
  }
  const auto words = WordsOf(options.from);
  return words ? Result<std::string>(ScenarioOf(*words, options.name)) : tl::unexpected(words.error());
}

int RunNew(const NewOptions& options) {
  constexpr int kExitNothingThere = 1;
  if (!IsName(options.name)) {
    PrintError({.message = fmt::format("'{}' is no name of a scenario", options.name),
                .remedy = "use letters, digits, '.', '_' and '-', beginning with a letter or digit"});
    return kExitUsage;
  }
  const auto text = TextOf(options);
  const Status written = text ? WriteScenario(options.name + ".yaml", *text) : tl::unexpected(text.error());
  if (!written) {
    PrintError(written.error());
    return written.error().code == ESRCH ? kExitNothingThere : kExitUsage;
  }
  return kExitMet;
}

}  // namespace

void AddNewCommand(CLI::App& app, int& status) {
  auto options = std::make_shared<NewOptions>();
  CLI::App* command = app.add_subcommand("new", "Start a scenario file for an incident of your own");
  command->add_option("NAME", options->name, "Its name: NAME.yaml is written here")
      ->type_name("")
      ->required();
  command
      ->add_option(
          "--from", options->from,
          "A process number, a command in quotes, dmesg for the kernel's last OOM kill, or a log: a file, or "
          "- for standard input")
      ->type_name("PID|COMMAND|dmesg|FILE|-")
      ->required();
  command->callback([options, &status] { status = RunNew(*options); });
}

}  // namespace brink
