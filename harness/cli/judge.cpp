// SPDX-License-Identifier: MIT
#include "judge/judge.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <system_error>

#include "base/version.h"
#include "cli/commands.h"
#include "cli/common.h"
#include "judge/pairs.h"
#include "model/json.h"
#include "report/report.h"

namespace brink {
namespace {

Result<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (!file) {
    return Fail("cannot read " + path,
                "name the folder of a run, or of one of its cases; one that was killed has no evidence");
  }
  return text;
}

/// Whether a case was begun in this folder, or judged. Other programs have files named plan.json too.
bool IsOfCase(const std::filesystem::path& folder) {
  std::error_code code;
  if (std::filesystem::exists(folder / "evidence.json", code)) {
    return true;
  }
  const auto text = ReadFile(folder / "plan.json");
  const auto plan = text ? PlanFromJson(*text) : tl::unexpected(text.error());
  return plan && !plan->scenario.empty() && !plan->case_name.empty();
}

Result<Verdict> JudgeFolder(const std::string& folder, HostFacts& host) {
  std::error_code code;
  if (IsOfCase(folder) && !std::filesystem::exists(folder + "/evidence.json", code)) {
    return Fail(folder + "/evidence.json is not there: this case is incomplete",
                "run the case again: its brink was killed, still runs, or had no room for the results");
  }
  const auto plan_text = ReadFile(folder + "/plan.json");
  if (!plan_text) {
    return tl::unexpected(plan_text.error());
  }
  const auto evidence_text = ReadFile(folder + "/evidence.json");
  if (!evidence_text) {
    return tl::unexpected(evidence_text.error());
  }
  const auto plan = PlanFromJson(*plan_text);
  if (!plan) {
    return Within(folder + "/plan.json", plan.error());
  }
  const auto evidence = EvidenceFromJson(*evidence_text);
  if (!evidence) {
    return Within(folder + "/evidence.json", evidence.error());
  }
  host = evidence->host;
  return Judge(*plan, *evidence);
}

/// Whether the files in it are the targets' own: `data` and `logs` of a case.
bool IsOfTargets(const std::filesystem::path& folder) {
  const auto name = folder.filename();
  return (name == "data" || name == "logs") && IsOfCase(folder.parent_path());
}

/// Every folder of a case from this one on; where there is none, this one. A case that was run once may have
/// its repeats, or the cells of a matrix, below it.
std::vector<std::string> CaseFolders(const std::string& path) {
  std::vector<std::string> folders;
  if (IsOfCase(path)) {
    folders.push_back(path);
  }
  std::error_code code;
  const auto options = std::filesystem::directory_options::skip_permission_denied;
  for (auto at = std::filesystem::recursive_directory_iterator(path, options, code);
       !code && at != std::filesystem::recursive_directory_iterator(); at.increment(code)) {
    if (std::error_code ignored; !at->is_directory(ignored)) {
      continue;
    }
    if (IsOfTargets(at->path())) {
      at.disable_recursion_pending();
    } else if (IsOfCase(at->path())) {
      folders.push_back(at->path().string());
    }
  }
  std::sort(folders.begin(), folders.end());
  return folders.empty() ? std::vector<std::string>{path} : folders;
}

/// One that can't be judged is told, and spoils the exit status but not the others' verdicts.
int JudgeRun(const std::string& run_dir, const std::string& format) {
  RunReport report;
  report.brink_version = kVersion;
  report.judged_again = true;
  bool all_judged = true;
  for (const std::string& folder : CaseFolders(run_dir)) {
    auto verdict = JudgeFolder(folder, report.host);
    if (!verdict) {
      PrintError(verdict.error());
      all_judged = false;
      continue;
    }
    report.duration_s += verdict->duration_s;
    report.results.push_back(std::move(*verdict));
  }
  if (report.results.empty()) {
    return kExitUsage;
  }
  ComparePairs(report.results);
  const int status = PrintResults(
      format == "json" ? FormatJson(report) : FormatTable(report, StyleFor(stdout)), ExitCodeOf(report));
  return all_judged ? status : kExitUsage;
}

}  // namespace

void AddJudgeCommand(CLI::App& app, int& status) {
  struct Options {
    std::string run_dir;
    std::string format = "text";
  };
  auto options = std::make_shared<Options>();
  CLI::App* command =
      app.add_subcommand("judge", "Give the verdict again from saved evidence; nothing is run");
  command->add_option("RUN_DIR", options->run_dir, "A folder that `brink run` wrote: a whole run or one case")
      ->type_name("")
      ->required();
  AddFormatOption(*command, options->format);
  command->callback([options, &status] { status = JudgeRun(options->run_dir, options->format); });
}

}  // namespace brink
