// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <spdlog/spdlog.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/interrupts.h"
#include "cli/plans.h"
#include "model/json.h"
#include "report/report.h"
#include "run/session.h"
#include "sandbox/guest.h"

namespace brink {
namespace {

constexpr double kShortestTimeout = 0.001;       // seconds
constexpr double kLongestTimeout = 7 * 86400.0;  // seconds

/// Live progress on standard error: on a terminal one changing line below the finished cases, elsewhere only
/// those.
class Progress {
 public:
  Progress(std::size_t total, bool text_follows)
      : style_(StyleFor(stderr)),
        live_(::isatty(STDERR_FILENO) != 0),
        told_below_(text_follows && ::isatty(STDERR_FILENO) != 0 && ::isatty(STDOUT_FILENO) != 0),
        total_(total) {
    if (live_) {
      spdlog::set_pattern("\r\033[Kbrink: %l: %v");  // a warning takes the place of the changing line
    }
  }

  void Line(const Plan& plan, const std::string& line) {
    if (!live_) {
      return;
    }
    std::string text =
        fmt::format("[{}/{}] {} {}: {}", done_ + 1, total_, plan.scenario, plan.case_name, line);
    text.resize(std::min(text.size(), static_cast<std::size_t>(std::max(style_.width - 1, 20))));
    PrintNotice("\r\033[K" + text);
  }
  void Finished(const Verdict& verdict) {
    ++done_;
    PrintNotice(fmt::format("{}[{}/{}] {}", live_ ? "\r\033[K" : "", done_, total_,
                            told_below_ && verdict.expected_met != true ? FormatHeadline(verdict, style_)
                                                                        : FormatVerdict(verdict, style_)));
  }

  void Interrupted(const Plan& plan) {
    PrintNotice(fmt::format("{}brink: interrupted: {}/{}, which is not judged; what it left is in {}\n",
                            live_ ? "\r\033[K" : "", plan.scenario, plan.case_name, plan.run_dir));
  }

 private:
  TextStyle style_;
  bool live_;
  bool told_below_;  // the table that follows on the same terminal tells why a case was not as expected
  std::size_t total_;
  std::size_t done_ = 0;
};

int DryRun(const std::vector<Plan>& plans, const std::string& format) {
  std::vector<std::string> texts;
  texts.reserve(plans.size());
  for (const Plan& plan : plans) {
    texts.push_back(format == "json" ? PlanToJson(plan) : DescribePlan(plan));
  }
  if (format == "json") {
    return PrintResults(
        fmt::format("{{\"brink_version\": \"{}\", \"plans\": [{}]}}\n", kVersion, fmt::join(texts, ",\n")),
        kExitMet);
  }
  return PrintResults(fmt::format("{}", fmt::join(texts, "")), kExitMet);
}

/// Where the JUnit report goes; opened before anything runs, so that a long run is not in vain.
class JunitFile {
 public:
  /// Nothing to write when `path` is empty.
  explicit JunitFile(std::string path) : path_(std::move(path)) {
    if (!path_.empty()) {
      file_.open(path_, std::ios::binary | std::ios::trunc);
    }
  }
  [[nodiscard]] bool Good() const {
    if (!file_) {
      PrintError(Error{.message = "--junit: cannot write " + path_,
                       .remedy = "make its folder, or room in it, or name another file"});
    }
    return static_cast<bool>(file_);
  }
  [[nodiscard]] bool Write(const RunReport& report) {
    if (path_.empty()) {
      return true;
    }
    file_ << FormatJunit(report);
    file_.close();
    return Good();
  }

