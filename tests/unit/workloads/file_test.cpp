// SPDX-License-Identifier: MIT
#include "common/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "common/failure.h"

namespace workload {
namespace {

using testing::HasSubstr;

TEST(File, ReadsBackWhatWasWritten) {
  File file = File::CreateInMemory();
  const std::uint64_t first = 0x1122334455667788U;
  const std::uint64_t second = 42;
  file.Append(BytesOf(first));
  file.WriteAt(BytesOf(second), 8);
  EXPECT_EQ(file.Size(), 16U);
  std::uint64_t found = 0;
  file.ReadAt(WritableBytesOf(found), 0);
  EXPECT_EQ(found, first);
  file.ReadAt(WritableBytesOf(found), 8);
  EXPECT_EQ(found, second);
}

TEST(File, ThatEndsTooEarlyIsCorrupt) {
  const File file = File::CreateInMemory();
  std::uint64_t found = 0;
  try {
    file.ReadAt(WritableBytesOf(found), 0);
    FAIL() << "no Failure";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.ExitStatus(), Exit::kCorrupt);
    EXPECT_THAT(failure.what(), HasSubstr("8 bytes too early"));
  }
}

TEST(File, ThatIsMissingIsNamedWithErrno) {
  try {
    [[maybe_unused]] const File file = File::OpenForReading("/nonexistent/file");
    FAIL() << "no Failure";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.ExitStatus(), Exit::kFailed);
    EXPECT_STREQ(failure.what(), "open /nonexistent/file: No such file or directory (ENOENT)");
  }
}

TEST(ErrnoText, NamesAnErrnoThatHasNoName) {
  EXPECT_EQ(ErrnoText("call", 9999), "call: unknown error (9999)");
}

}  // namespace
}  // namespace workload
