// SPDX-License-Identifier: MIT
// What all workloads have in common.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <algorithm>

#include "program_runner.h"

namespace workload {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

struct Program {
  std::string name;
  std::vector<std::string> arguments;  // a short run
  std::string latency;                 // the percentiles in its progress and its result
  std::string done;                    // in its progress: how much it has done
  std::vector<std::string> longer;     // instead of these arguments: a run of many seconds, with --hold
};

class EveryProgram : public testing::TestWithParam<Program> {
 protected:
  /// The parameter's arguments with FOLDER replaced.
  std::vector<std::string> Arguments() const { return InFolder(GetParam().arguments); }
  std::vector<std::string> InFolder(std::vector<std::string> arguments) const {
    for (std::string& argument : arguments) {
      if (argument.starts_with("FOLDER/")) {
        argument = folder_ / argument.substr(std::string("FOLDER/").size());
      }
    }
    return arguments;
  }
  TestFolder folder_;
};

void ExpectPercentiles(const nlohmann::json& latency) {
  EXPECT_GT(latency.at("count").get<std::uint64_t>(), 0U);
  EXPECT_LE(latency.at("p50").get<double>(), latency.at("p95").get<double>());
  EXPECT_LE(latency.at("p95").get<double>(), latency.at("p99").get<double>());
  EXPECT_LE(latency.at("p99").get<double>(), latency.at("max").get<double>());
}

TEST_P(EveryProgram, RunsToItsEndAndPrintsOnlyJsonLines) {
  const ProgramResult result = RunProgramToEnd(GetParam().name, Arguments());
  EXPECT_EQ(result.status, 0) << result.standard_error;
  ASSERT_FALSE(result.lines.empty());
  for (const auto& line : result.lines) {
    EXPECT_EQ(line.value("workload", ""), GetParam().name) << line;
    EXPECT_TRUE(line.contains("event") && line.contains("t_s")) << line;
  }
  EXPECT_EQ(result.lines.back().value("event", ""), "result");
}

TEST_P(EveryProgram, ReportsChecksumAndLatencyPercentiles) {
  const auto result = RunProgramToEnd(GetParam().name, Arguments()).Event("result");
  ASSERT_TRUE(result.contains("checksum")) << result;
  EXPECT_EQ(result["checksum"].get<std::string>().size(), 16U);
  ASSERT_TRUE(result.contains(GetParam().latency)) << result;
  ExpectPercentiles(result[GetParam().latency]);
}

TEST_P(EveryProgram, ReportsProgressWithLatencyPercentilesWhileItRuns) {
  const ProgramResult ended =
      RunProgramUntilSignal(GetParam().name, InFolder(GetParam().longer), SIGTERM, "progress");
  EXPECT_EQ(ended.status, 0) << ended.standard_error;
  const auto progress = ended.Event("progress");
  ASSERT_TRUE(progress.contains(GetParam().done)) << progress;
  EXPECT_GT(progress[GetParam().done].get<std::uint64_t>(), 0U);
  ASSERT_TRUE(progress.contains(GetParam().latency)) << progress;
  ExpectPercentiles(progress[GetParam().latency]);
}

TEST_P(EveryProgram, ShutsDownCleanlyOnSigterm) {
  const ProgramResult result = RunProgramUntilSignal(GetParam().name, Arguments(), SIGTERM);
  EXPECT_EQ(result.status, 0) << result.standard_error;
  EXPECT_EQ(result.lines.back().value("event", ""), "result");
}

TEST_P(EveryProgram, ExplainsItself) {
  const ProgramResult result = RunProgramToEnd(GetParam().name, {"--help"});
  EXPECT_EQ(result.status, 0);
  EXPECT_THAT(result.standard_output, HasSubstr("Usage: " + GetParam().name));
  EXPECT_THAT(result.standard_output, HasSubstr("--hold"));
}

TEST_P(EveryProgram, RefusesAnUnknownOptionWithStatus2AndNamesIt) {
  const ProgramResult result = RunProgramToEnd(GetParam().name, {"--no-such-option"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.standard_error, StartsWith(GetParam().name + ": "));
  EXPECT_THAT(result.standard_error, HasSubstr("--no-such-option"));
  EXPECT_TRUE(result.lines.empty());
}

INSTANTIATE_TEST_SUITE_P(
    Workloads, EveryProgram,
    testing::Values(
        Program{"allocations",
                {"--threads", "2", "--live", "1MiB", "--rounds", "2", "--one-by-one"},
                "block_latency_us",
                "allocated",
                {"--threads", "2", "--live", "1MiB", "--rounds", "1000000"}},
        Program{"encrypted-stream",
                {"--file", "FOLDER/pages", "--pages", "64", "--live-buffers", "32", "--rounds", "2"},
                "page_latency_us",
                "pages_read",
                {"--file", "FOLDER/pages", "--pages", "64", "--live-buffers", "32", "--rounds", "100000"}},
        Program{"fork-snapshot",
                {"--heap", "2MiB", "--writes", "500", "--snapshot-file", "FOLDER/snapshot"},
                "batch_latency_us",
                "writes",
                {"--heap", "2MiB", "--writes", "500", "--snapshot-file", "FOLDER/snapshot"}},
        Program{"mappings",
                {"--kind", "buffers", "--count", "100"},
                "take_latency_us",
                "held",
                {"--kind", "threads", "--count", "100", "--hold"}},
        Program{"memory-hog",
                {"--size", "4MiB"},
                "chunk_latency_us",
                "held_bytes",
                {"--size", "64MiB", "--rate", "1MiB", "--chunk", "4KiB"}},
        Program{"mlock-churn",
                {"--region", "256KiB", "--calls", "1000", "--threads", "2"},
                "call_latency_us",
                "calls",
                {"--region", "256KiB", "--threads", "2"}},
        Program{"neighbour",
                {"--working-set", "1MiB", "--requests", "500"},
                "latency_us",
                "requests",
                {"--working-set", "1MiB"}},
        Program{"tsdb-mmap",
                {"--dir", "FOLDER/store", "--blocks", "12", "--queries", "200"},
                "query_latency_us",
                "queries",
                {"--dir", "FOLDER/store", "--blocks", "12", "--queries", "100000000"}}),
    [](const auto& program) {
      std::string name = program.param.name;
      std::replace(name.begin(), name.end(), '-', '_');
      return name;
    });

TEST(Workloads, RefuseASizeThatIsNone) {
  const ProgramResult result = RunProgramToEnd("memory-hog", {"--size", "3MBB"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.standard_error, HasSubstr("--size"));
}

TEST(Workloads, RefuseValuesThatDoNotFitTogether) {
  const ProgramResult result = RunProgramToEnd("memory-hog", {"--start", "2MiB", "--size", "1MiB"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.standard_error, HasSubstr("--start must not exceed --size"));
}

TEST(Workloads, RefuseAWordThatIsNone) {
  const ProgramResult result = RunProgramToEnd("memory-hog", {"--warn", "telepathy"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.standard_error, HasSubstr("--warn"));
}

TEST(MemoryHog, FillsASparseTableAndKeepsItsData) {
  const ProgramResult result =
      RunProgramToEnd("memory-hog", {"--size", "65MiB", "--chunk", "32MiB", "--touch-every", "2MiB"});
  EXPECT_EQ(result.status, 0) << result.standard_error;
  EXPECT_EQ(result.Event("result").value("held_bytes", 0U), 65U << 20);
  const ProgramResult refused = RunProgramToEnd("memory-hog", {"--touch-every", "1KiB"});
  EXPECT_EQ(refused.status, 2);
  EXPECT_THAT(refused.standard_error, HasSubstr("--touch-every must be at least 4096"));
}

TEST(MemoryHog, KeepsPagesThatCanBeCompressed) {
  const ProgramResult result = RunProgramToEnd("memory-hog", {"--size", "3MiB", "--random", "1KiB"});
  EXPECT_EQ(result.status, 0) << result.standard_error;
  EXPECT_NE(result.Event("result").value("checksum", ""),
            RunProgramToEnd("memory-hog", {"--size", "3MiB"}).Event("result").value("checksum", ""));
  EXPECT_EQ(RunProgramToEnd("memory-hog", {"--random", "0"}).status, 2);
}

TEST(MlockChurn, EveryPatternKeepsTheData) {
  for (const char* pattern : {"every-other", "random", "grow-shrink"}) {
    const ProgramResult result =
        RunProgramToEnd("mlock-churn", {"--pattern", pattern, "--region", "512KiB", "--calls", "2000"});
    EXPECT_EQ(result.status, 0) << pattern << ": " << result.standard_error;
    EXPECT_GT(result.Event("result").value("calls_per_s", 0.0), 0.0) << pattern;
  }
}

TEST(MlockChurn, EveryPairOfCallsKeepsTheDataOrWritesItAnew) {
  for (const char* call : {"mlock", "dontfork", "protect", "dontneed"}) {
    const ProgramResult result =
        RunProgramToEnd("mlock-churn", {"--call", call, "--region", "512KiB", "--calls", "20000"});
    EXPECT_EQ(result.status, 0) << call << ": " << result.standard_error;
  }
}

TEST(MlockChurn, RefusesCallsThatItDoesNotKnow) {
  const ProgramResult result = RunProgramToEnd("mlock-churn", {"--call", "mseal"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.standard_error, HasSubstr("mlock|dontfork|protect|dontneed"));
}

TEST(Mappings, HoldsWhatItWasAskedForOfEveryKind) {
  for (const char* kind : {"fibres", "threads", "buffers"}) {
    for (const char* guard : {"protect", "none"}) {
      const ProgramResult result =
          RunProgramToEnd("mappings", {"--kind", kind, "--guard", guard, "--count", "50"});
      EXPECT_EQ(result.status, 0) << kind << ": " << result.standard_error;
      EXPECT_EQ(result.Event("result").value("held", 0), 50) << kind;
    }
  }
}

TEST(Mappings, RefusesAGuardThatAThreadCannotHave) {
  const ProgramResult result = RunProgramToEnd("mappings", {"--kind", "threads", "--guard", "install"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.standard_error, HasSubstr("for fibres"));
}

TEST(Mappings, RefusesASizeThatIsNotWholePages) {
  const ProgramResult result = RunProgramToEnd("mappings", {"--size", "5000"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.standard_error, HasSubstr("whole pages"));
}

TEST(Allocations, GivesTheSameChecksumWhereverTheBlocksComeFrom) {
  const std::vector<std::string> load{"--threads", "1",    "--live",   "1MiB", "--smallest", "4096",
                                      "--largest", "4096", "--rounds", "3",    "--kept",     "50"};
  const auto checksum_with = [&](std::vector<std::string> more) {
    more.insert(more.begin(), load.begin(), load.end());
    return RunProgramToEnd("allocations", more).Event("result").value("checksum", "none");
  };
  const std::string of_malloc = checksum_with({});
  EXPECT_NE(of_malloc, "none");
  EXPECT_EQ(checksum_with({"--alignment", "4096"}), of_malloc);
  for (const char* on_refusal : {"ignore", "empty", "retry", "abort"}) {
    EXPECT_EQ(checksum_with({"--mmap", "--on-refusal", on_refusal}), of_malloc) << on_refusal;
  }
}

TEST(Allocations, RefusesMappedBlocksOfSeveralSizes) {
  const ProgramResult result = RunProgramToEnd("allocations", {"--mmap"});
  EXPECT_EQ(result.status, 2);
  EXPECT_THAT(result.standard_error, HasSubstr("one size"));
}

TEST(MemoryHog, LocksWhatItHasWhereItMay) {
  const ProgramResult result =
      RunProgramToEnd("memory-hog", {"--size", "64KiB", "--lock", "future", "--must-lock"});
  // Root may; others by their limit, and then it says which call was refused.
  EXPECT_TRUE(result.status == 0 || result.standard_error.find("mlockall") != std::string::npos)
      << result.standard_error;
}

}  // namespace
}  // namespace workload
