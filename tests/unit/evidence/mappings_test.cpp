// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "evidence/watch.h"

namespace brink {
namespace {

TEST(AllProcessMappings, CountsTheLinesOfAFakeTree) {
  const auto proc = std::filesystem::temp_directory_path() / ("brink-proc-" + std::to_string(::getpid()));
  std::filesystem::create_directories(proc / "12");
  std::filesystem::create_directories(proc / "13");
  std::filesystem::create_directories(proc / "self");
  std::ofstream(proc / "12" / "maps") << "a\nb\nc\n";
  std::ofstream(proc / "12" / "comm") << "server\n";
  std::ofstream(proc / "13" / "maps") << "";  // a thread of the kernel
  std::ofstream(proc / "self" / "maps") << "a\n";
  const auto processes = AllProcessMappings(proc);
  std::filesystem::remove_all(proc);
  ASSERT_TRUE(processes.has_value()) << processes.error().message;
  ASSERT_EQ(processes->size(), 1U);
  EXPECT_EQ(processes->front().pid, 12);
  EXPECT_EQ(processes->front().comm, "server");
  EXPECT_EQ(processes->front().map_count, 3U);
}

TEST(AllProcessMappings, OfAMissingTreeIsAnError) {
  const auto processes = AllProcessMappings("/nonexistent");
  ASSERT_FALSE(processes.has_value());
  EXPECT_NE(processes.error().message.find("/nonexistent"), std::string::npos);
}

}  // namespace
}  // namespace brink
