// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program_runner.h"

namespace workload {
namespace {

using testing::HasSubstr;

std::vector<std::string> SmallRun(const TestFolder& folder, const std::string& buffers,
                                  const std::string& live_buffers = "64") {
  return {"--file", folder / "pages", "--pages",    "100",       "--rounds",
          "3",      "--live-buffers", live_buffers, "--buffers", buffers};
}

TEST(EncryptedStream, EveryBufferStrategyFindsTheSameData) {
  std::string checksum;
  for (const char* buffers : {"mmap", "posix_memalign", "pool"}) {
    const TestFolder folder;
    const ProgramResult run = RunProgramToEnd("encrypted-stream", SmallRun(folder, buffers));
    ASSERT_EQ(run.status, 0) << buffers << ": " << run.standard_error;
    const auto result = run.Event("result");
    EXPECT_GT(result.at("pages_per_s").get<double>(), 0.0);
    EXPECT_EQ(result.at("release_failures"), 0);
    if (checksum.empty()) {
      checksum = result.at("checksum");
    }
    EXPECT_EQ(result.at("checksum"), checksum) << buffers;
  }
}

TEST(EncryptedStream, EveryOrderOfReleaseReadsTheSameNumberOfPages) {
  for (const char* release : {"random", "alternate", "fifo"}) {
    const TestFolder folder;
    auto arguments = SmallRun(folder, "mmap");
    arguments.insert(arguments.end(), {"--release", release});
    const ProgramResult run = RunProgramToEnd("encrypted-stream", arguments);
    ASSERT_EQ(run.status, 0) << release << ": " << run.standard_error;
    EXPECT_EQ(run.Event("result").at("pages_read"), 64 + 32 + 32) << release;
  }
}

TEST(EncryptedStream, NoticesOneChangedByteInThePageFile) {
  const TestFolder folder;
  ASSERT_EQ(RunProgramToEnd("encrypted-stream", SmallRun(folder, "mmap")).status, 0);
  auto again = SmallRun(folder, "mmap", "200");  // each query reads every page
  again.emplace_back("--reuse");
  ASSERT_EQ(RunProgramToEnd("encrypted-stream", again).status, 0) << "an unchanged file is read again";
  FlipByte(folder / "pages", 50 * 8192 + 4321);
  const ProgramResult run = RunProgramToEnd("encrypted-stream", again);
  EXPECT_EQ(run.status, 3);
  EXPECT_THAT(run.standard_error, HasSubstr("corrupt: page 50"));
}

TEST(EncryptedStream, NoticesATruncatedPageFile) {
  const TestFolder folder;
  ASSERT_EQ(RunProgramToEnd("encrypted-stream", SmallRun(folder, "mmap")).status, 0);
  std::filesystem::resize_file(folder / "pages", 99 * 8192 + 1);
  auto again = SmallRun(folder, "mmap");
  again.emplace_back("--reuse");
  EXPECT_EQ(RunProgramToEnd("encrypted-stream", again).status, 3);
}

TEST(EncryptedStream, NamesThePoolThatIsTooSmall) {
  const TestFolder folder;
  auto arguments = SmallRun(folder, "pool");
  arguments.insert(arguments.end(), {"--pool-size", "80KiB"});
  const ProgramResult run = RunProgramToEnd("encrypted-stream", arguments);
  EXPECT_EQ(run.status, 1);
  EXPECT_THAT(run.standard_error, HasSubstr("all 10 buffers are in use; raise --pool-size"));
}

TEST(EncryptedStream, RefusesAnUnknownStrategyByName) {
  const ProgramResult run = RunProgramToEnd("encrypted-stream", {"--buffers", "malloc"});
  EXPECT_EQ(run.status, 2);
  EXPECT_THAT(run.standard_error, HasSubstr("malloc"));
  EXPECT_THAT(run.standard_error, HasSubstr("posix_memalign"));
}

}  // namespace
}  // namespace workload
