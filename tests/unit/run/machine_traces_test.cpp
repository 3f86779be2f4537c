// SPDX-License-Identifier: MIT
#include "run/machine_traces.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>

namespace brink {
namespace {

class MachineTracesTest : public testing::Test {
 protected:
  MachineTracesTest() {
    Write("sys/vm/max_map_count", "65530\n");
    Write("sys/kernel/ns_last_pid", "17\n");
    Write("swaps", "Filename Type Size Used Priority\n/dev/vdb partition 1048572 0 -2\n");
    Write("sysvipc/shm", "key shmid\n");
  }
  ~MachineTracesTest() override { std::filesystem::remove_all(roots_.proc); }
  MachineTracesTest(const MachineTracesTest&) = delete;
  MachineTracesTest& operator=(const MachineTracesTest&) = delete;

  void Write(const std::string& file, const std::string& text) {
    const std::filesystem::path path = std::filesystem::path(roots_.proc) / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text;
  }
  [[nodiscard]] MachineTraces Read() const { return ReadTraces(roots_, "/none"); }

  Roots roots_{.proc = testing::TempDir() + "/traces-" + std::to_string(::getpid()), .sys = "/none"};
};

TEST_F(MachineTracesTest, AValueThatACaseWroteIsNamed) {
  const MachineTraces before = Read();
  EXPECT_EQ(DifferenceOf(before, before), "");
  Write("sys/vm/max_map_count", "3000\n");
  EXPECT_EQ(DifferenceOf(before, Read()), roots_.proc + "/sys/vm/max_map_count was 65530, and is 3000");
}

TEST_F(MachineTracesTest, WhatChangesByItselfIsNoTrace) {
  const MachineTraces before = Read();
  Write("sys/kernel/ns_last_pid", "99\n");
  Write("swaps", "Filename Type Size Used Priority\n/dev/vdb partition 1048572 4096 -2\n");
  EXPECT_EQ(DifferenceOf(before, Read()), "");
}

TEST_F(MachineTracesTest, ASegmentOfSystemVIsOne) {
  const MachineTraces before = Read();
  Write("sysvipc/shm", "key shmid\n0 1\n");
  EXPECT_EQ(DifferenceOf(before, Read()), roots_.proc + "/sysvipc/shm was key shmid, and is key shmid 0 1");
}

TEST_F(MachineTracesTest, WhatIsThereNoMoreOrWasNotThereIsOne) {
  const MachineTraces before = Read();
  std::filesystem::remove(roots_.proc + "/sysvipc/shm");
  EXPECT_EQ(DifferenceOf(before, Read()), roots_.proc + "/sysvipc/shm was key shmid, and is no more");
  EXPECT_EQ(DifferenceOf(Read(), before), roots_.proc + "/sysvipc/shm was not there, and is key shmid");
}

TEST_F(MachineTracesTest, AFileInSharedMemoryIsOne) {
  const MachineTraces before = Read();
  const std::string file = "/dev/shm/brink-trace-" + std::to_string(::getpid());
  std::ofstream(file) << "left";
  EXPECT_EQ(DifferenceOf(before, Read()), file + " was not there, and is there");
  std::filesystem::remove(file);
}

}  // namespace
}  // namespace brink
