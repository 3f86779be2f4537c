// SPDX-License-Identifier: MIT
#include "catalogue/terms.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace brink {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> TermsOf(std::string_view line) {
  TermReader reader;
  const auto& terms = reader.Read(line);
  return {terms.begin(), terms.end()};
}

TEST(Terms, AreWordsInLowerCaseWithoutThoseOfAnyMessage) {
  EXPECT_THAT(TermsOf("Unable to lock the Memory: mlock2 failed"),
              ElementsAre("unable", "lock", "memory", "mlock2"));
  EXPECT_THAT(TermsOf("vm.max_map_count"), ElementsAre("vm", "max_map_count"));
  EXPECT_THAT(TermsOf(""), IsEmpty());
  EXPECT_THAT(TermsOf(" : ,;"), IsEmpty());
}

TEST(Terms, LeaveOutWhatDiffersFromOneOccurrenceToTheNext) {
  EXPECT_THAT(TermsOf("2026-11-21T08:51:42.123Z [7f3a9b2c] 0x7ffDEAD0 size=512kB anon"),
              ElementsAre("size", "kb", "anon"));
  EXPECT_THAT(TermsOf("id 550e8400-e29b-41d4-a716-446655440000 gone"), ElementsAre("id", "gone"));
  EXPECT_THAT(TermsOf("add fade"), ElementsAre("add", "fade")) << "words of hexadecimal letters";
}

TEST(Terms, KnowAnErrnoHoweverItIsTold) {
  for (const char* line : {"ENOMEM", "Cannot allocate memory", "cannot  allocate memory", "errno=12",
                           "errno: 12", "(errno 12)", "os error 12", "Not enough space"}) {
    EXPECT_THAT(TermsOf(line), ElementsAre("enomem")) << line;
  }
  EXPECT_THAT(TermsOf("Resource temporarily unavailable"), ElementsAre("eagain"));
  EXPECT_THAT(TermsOf("No space left on device (28)"), ElementsAre("enospc"));
  EXPECT_THAT(TermsOf("No such file or directory"), ElementsAre("enoent"));
  EXPECT_THAT(TermsOf("errno 99999"), ElementsAre("errno")) << "there is no such errno";
  EXPECT_THAT(TermsOf("error 12 allocate memory"), ElementsAre("allocate", "memory"));
}

TEST(Terms, KnowTheKillSignalByStatusToo) {
  EXPECT_THAT(TermsOf("exited with code 137"), ElementsAre("sigkill"));
  EXPECT_THAT(TermsOf("terminated by signal 9"), ElementsAre("terminated", "signal", "sigkill"));
  EXPECT_THAT(TermsOf("line 137, signal 15"), ElementsAre("line", "signal"));
}

}  // namespace
}  // namespace brink
