// SPDX-License-Identifier: MIT
#include "kernel/process_mappings.h"

#include "fake_tree.h"

namespace brink {
namespace {

class ProcessMappingsTest : public FakeTree {
 protected:
  void WriteProcess(const std::string& pid, const std::string& maps, int pages) const {
    Write("proc/" + pid + "/maps", maps);
    Write("proc/" + pid + "/statm", std::to_string(pages) + " 1 1 1 0 1 0\n");
    Write("proc/" + pid + "/comm", "server\n");
  }
};

TEST_F(ProcessMappingsTest, CountsLinesOfProcessesThatHaveEnough) {
  WriteProcess("12", "a\nb\nc\n", 9);
  WriteProcess("13", "", 0);  // a thread of the kernel
  WriteProcess("14", "a\nb\n", 9);
  WriteProcess("self", "a\nb\nc\nd\n", 9);
  const auto processes = ReadProcessMappings(roots_, 3);
  ASSERT_TRUE(processes) << processes.error().message;
  ASSERT_EQ(processes->size(), 1U);
  EXPECT_EQ(processes->front().pid, 12);
  EXPECT_EQ(processes->front().comm, "server");
  EXPECT_EQ(processes->front().map_count, 3U);
  EXPECT_EQ(ReadProcessMappings(roots_, 0)->size(), 2U);
}

TEST_F(ProcessMappingsTest, WhatIsTooSmallIsNotRead) {
  WriteProcess("12", "a\nb\nc\n", 2);
  EXPECT_TRUE(ReadProcessMappings(roots_, 3)->empty());
}

TEST_F(ProcessMappingsTest, OfAMissingTreeIsAnError) {
  roots_.proc = "/nonexistent";
  const auto processes = ReadProcessMappings(roots_, 1);
  ASSERT_FALSE(processes);
  EXPECT_NE(processes.error().message.find("/nonexistent"), std::string::npos);
}

}  // namespace
}  // namespace brink
