// SPDX-License-Identifier: MIT
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/unique_fd.h"
#include "catalogue/line_reader.h"
#include "catalogue/search_forms.h"
#include "cli/commands.h"
#include "cli/common.h"

namespace brink {
namespace {

struct SearchOptions {
  std::vector<std::string> what;
  std::vector<std::string> in;
  bool all = false;
  std::string format = "text";
};

/// A folder that happens to be called like the word is none.
bool IsLog(const std::string& what) {
  struct stat status {};
  return what == "-" || (::stat(what.c_str(), &status) == 0 && !S_ISDIR(status.st_mode));
}

/// "app.log", and what is rotated: "app.log.1", "app.log-20261121", "app.log.2.gz".
bool EndsLikeLog(const std::string& what) {
  const std::size_t end = what.rfind(".log");
  const std::string rest = end == std::string::npos ? "" : what.substr(end + std::string_view(".log").size());
  return end != std::string::npos &&
         (rest.empty() ||
          (rest.size() > 1 && (rest[0] == '.' || rest[0] == '-') && rest[1] >= '0' && rest[1] <= '9'));
}

/// Nobody searches for words like these; a file that is not there should not become one.
bool LooksLikeFile(const std::string& what) {
  return what.find_first_of(" \t") == std::string::npos &&
         (what.starts_with("/") || what.starts_with("./") || what.starts_with("../") || EndsLikeLog(what));
}

Error NoLog(const std::string& what) {
  struct stat status {};
  return ::stat(what.c_str(), &status) == 0
             ? Error{.message = what + ": a folder is no log", .remedy = "name the log files in it"}
             : Error{.message = what + ": there is no such file",
                     .remedy = "name a log file, or words of a message"};
}

/// Reads one log to its end, with memory for one line.
Status ReadLog(const std::string& path, Search& search) {
  const UniqueFd file(path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.Valid()) {
    return FailErrno(path, errno, "name a log file that you may read");
  }
  return ReadLines(file.Get(), Search::kLongestRead, [&](std::string_view line) { search.AddLine(line); })
      .map_error([&](Error error) {
        error.message = fmt::format("{}: {}", path, error.message);
        error.remedy = "name a log file";
        return error;
      });
}

Status SearchFor(const std::vector<std::string>& what, Search& search) {
  const bool logs = std::all_of(what.begin(), what.end(), IsLog);
  if (!logs) {
    const auto missing = std::find_if(what.begin(), what.end(), [](const std::string& word) {
      return LooksLikeFile(word) && !IsLog(word);
    });
    if (missing != what.end()) {
      return tl::unexpected(NoLog(*missing));
    }
    const std::string words = fmt::format("{}", fmt::join(what, " "));
    return search.AddWords(words) ? Status()
                                  : Fail(fmt::format("'{}' could be of any message", words),
                                         "give the message, an errno or a program");
  }
  for (const std::string& path : what) {
    if (auto read = ReadLog(path, search); !read) {
      return read;
    }
  }
  return {};
}

/// A pasted line may begin like an option ("-bash: fork: ..."): what no option is called is a word of it.
void TakePasted(const CLI::App& command, SearchOptions& options) {
  const std::vector<std::string> pasted = command.remaining();
  for (const std::string& word : pasted) {
    if (word.find_first_of(" :") == std::string::npos) {
      throw CLI::ExtrasError(command.get_name(), {word});
    }
  }
  options.what.insert(options.what.begin(), pasted.begin(), pasted.end());
  if (options.what.empty()) {
    throw CLI::RequiredError("WHAT");
  }
}

int RunSearch(const SearchOptions& options) {
  const auto scenarios = options.in.empty() ? SkimShipped() : LoadScenarios(options.in);
  if (!scenarios) {
    return kExitUsage;
  }
  const std::vector<CatalogueEntry> catalogue = ShortEntriesOf(*scenarios);
  const SearchIndex index(catalogue);
  Search search(index);
  if (const auto searched = SearchFor(options.what, search); !searched) {
    PrintError(searched.error());
    return kExitUsage;
  }
  const SearchReport report{
      .catalogue = catalogue, .matches = search.Matches(), .lines = search.Lines(), .all = options.all};
  const int status = report.matches.empty() ? kExitUnmet : kExitMet;
  return PrintResults(
      options.format == "json" ? FormatSearchJson(report) : FormatSearchText(report, StyleFor(stdout)),
      status);
}

}  // namespace

void AddSearchCommand(CLI::App& app, int& status) {
  auto options = std::make_shared<SearchOptions>();
  CLI::App* command = app.add_subcommand("search", "Find the incidents that a message or a log may be of");
  command->add_option("WHAT", options->what, "Words of a message, log files, or - for standard input")
      ->type_name("");
  command->allow_extras();
  command
      ->add_option("--in", options->in,
                   "Scenario files to search, or folders of them (default: those that come with brink)")
      ->type_name("PATH")
      ->allow_extra_args(false);
  command->add_flag("--all", options->all, "Tell of every match in full, however many there are");
  AddFormatOption(*command, options->format);
  command->callback([options, command, &status] {
    TakePasted(*command, *options);
    status = RunSearch(*options);
  });
}

}  // namespace brink
