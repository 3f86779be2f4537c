// SPDX-License-Identifier: MIT
#include "cli/common.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <map>
#include <sstream>
#include <system_error>

#include "base/shipped_files.h"
#include "cli/cached.h"
#include "cli/commands.h"
#include "scenario/load.h"

namespace brink {

int PrintResults(const std::string& text, int status) {
  if (std::fwrite(text.data(), 1, text.size(), stdout) == text.size() && std::fflush(stdout) == 0) {
    return status;
  }
  if (errno == EPIPE) {
    return status;
  }
  PrintError(Error{.message = fmt::format("write to standard output: {}", std::strerror(errno)),
                   .remedy = "make room where it goes, or send it elsewhere"});
  return kExitOwnFailure;
}

void AddFormatOption(CLI::App& command, std::string& format) {
  command.add_option("--format", format, "Form of the results on standard output")
      ->type_name("text|json")
      ->check(CLI::IsMember({"text", "json"}).description(""))
      ->capture_default_str();
}

void PrintNotice(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stderr);
  std::fflush(stderr);
}

std::string ShippedScenarios() {
  return FirstFolder({ProgramFolder() / "../share/brink/scenarios", BRINK_SOURCE_SCENARIOS});
}

std::string WorkloadsFolder() {
  return FirstFolder({ProgramFolder() / "../libexec/brink/workloads", ProgramFolder() / "workloads"});
}

std::vector<std::string> CommandSearchPath() {
  std::vector<std::string> folders{WorkloadsFolder()};
  const char* path = std::getenv("PATH");
  std::stringstream parts(path == nullptr ? "" : path);
  for (std::string part; std::getline(parts, part, ':');) {
    folders.push_back(part);
  }
  // Servers live here, and a user's PATH may not name it.
  folders.insert(folders.end(), {"/usr/sbin", "/sbin"});
  return folders;
}

std::string ShortPath(const std::string& path) {
  std::error_code error;
  const std::filesystem::path here = std::filesystem::current_path(error);
  const std::filesystem::path relative =
      error ? std::filesystem::path() : std::filesystem::path(path).lexically_relative(here);
  return relative.empty() || *relative.begin() == ".." ? path : relative.string();
}

std::optional<std::vector<Scenario>> LoadScenarios(const std::vector<std::string>& paths) {
  const NameChecks names = NamesKnownHere();
  std::vector<Scenario> scenarios;
  std::map<std::string, std::string> file_by_name;
  bool good = true;
  for (const std::string& path : paths) {
    const auto files = FindScenarioFiles(path);
    if (!files) {
      PrintError(files.error());
      good = false;
      continue;
    }
    for (const std::string& file : *files) {
      LoadResult loaded = LoadScenario(file, names);
      for (const Complaint& complaint : loaded.complaints) {
        PrintNotice(FormatComplaint(complaint) + "\n");
      }
      if (!loaded.complaints.empty()) {
        good = false;
        continue;
      }
      const auto [known, fresh] = file_by_name.emplace(loaded.scenario.name, file);
      if (!fresh && known->second != file) {
        PrintError(
            Error{.message = fmt::format("{} and {} are both named {}", known->second, file, known->first),
                  .remedy = "give one of them another name: results are told apart by it"});
        good = false;
      }
      if (fresh) {
        scenarios.push_back(std::move(loaded.scenario));
      }
    }
  }
  return good ? std::optional(std::move(scenarios)) : std::nullopt;
}

void PrintError(const Error& error) {
  const std::string remedy = error.remedy.empty() ? "" : fmt::format("  remedy: {}\n", error.remedy);
  PrintNotice(fmt::format("brink: {}\n{}", error.message, remedy));
}

TextStyle StyleFor(std::FILE* stream) {
  TextStyle style;
  winsize size{};
  style.cut_cells = ::isatty(::fileno(stream)) == 1;
  if (style.cut_cells) {
    style.colour = std::getenv("NO_COLOR") == nullptr;
    if (::ioctl(::fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col > 0) {
      style.width = size.ws_col;
    }
  }
  return style;
}

}  // namespace brink
