// SPDX-License-Identifier: MIT
// brink_benchmarks: one table of brink's own speed, each line beside its baseline.
#include <fmt/format.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>

#include "row.h"
#include "runs.h"

namespace brink::bench {
namespace {

constexpr int kSkippedByCtest = 77;  // SKIP_RETURN_CODE of the smoke test's registration

struct Named {
  const char* name;
  Benchmark run;
};
constexpr std::array kBenchmarks{
    Named{.name = "start", .run = &BenchStart},
    Named{.name = "run", .run = &BenchWholeRun},
    Named{.name = "pairs", .run = &BenchMappingPairs},
    Named{.name = "redis", .run = &BenchRedis},
    Named{.name = "sampling", .run = &BenchSampling},
    Named{.name = "verdict", .run = &BenchVerdictDelay},
    Named{.name = "mlock", .run = &BenchMlockChurn},
    Named{.name = "memory", .run = &BenchMemory},
    Named{.name = "search", .run = &BenchSearch},
    Named{.name = "explain", .run = &BenchExplain},
    Named{.name = "class", .run = &BenchClass},
    Named{.name = "guest-boot", .run = &BenchGuestBoot},
    Named{.name = "guest-case", .run = &BenchGuestCase},
    Named{.name = "guest-memory", .run = &BenchGuestMemory},
    Named{.name = "guest-set", .run = &BenchGuestSet},
};

/// Runs what was asked for. What fails is said, and the others still run.
int RunAll(Options options, const std::vector<std::string>& only, bool json) {
  std::string folder = (std::filesystem::temp_directory_path() / "brink-benchmarks-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) {
    fmt::print(stderr, "mkdtemp {} failed\n", folder);
    return 1;
  }
  // Targets of other users run below it.
  std::filesystem::permissions(folder, std::filesystem::perms(0755));
  options.scratch = folder;
  std::vector<Row> rows;
  int status = 0;
  for (const Named& benchmark : kBenchmarks) {
    if (!only.empty() && std::find(only.begin(), only.end(), benchmark.name) == only.end()) {
      continue;
    }
    fmt::print(stderr, "{} ...\n", benchmark.name);
    try {
      for (Row& row : benchmark.run(options)) {
        rows.push_back(std::move(row));
      }
    } catch (const std::exception& error) {
      fmt::print(stderr, "{} failed: {}\n", benchmark.name, error.what());
      status = 1;
    }
  }
  fmt::print("{}", json ? FormatJson(rows) : FormatTable(rows));
  std::filesystem::remove_all(folder);
  return status;
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const Named& benchmark : kBenchmarks) {
    names.emplace_back(benchmark.name);
  }
  return names;
}

}  // namespace
}  // namespace brink::bench

int main(int argc, char** argv) {
  CLI::App app("Measures brink beside its baselines and prints one table. A missed goal is no error.",
               "brink_benchmarks");
  brink::bench::Options options;
  std::vector<std::string> only;
  bool json = false;
  app.add_option("BENCHMARK", only, "Only these")->check(CLI::IsMember(brink::bench::Names()));
  app.add_flag("--json", json, "Print one JSON document instead of the table");
  app.add_flag("--smoke", options.smoke,
               "Each once with tiny counts: shows that they work, measures nothing");
  CLI11_PARSE(app, argc, argv);
  if (::geteuid() != 0) {
    fmt::print(stderr, "brink makes control groups and loads BPF programs: run this as root\n");
    return brink::bench::kSkippedByCtest;
  }
  return brink::bench::RunAll(options, only, json);
}
