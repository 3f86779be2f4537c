// SPDX-License-Identifier: MIT
#include "catalogue/line_reader.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <string>
#include <thread>
#include <vector>

#include "base/unique_fd.h"

namespace brink {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> LinesOf(const std::string& text, std::size_t longest = 100) {
  std::array<int, 2> ends{};
  EXPECT_EQ(::pipe(ends.data()), 0);
  const UniqueFd from(ends[0]);
  std::vector<std::string> lines;
  // A pipe holds 64 KiB: somebody must write while the lines are read.
  std::thread writer([&text, end = ends[1]] {
    const UniqueFd to(end);
    for (std::size_t at = 0; at < text.size();) {
      const ssize_t count = ::write(to.Get(), text.data() + at, text.size() - at);
      ASSERT_GT(count, 0);
      at += static_cast<std::size_t>(count);
    }
  });
  EXPECT_TRUE(ReadLines(from.Get(), longest, [&](std::string_view line) { lines.emplace_back(line); }));
  writer.join();
  return lines;
}

TEST(LineReader, GivesEachLineWithoutItsBreak) {
  EXPECT_THAT(LinesOf("one\ntwo\r\n\nfour"), ElementsAre("one", "two", "", "four"));
  EXPECT_THAT(LinesOf("one\n"), ElementsAre("one"));
  EXPECT_THAT(LinesOf(""), IsEmpty());
}

TEST(LineReader, CutsLongLinesAndGoesOnWithTheNext) {
  EXPECT_THAT(LinesOf("0123456789abc\nnext\n", 10), ElementsAre("0123456789", "next"));
  const std::string endless(3 * 1024 * 1024, 'x');  // longer than any chunk
  EXPECT_THAT(LinesOf(endless + "\nnext", 10), ElementsAre("xxxxxxxxxx", "next"));
}

TEST(LineReader, JoinsWhatChunksCutInTwo) {
  std::string text;
  for (int line = 0; line < 100000; ++line) {
    text += "line " + std::to_string(line) + "\n";
  }
  const std::vector<std::string> lines = LinesOf(text);
  ASSERT_THAT(lines, SizeIs(100000));
  for (std::size_t line = 0; line < lines.size(); ++line) {
    ASSERT_EQ(lines[line], "line " + std::to_string(line));
  }
}

TEST(LineReader, TellsWhenItCannotRead) {
  const UniqueFd folder(::open("/", O_RDONLY | O_CLOEXEC));
  const auto read = ReadLines(folder.Get(), 10, [](std::string_view) {});
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, EISDIR);
}

}  // namespace
}  // namespace brink
