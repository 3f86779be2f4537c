// SPDX-License-Identifier: MIT
#include <fmt/format.h>
#include <spdlog/spdlog.h>
#include <sys/signalfd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <memory>
#include <random>

#include "base/clock.h"
#include "base/unique_fd.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "cli/plans.h"
#include "model/json.h"
#include "report/report.h"
#include "run/session.h"

namespace brink {
namespace {

/// A descriptor that is readable once the user wants out. Blocks the signals for the whole process: call it
/// first.
UniqueFd CatchInterrupts() {
  sigset_t signals;
  sigemptyset(&signals);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP}) {
    sigaddset(&signals, signal);
  }
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return UniqueFd(::signalfd(-1, &signals, SFD_CLOEXEC));
}

/// Live progress on standard error: on a terminal one changing line below the finished cases, elsewhere only
/// those.
class Progress {
 public:
  explicit Progress(std::size_t total) : style_(StyleFor(stderr)), live_(style_.colour), total_(total) {}

  void Line(const Plan& plan, const std::string& line) {
    if (!live_) {
      return;
    }
    std::string text =
        fmt::format("[{}/{}] {} {}: {}", done_ + 1, total_, plan.scenario, plan.case_name, line);
    text.resize(std::min(text.size(), static_cast<std::size_t>(std::max(style_.width - 1, 20))));
    fmt::print(stderr, "\r\033[K{}", text);
    std::fflush(stderr);
  }
  void Finished(const Verdict& verdict) {
    ++done_;
    fmt::print(stderr, "{}[{}/{}] {}", live_ ? "\r\033[K" : "", done_, total_,
               FormatVerdict(verdict, style_));
    std::fflush(stderr);
  }

 private:
  TextStyle style_;
  bool live_;
  std::size_t total_;
  std::size_t done_ = 0;
};

int DryRun(const std::vector<Plan>& plans, const std::string& format) {
  if (format == "json") {
    fmt::print("{{\"brink_version\": \"{}\", \"plans\": [", kVersion);
    for (std::size_t at = 0; at < plans.size(); ++at) {
      fmt::print("{}{}", at == 0 ? "" : ",\n", PlanToJson(plans[at]));
    }
    fmt::print("]}}\n");
    return kExitMet;
  }
  for (const Plan& plan : plans) {
    fmt::print("{}", DescribePlan(plan));
  }
  return kExitMet;
}

bool WriteJunit(const std::string& path, const RunReport& report) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << FormatJunit(report);
  file.close();
  if (!file) {
    PrintError(Error{.message = "cannot write " + path, .remedy = "check the folder and its space"});
  }
  return static_cast<bool>(file);
}

int Run(const RunChoice& choice, const std::string& format, const std::string& junit) {
  const auto start = Clock::now();
  const UniqueFd interrupted = CatchInterrupts();
  auto plans = MakePlans(choice);
  if (!plans) {
    return kExitUsage;
  }
  if (choice.dry_run) {
    return DryRun(*plans, format);
  }
  Progress progress(plans->size());
  SessionOptions options;
  options.may_change_machine = choice.sandbox == "host";
  options.jobs = choice.jobs;
  options.cancel_fd = interrupted.Get();
  options.progress = [&](const Plan& plan, const std::string& line) { progress.Line(plan, line); };
  options.finished = [&](const Verdict& verdict) { progress.Finished(verdict); };
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
  fmt::print("{}", format == "json" ? FormatJson(report) : FormatTable(report, StyleFor(stdout)));
  std::fflush(stdout);
  const bool saved = junit.empty() || WriteJunit(junit, report);
  if (!finished) {
    PrintError(finished.error());
  }
  if (!finished || !saved) {
    return kExitOwnFailure;
  }
  return ExitCodeOf(report);
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
  command->add_option("PATH", choice.paths, "Scenario files, or folders of them")->required();
  command->add_option("--case", choice.case_name, "Only cases of this name");
  command->add_option("--tag", choice.tag, "Only scenarios with this tag");
  command
      ->add_option(
          "--sandbox", choice.sandbox,
          "auto: never change values of the whole machine; host: change them here, and put them back")
      ->check(CLI::IsMember({"auto", "host"}))
      ->capture_default_str();
  command
      ->add_option("--jobs", choice.jobs, "Cases run at the same time, where their machine-wide values agree")
      ->check(CLI::Range(1, 256))
      ->capture_default_str();
  command->add_option("--repeat", choice.repeat, "Run each case so often")
      ->check(CLI::Range(1, 100000))
      ->capture_default_str();
  command->add_flag("--shuffle", choice.shuffle, "Run the cases in random order");
  command->add_option("--shard", choice.shard, "I/N: only the I-th of N equal parts of the cases");
  command->add_option("--set", choice.set, "KEY=VALUE: give a declared parameter another value")
      ->take_all()
      ->expected(1);
  command
      ->add_option("--timeout", choice.timeout_s,
                   "Seconds a case may take, instead of what its scenario says")
      ->check(CLI::PositiveNumber);
  command->add_option("--out", choice.out, "Folder for evidence and logs (default: brink-runs/TIME)");
  command->add_option("--junit", options->junit, "Also write a JUnit XML report to this file");
  command->add_option("--format", options->format, "text or json")
      ->check(CLI::IsMember({"text", "json"}))
      ->capture_default_str();
  command->add_flag("--dry-run", choice.dry_run, "Say what would be imposed and run; do nothing");
  command->callback([options, &status] { status = Run(options->choice, options->format, options->junit); });
}

}  // namespace brink
