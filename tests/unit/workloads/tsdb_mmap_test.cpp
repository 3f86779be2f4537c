// SPDX-License-Identifier: MIT
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "program_runner.h"

namespace workload {
namespace {

using testing::HasSubstr;

std::vector<std::string> SmallStore(const TestFolder& folder, const std::string& compactions) {
  return {"--dir", folder / "store", "--blocks", "20", "--queries", "2000", "--merge",
          "4",     "--compactions",  compactions};
}

std::vector<std::string> Reopened(const TestFolder& folder) {
  auto arguments = SmallStore(folder, "0");
  arguments.emplace_back("--reuse");
  return arguments;
}

TEST(TsdbMmap, CompactionKeepsTheDataInFewerFiles) {
  const TestFolder folder;
  const ProgramResult run = RunProgramToEnd("tsdb-mmap", SmallStore(folder, "1"));
  ASSERT_EQ(run.status, 0) << run.standard_error;
  EXPECT_EQ(run.lines.front().at("mapped_files"), 20 * 3 + 16);
  EXPECT_EQ(run.Event("result").at("blocks"), 5 + 1) << "20 blocks merged by four, and one from the WAL";
  const ProgramResult reopened = RunProgramToEnd("tsdb-mmap", Reopened(folder));
  ASSERT_EQ(reopened.status, 0) << reopened.standard_error;
  EXPECT_EQ(reopened.Event("result").at("checksum"), run.Event("result").at("checksum"));
}

TEST(TsdbMmap, NoticesOneChangedByteInAChunk) {
  const TestFolder folder;
  ASSERT_EQ(RunProgramToEnd("tsdb-mmap", SmallStore(folder, "0")).status, 0);
  FlipByte(folder / "store/blocks/00000007/chunks-000001", 777);
  const ProgramResult run = RunProgramToEnd("tsdb-mmap", Reopened(folder));
  EXPECT_EQ(run.status, 3);
  EXPECT_THAT(run.standard_error, HasSubstr("00000007/chunks-000001"));
}

TEST(TsdbMmap, NoticesOneChangedByteInAnIndexWhenItOpens) {
  const TestFolder folder;
  ASSERT_EQ(RunProgramToEnd("tsdb-mmap", SmallStore(folder, "0")).status, 0);
  FlipByte(folder / "store/blocks/00000003/index", 100);
  const ProgramResult run = RunProgramToEnd("tsdb-mmap", Reopened(folder));
  EXPECT_EQ(run.status, 3);
  EXPECT_THAT(run.standard_error, HasSubstr("opening storage failed: corrupt: "));
}

TEST(TsdbMmap, NoticesOneChangedByteInTheWalWhenItOpens) {
  const TestFolder folder;
  ASSERT_EQ(RunProgramToEnd("tsdb-mmap", SmallStore(folder, "0")).status, 0);
  FlipByte(folder / "store/wal/00000015", 200);
  const ProgramResult run = RunProgramToEnd("tsdb-mmap", Reopened(folder));
  EXPECT_EQ(run.status, 3);
  EXPECT_THAT(run.standard_error, HasSubstr("opening storage failed: corrupt: "));
}

}  // namespace
}  // namespace workload
