// SPDX-License-Identifier: MIT
#include "kernel/journal.h"

#include "fake_tree.h"
#include "kernel/machine_lock.h"
#include "kernel/machine_restore.h"

namespace brink {
namespace {

class JournalTest : public FakeTree {
 protected:
  void SetUp() override {
    FakeTree::SetUp();
    WriteMachine();
    ASSERT_TRUE(MakeRunDirectory(roots_));
  }
};

// Whoever could open a lock for reading could keep brink from the machine for ever.
TEST_F(JournalTest, LocksAndJournalAreForTheOwnerAlone) {
  std::filesystem::permissions(roots_.run, std::filesystem::perms::all);
  ASSERT_TRUE(MakeRunDirectory(roots_));
  ASSERT_TRUE(MachineLocks::Open(roots_));
  ASSERT_TRUE(WriteMachineJournal(roots_, {.key = "k", .slots = {}}));
  using std::filesystem::perms;
  EXPECT_EQ(std::filesystem::status(roots_.run).permissions(), perms::owner_all);
  for (const char* file : {"/gate", "/users", "/machine.json"}) {
    EXPECT_EQ(std::filesystem::status(roots_.run + file).permissions(),
              perms::owner_read | perms::owner_write)
        << file;
  }
}

TEST_F(JournalTest, MissingJournalIsNone) {
  const auto journal = ReadMachineJournal(roots_);
  ASSERT_TRUE(journal);
  EXPECT_FALSE(*journal);
}

TEST_F(JournalTest, DamagedJournalIsAnErrorWithItsRemedy) {
  for (const char* text : {"", "{", "[]", "{\"key\": 1, \"slots\": []}", "{\"key\": \"\"}"}) {
    Write("run/machine.json", text);
    const auto journal = ReadMachineJournal(roots_);
    ASSERT_FALSE(journal) << text;
    EXPECT_FALSE(journal.error().remedy.empty());
  }
}

TEST_F(JournalTest, RestoresTheOldValueAndForgets) {
  ASSERT_TRUE(WriteMachineJournal(
      roots_,
      {.key = "k", .slots = {{.slot = "vm.swappiness", .old_value = "60", .set_values = {"10", "20"}}}}));
  Write("proc/sys/vm/swappiness", "10\n");
  const auto notes = RestoreMachine(roots_);
  ASSERT_TRUE(notes) << notes.error().message;
  EXPECT_EQ(notes->restored.size(), 1U);
  EXPECT_TRUE(Read("proc/sys/vm/swappiness").starts_with("60"));
  EXPECT_FALSE(std::filesystem::exists(roots_.run + "/machine.json"));
}

TEST_F(JournalTest, ForeignValueIsNotedAndLeft) {
  ASSERT_TRUE(WriteMachineJournal(
      roots_, {.key = "k", .slots = {{.slot = "vm.swappiness", .old_value = "60", .set_values = {"10"}}}}));
  Write("proc/sys/vm/swappiness", "33\n");
  const auto notes = RestoreMachine(roots_);
  ASSERT_TRUE(notes);
  ASSERT_EQ(notes->foreign.size(), 1U);
  EXPECT_NE(notes->foreign[0].find("is 33: somebody else"), std::string::npos);
  EXPECT_EQ(Read("proc/sys/vm/swappiness"), "33\n");
}

TEST_F(JournalTest, JournalledButNeverWrittenNeedsNothing) {
  ASSERT_TRUE(WriteMachineJournal(
      roots_, {.key = "k", .slots = {{.slot = "vm.swappiness", .old_value = "60", .set_values = {"10"}}}}));
  const auto notes = RestoreMachine(roots_);
  ASSERT_TRUE(notes);
  EXPECT_TRUE(notes->restored.empty() && notes->foreign.empty());
}

TEST_F(JournalTest, UnreadableSettingKeepsTheJournal) {
  ASSERT_TRUE(WriteMachineJournal(
      roots_, {.key = "k", .slots = {{.slot = "vm.panic_on_oom", .old_value = "1", .set_values = {"2"}}}}));
  EXPECT_FALSE(RestoreMachine(roots_));
  EXPECT_TRUE(std::filesystem::exists(roots_.run + "/machine.json"));
}

TEST_F(JournalTest, RunEntriesComeBackAndDamagedOnesAreTold) {
  ASSERT_TRUE(WriteRunEntry(roots_, {.pid = 12, .start_ticks = 34, .group = "brink-12-34"}));
  Write("run/runs/9-9.json", "{");
  int good = 0;
  int bad = 0;
  for (const auto& entry : ReadRunEntries(roots_)) {
    (entry ? good : bad) += 1;
  }
  EXPECT_EQ(good, 1);
  EXPECT_EQ(bad, 1);
}

TEST_F(JournalTest, HalfWrittenEntriesOfTheDeadAreRemoved) {
  Write("run/runs/12-34.json.new", "{");
  Write("run/runs/7-1.json.new", "{");
  Write("proc/7/stat", "7 (brink) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0\n");
  RemoveUnfinishedEntries(roots_);
  EXPECT_FALSE(std::filesystem::exists(roots_.run + "/runs/12-34.json.new"));
  EXPECT_TRUE(std::filesystem::exists(roots_.run + "/runs/7-1.json.new"));
}

TEST_F(JournalTest, StartTimeIsReadBehindAnyName) {
  Write("proc/7/stat", "7 (a) b (c)) S 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0\n");
  EXPECT_EQ(StartTicks(roots_, 7), 4242U);
  Write("proc/8/stat", "8 (x) Z 1 7 7 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4242 0 0\n");
  EXPECT_FALSE(StartTicks(roots_, 8));
  EXPECT_FALSE(StartTicks(roots_, 9));
}

}  // namespace
}  // namespace brink
