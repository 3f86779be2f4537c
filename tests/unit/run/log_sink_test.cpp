// SPDX-License-Identifier: MIT
#include "run/log_sink.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

namespace brink {
namespace {

class LogSinkTest : public testing::Test {
 protected:
  LogSinkTest() { std::filesystem::create_directories(folder_); }
  ~LogSinkTest() override { std::filesystem::remove_all(folder_); }

  static std::string Read(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }

  std::string folder_ = testing::TempDir() + "/log-sink-" + std::to_string(::getpid());
};

TEST_F(LogSinkTest, KeepsWhatIsPrinted) {
  auto sink = LogSink::Open(folder_ + "/server");
  ASSERT_TRUE(sink);
  sink->Write("one\ntwo\n", 0.5);
  EXPECT_EQ(Read(folder_ + "/server.log"), "one\ntwo\n");
  EXPECT_EQ(sink->Excerpt(), "one\ntwo\n");
}

TEST_F(LogSinkTest, RefusesAFolderThatDoesNotExist) {
  const auto sink = LogSink::Open(folder_ + "/missing/server");
  ASSERT_FALSE(sink);
  EXPECT_THAT(sink.error().message, testing::HasSubstr("missing/server.log"));
  EXPECT_FALSE(sink.error().remedy.empty());
}

TEST_F(LogSinkTest, FindsAPatternAcrossChunks) {
  auto sink = LogSink::Open(folder_ + "/server");
  ASSERT_TRUE(sink);
  ASSERT_TRUE(sink->Watch("Background sav(ing|ed)"));
  sink->Write("x\nBackgrou", 1);
  sink->Write("nd saving\nBackground saved\nforeground", 2);
  EXPECT_EQ(sink->MatchCount("Background sav(ing|ed)"), 2U);
  EXPECT_EQ(sink->Patterns().front().first_line, "Background saving");
  EXPECT_DOUBLE_EQ(sink->Patterns().front().first_s, 2);
}

TEST_F(LogSinkTest, KeepsTheFirstLinesThatSoundLikeALackOfMemory) {
  auto sink = LogSink::Open(folder_ + "/server");
  ASSERT_TRUE(sink);
  sink->Write("listening on port 12, 11 errors\nexit code 12\nblock 7: mmap: Cannot allo", 1);
  sink->Write("cate memory\n", 2);
  const auto kept = [&](const std::string& line) {
    const std::size_t before = sink->Complaints().size();
    sink->Write(line + "\n", 3);
    return sink->Complaints().size() > before && sink->Complaints().back().text == line;
  };
  ASSERT_EQ(sink->Complaints().size(), 1U);
  EXPECT_EQ(sink->Complaints()[0].text, "block 7: mmap: Cannot allocate memory");
  EXPECT_DOUBLE_EQ(sink->Complaints()[0].t_s, 2);
  for (const char* line :
       {"fork: Resource temporarily unavailable",
        "os::commit_memory failed; error='Not enough space' (errno=12)", "Os { code: 12, kind: OutOfMemory }",
        "(os error 11)", "memory allocation of 4096 bytes failed", "terminate called: std::bad_alloc",
        "Corrupted block 01H", "could not fork worker process",
        "java.lang.OutOfMemoryError: unable to create native thread", "munmap failed"}) {
    EXPECT_TRUE(kept(line)) << line;
  }
  EXPECT_FALSE(kept("64 MiB allocated"));
  for (std::size_t i = 0; i < 2 * LogSink::kComplaintsCap; ++i) {
    sink->Write("ENOMEM\n", 4);
  }
  EXPECT_EQ(sink->Complaints().size(), LogSink::kComplaintsCap);
}

TEST_F(LogSinkTest, SearchesALastLineWithoutLineFeed) {
  auto sink = LogSink::Open(folder_ + "/server");
  ASSERT_TRUE(sink);
  ASSERT_TRUE(sink->Watch("out of memory"));
  sink->Write("out of memory", 1);
  EXPECT_EQ(sink->MatchCount("out of memory"), 0U);
  sink->Finish(2);
  EXPECT_EQ(sink->MatchCount("out of memory"), 1U);
}

TEST_F(LogSinkTest, SearchesHugeLinesInPieces) {
  auto sink = LogSink::Open(folder_ + "/server");
  ASSERT_TRUE(sink);
  ASSERT_TRUE(sink->Watch("needle"));
  sink->Write(std::string(10 * LogSink::kLineCap, 'x') + "needle", 1);
  sink->Write("\n", 1);
  EXPECT_EQ(sink->MatchCount("needle"), 1U);
}

TEST_F(LogSinkTest, RefusesAPatternThatIsNone) {
  auto sink = LogSink::Open(folder_ + "/server");
  ASSERT_TRUE(sink);
  EXPECT_FALSE(sink->Watch("(unclosed"));
}

TEST_F(LogSinkTest, KeepsBeginningAndEndOfAFlood) {
  auto sink = LogSink::Open(folder_ + "/server");
  ASSERT_TRUE(sink);
  sink->Write("first\n", 0);
  const std::string block(1 << 20, 'x');
  for (int mebibytes = 0; mebibytes < 30; ++mebibytes) {
    sink->Write(block, 1);
  }
  sink->Write("last\n", 2);
  std::uintmax_t total = 0;
  for (const auto& file : std::filesystem::directory_iterator(folder_)) {
    EXPECT_LE(file.file_size(), LogSink::kFileCap);
    total += file.file_size();
  }
  EXPECT_LE(total, 3 * LogSink::kFileCap);
  EXPECT_THAT(Read(folder_ + "/server.log"), testing::StartsWith("first\n"));
  EXPECT_THAT(Read(folder_ + "/server.tail.log"), testing::EndsWith("last\n"));
  EXPECT_THAT(sink->Excerpt(), testing::StartsWith("first\n"));
  EXPECT_THAT(sink->Excerpt(), testing::EndsWith("last\n"));
  EXPECT_LE(sink->Excerpt().size(), 2 * LogSink::kExcerptHalf + 16);
}

TEST_F(LogSinkTest, GivesTheLastLineThatIsNotEmpty) {
  auto sink = LogSink::Open(folder_ + "/server");
  ASSERT_TRUE(sink);
  EXPECT_EQ(sink->LastLine(), "");
  sink->Write("only", 0);
  EXPECT_EQ(sink->LastLine(), "only");
  sink->Write(" one\nlast words\r\n\n  \n", 0);
  EXPECT_EQ(sink->LastLine(), "last words");
  sink->Write(std::string(30'000, 'x') + "\n", 0);
  EXPECT_EQ(sink->LastLine(), std::string(500, 'x'));
  EXPECT_EQ(sink->EndPath(), folder_ + "/server.log");
}

}  // namespace
}  // namespace brink