 private:
  std::string path_;
  std::ofstream file_;
};

int Run(const RunChoice& choice, const std::string& format, const std::string& junit_path) {
  const auto start = Clock::now();
  const UniqueFd interrupted = CatchInterrupts();
  auto plans = MakePlans(choice);
  if (!plans) {
    return plans.error();
  }
  if (choice.dry_run) {
    return DryRun(*plans, format);
  }
  JunitFile junit(junit_path);
  if (!junit.Good()) {
    return kExitUsage;
  }
  Progress progress(plans->size(), format == "text");
  SessionOptions options;
  const bool in_guest = IsGuest(Roots{});
  options.may_change_machine = choice.sandbox == "host" || in_guest;
  options.machine = in_guest ? Machine::kDisposable : Machine::kShared;
  options.use_host =
      std::any_of(plans->begin(), plans->end(), [](const Plan& plan) { return plan.sandbox != "vm"; });
  options.jobs = choice.jobs;
  options.cancel_fd = interrupted.Get();
  options.progress = [&](const Plan& plan, const std::string& line) { progress.Line(plan, line); };
  options.finished = [&](const Verdict& verdict) { progress.Finished(verdict); };
  options.interrupted = [&](const Plan& plan) { progress.Interrupted(plan); };
  auto session = Session::Start(std::move(options));
  if (!session) {
    PrintError(session.error());
    return kExitOwnFailure;
  }
  RunReport report;
  report.brink_version = kVersion;
  report.host = session->Host();
  report.results = session->RunAll(*plans);
  report.interrupted = report.results.size() < plans->size();
  report.duration_s = Seconds(Clock::now() - start).count();
  const auto finished = session->Finish();
  const int status = PrintResults(
      format == "json" ? FormatJson(report) : FormatTable(report, StyleFor(stdout)), ExitCodeOf(report));
  const bool saved = junit.Write(report);
  if (!finished) {
    PrintError(finished.error());
  }
  return finished && saved ? status : kExitOwnFailure;
}

/// Which cases run, and how often.
void AddSelection(CLI::App& command, RunChoice& choice) {
  command.add_option("--case", choice.case_name, "Only cases of this name")->type_name("NAME");
  command
      .add_option("--tag", choice.tags,
                  "Only scenarios with this tag, or where this limit binds; given again: with each of them")
      ->type_name("TAG")
      ->take_all()
      ->expected(1);
  command.add_option("--repeat", choice.repeat, "Run each case so often")
      ->type_name("N")
      ->check(CLI::Range(1, 100000).description(""))
      ->capture_default_str();
  command.add_flag("--shuffle", choice.shuffle, "Run the cases in random order");
  command.add_option("--seed", choice.seed, "Shuffle as the run that told this number")->type_name("N");
  command.add_option("--shard", choice.shard, "Only the I-th of N equal parts of the cases")
      ->type_name("I/N");
}

/// Where and how they run.
void AddManner(CLI::App& command, RunChoice& choice) {
  command
      .add_option("--sandbox", choice.sandbox,
                  "host: here, also what changes the machine, which is put back;\n"
                  "vm: in a guest;\n"
                  "auto: in a guest what changes the machine or needs another one, and all without root")
      ->type_name("auto|host|vm")
      ->check(CLI::IsMember({"auto", "host", "vm"}).description(""))
      ->capture_default_str();
  command.add_option("--kernel", choice.kernels, "Run each case on each of these kernels, in guests")
      ->type_name("NAME,...")
      ->delimiter(',')
      ->take_all()
      ->expected(1);
  command
      .add_option("--cgroup", choice.cgroups, "Run each case with each of these cgroup versions, in guests")
      ->type_name("v1,v2")
      ->delimiter(',')
      ->take_all()
      ->expected(1);
  command
      .add_option("--jobs", choice.jobs, "Cases run at the same time, where their machine-wide values agree")
      ->type_name("N")
      ->check(CLI::Range(1, 256).description(""))
      ->capture_default_str();
  command.add_option("--set", choice.set, "Give a declared parameter another value")
      ->type_name("KEY=VALUE")
      ->take_all()
      ->expected(1);
  command
      .add_option("--timeout", choice.timeout_s, "Seconds a case may take, instead of what its scenario says")
      ->type_name("S")
      ->check([](const std::string& text) {
        char* end = nullptr;
        const double seconds = std::strtod(text.c_str(), &end);
        const bool good =
            !text.empty() && *end == '\0' && seconds >= kShortestTimeout && seconds <= kLongestTimeout;
        return good ? std::string()
                    : fmt::format("{} is not a number of seconds from {} to {} (without a unit: 5 or 0.5)",
                                  text, kShortestTimeout, kLongestTimeout);
      });
  command.add_option("--out", choice.out, "Folder for evidence and logs (default: brink-runs/TIME-PID)")
      ->type_name("DIR");
}

}  // namespace

void AddRunCommand(CLI::App& app, int& status) {
  struct Options {
    RunChoice choice;
    std::string format = "text";
    std::string junit;
  };
  auto options = std::make_shared<Options>();
  RunChoice& choice = options->choice;
  CLI::App* command = app.add_subcommand("run", "Run scenarios and judge what happens");
  command->add_option("PATH", choice.paths, "Scenario files, or folders of them")->type_name("")->required();
  AddSelection(*command, choice);
  AddManner(*command, choice);
  command->add_option("--junit", options->junit, "Also write a JUnit XML report to this file")
      ->type_name("FILE");
  AddFormatOption(*command, options->format);
  command->add_flag("--install", choice.install,
                    "First install the Debian packages that the cases require and this machine lacks (root)");
  command->add_flag("--dry-run", choice.dry_run, "Say what would be imposed and run; do nothing");
  command->callback([options, &status] { status = Run(options->choice, options->format, options->junit); });
}

}  // namespace brink
