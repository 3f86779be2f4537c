// SPDX-License-Identifier: MIT
// A run with one of everything, for the golden texts.
#pragma once

#include "report/report.h"

namespace brink::testing {

inline Verdict MetVerdict() {
  Verdict verdict;
  verdict.scenario = "munmap-enomem";
  verdict.title = "munmap fails";
  verdict.case_name = "reported";
  verdict.sandbox = "host";
  verdict.expected_met = true;
  verdict.outcome = Outcome::kFailed;
  verdict.reason = "server: exited with 14 at 0.58 s";
  verdict.grade = EvidenceGrade::kKernel;
  verdict.duration_s = 0.6;
  verdict.run_dir = "/run/1";
  ProcessVerdict process;
  process.outcome = Outcome::kFailed;
  process.exit_code = 14;
  process.peak_map_count = 4000;
  verdict.first_failure = FirstFailure{.process = "server",
                                       .pid = 7,
                                       .call = "munmap",
                                       .errno_name = "ENOMEM",
                                       .args = {{"addr", 0x7f0000001000}, {"length", UINT64_MAX}},
                                       .stack = {"munmap+0x7 (libc.so.6)"},
                                       .map_count = 4000,
                                       .t_s = 0.41};
  verdict.binding_limit = BindingLimit{
      .name = "vm.max_map_count", .limit = 4000, .use = 4000, .unit = "mappings", .detail = "one more"};
  process.first_failure = verdict.first_failure;
  process.binding_limit = verdict.binding_limit;
  verdict.processes.emplace("server", process);
  verdict.failures = {{.process = "server", .call = "munmap", .errno_name = "ENOMEM", .count = 6023}};
  verdict.faults = {{.name = "vm.max_map_count",
                     .target = "machine",
                     .requested = "4000",
                     .read_back = "4000",
                     .in_force = true,
                     .error = "",
                     .t_s = 0}};
  verdict.expectations = {{.subject = "server",
                           .what = "outcome",
                           .expected = "failed",
                           .found = "failed",
                           .met = true,
                           .mark = {.file = "a.yaml", .line = 9, .column = 3}}};
  return verdict;
}

inline Verdict UnmetVerdict() {
  Verdict verdict = MetVerdict();
  verdict.case_name = "tuned";
  verdict.expected_met = false;
  verdict.outcome = Outcome::kOomKilled;
  verdict.reason = "server: was killed";
  verdict.first_failure.reset();
  verdict.binding_limit = BindingLimit{
      .name = "memory.max", .limit = 190ULL << 20, .use = 190ULL << 20, .unit = "bytes", .detail = ""};
  verdict.oom_kills = {{.process = "server",
                        .pid = 7,
                        .comm = "server",
                        .scope = "memcg",
                        .cgroup = "/a",
                        .limit_bytes = kNoLimit,
                        .use_bytes = 5,
                        .anon_rss_bytes = 6,
                        .oom_score_adj = -5,
                        .t_s = 0.5}};
  verdict.predicted_victim = PredictedVictim{.process = "server",
                                             .pid = 7,
                                             .oom_score = 850,
                                             .oom_score_adj = -5,
                                             .t_s = 0.4,
                                             .killed = "server",
                                             .killed_pid = 7,
                                             .killed_oom_score = 850,
                                             .held = true};
  verdict.failures.clear();
  verdict.expectations = {{.subject = "server",
                           .what = "outcome",
                           .expected = "survived",
                           .found = "oom_killed: was killed",
                           .met = false,
                           .mark = {.file = "a.yaml", .line = 9, .column = 3}}};
  return verdict;
}

inline Verdict UnknownVerdict() {
  Verdict verdict;
  verdict.scenario = "bgsave";
  verdict.case_name = "reported";
  verdict.sandbox = "host";
  verdict.outcome = Outcome::kInconclusive;
  verdict.reason = "redis-server is not installed";
  verdict.remedy = "apt-get install redis-server";
  verdict.run_dir = "/run/3";
  return verdict;
}

inline RunReport SampleReport() {
  RunReport report;
  report.brink_version = "0.1.0";
  report.host = {.kernel = "6.12.0",
                 .cgroup_version = "v2",
                 .memory_bytes = 1,
                 .swap_bytes = 0,
                 .page_size = 4096,
                 .cpus = 2,
                 .sysctls = {{"vm.max_map_count", "65530"}}};
  report.results = {MetVerdict(), UnmetVerdict(), UnknownVerdict()};
  report.duration_s = 2.25;
  return report;
}

}  // namespace brink::testing
