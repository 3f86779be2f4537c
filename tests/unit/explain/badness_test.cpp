// SPDX-License-Identifier: MIT
#include "explain/badness.h"

#include <gmock/gmock.h>

#include "base/units.h"

namespace brink {
namespace {

using testing::HasSubstr;

constexpr std::uint64_t kPage = 4096;

/// A row of the kernel's own table ("Tasks state (memory values in pages)"): rss and swapents in pages,
/// pgtables_bytes in bytes.
struct LogRow {
  int pid = 0;
  std::uint64_t rss = 0;
  std::uint64_t pgtables_bytes = 0;
  int oom_score_adj = 0;
  std::uint64_t swapents = 0;
};

MemoryHolder HolderOf(const LogRow& row) {
  return {.pid = row.pid,
          .comm = {},
          .rss = row.rss * kPage,
          .swapped = row.swapents * kPage,
          .page_tables = row.pgtables_bytes,
          .oom_score_adj = row.oom_score_adj};
}

/// One OOM kill as the log of Linux 6.18 has it: the group's limit, its processes, and the pid after
/// "Killed process".
struct LoggedKill {
  const char* what;
  std::uint64_t limit_kib;
  std::vector<LogRow> rows;
  int killed;
};

class LoggedKills : public testing::TestWithParam<LoggedKill> {};

TEST_P(LoggedKills, TheOneWithMostPointsWasKilled) {
  const LoggedKill& kill = GetParam();
  std::vector<MemoryHolder> holders;
  for (const LogRow& row : kill.rows) {
    holders.push_back(HolderOf(row));
  }
  const OomChoice choice = ChooseAmong(holders, kill.limit_kib * 1024 / kPage, kPage);
  ASSERT_FALSE(choice.candidates.empty());
  EXPECT_EQ(choice.candidates.front().process.pid, kill.killed);
}

INSTANTIATE_TEST_SUITE_P(Kernel, LoggedKills,
                         testing::Values(LoggedKill{"a smaller helper with oom_score_adj 1000",
                                                    163840,
                                                    {{28882, 25048, 249856, 0}, {28883, 16695, 184320, 1000}},
                                                    28883},
                                         LoggedKill{"nearly alike, one with 900",
                                                    98304,
                                                    {{28895, 13000, 155648, 900}, {28901, 12808, 151552, 0}},
                                                    28895},
                                         LoggedKill{"the largest of a server's processes",
                                                    196608,
                                                    {{30316, 5834, 155648, 0},
                                                     {30318, 1556, 122880, 0},
                                                     {30319, 1527, 131072, 0},
                                                     {30321, 1495, 122880, 0},
                                                     {30322, 2272, 135168, 0},
                                                     {30323, 2076, 131072, 0},
                                                     {30332, 3455, 139264, 0},
                                                     {30334, 48634, 528384, 800}},
                                                    30334},
                                         LoggedKill{"equal adjustments",
                                                    81920,
                                                    {{30351, 4859, 86016, 0}, {30352, 2851, 65536, 0}},
                                                    30351}),
                         [](const auto& each) { return "Kill" + std::to_string(each.param.killed); });

struct Points {
  const char* what;
  LogRow row;
  std::uint64_t total_pages;
  std::optional<std::int64_t> points;
};

TEST(Badness, IsTheKernelsSum) {
  for (const Points& each : std::vector<Points>{
           {"resident pages alone", {1, 100, 0, 0}, 16384, 100},
           {"page tables in pages", {1, 100, 3 * kPage, 0}, 16384, 103},
           {"swapped pages count", {1, 100, kPage, 0, 50}, 16384, 151},
           {"thousandths are rounded down before they are taken", {1, 0, 0, 999}, 1999, 999},
           {"fewer than a thousand pages have no thousandths", {1, 7, 0, 1000}, 999, 7},
           {"a negative one may lead below nothing", {1, 100, 0, -500}, 16384, 100 - 500 * 16},
           {"-999 may still be taken", {1, 100, 0, -999}, 16384, 100 - 999 * 16},
           {"-1000 may not", {1, 100, 0, -1000}, 16384, std::nullopt}}) {
    EXPECT_EQ(BadnessOf(HolderOf(each.row), each.total_pages, kPage), each.points) << each.what;
  }
}

TEST(Badness, WhomTheKernelPassesOverIsNeverTaken) {
  MemoryHolder child = HolderOf({9, 1000, 0, 1000});
  child.passed_over = true;
  EXPECT_EQ(BadnessOf(child, 16384, kPage), std::nullopt);
  EXPECT_THAT(WhyNeverTaken(child), HasSubstr("vfork"));
  EXPECT_EQ(WhyNeverTaken(HolderOf({9, 1000, 0, 1000})), "");
}

TEST(Badness, InitIsNeverTaken) {
  MemoryHolder init = HolderOf({1, 1000, 0, 1000});
  init.system = true;
  EXPECT_EQ(BadnessOf(init, 16384, kPage), std::nullopt);
  const OomChoice choice = ChooseAmong(std::vector{init}, 16384, kPage);
  EXPECT_TRUE(choice.candidates.empty());
  EXPECT_EQ(choice.exempt, 1U);
}

LivingProcess InGroup(GroupLevel group, bool v2) {
  LivingProcess process;
  process.pid = 40;
  process.cgroup_v2 = v2;
  process.machine.memory_total_bytes = 1000 * kMiB;
  process.machine.swap_total_bytes = 50 * kMiB;
  process.memory_groups = {{.path = "/a/b"}, std::move(group), {.path = "/"}};
  process.processes = {{.pid = 40, .comm = "one", .rss = 10 * kMiB},
                       {.pid = 41, .comm = "two", .rss = 20 * kMiB},
                       {.pid = 42, .comm = "stranger", .rss = 90 * kMiB}};
  return process;
}

TEST(TotalPages, OfAGroupCountTheSwapThatItsLimitLeaves) {
  const auto pages = [](const GroupLevel& group, bool v2) {
    return TotalPagesOf(group, InGroup(group, v2)) * kPage / kMiB;
  };
  EXPECT_EQ(pages({.path = "/a", .limit = 64 * kMiB}, true), 114U) << "no swap accounting: no limit of it";
  EXPECT_EQ(pages({.path = "/a", .limit = 64 * kMiB}, false), 114U) << "the same";
  EXPECT_EQ(pages({.path = "/a", .limit = 64 * kMiB, .swap_limit = kNoLimit}, true), 114U) << "all there is";
  EXPECT_EQ(pages({.path = "/a", .limit = 64 * kMiB, .swap_limit = 10 * kMiB}, true), 74U);
  EXPECT_EQ(pages({.path = "/a", .limit = 64 * kMiB, .both_limit = 70 * kMiB}, false), 70U);
  EXPECT_EQ(pages({.path = "/a", .limit = 64 * kMiB, .both_limit = kNoLimit}, false), 114U);
  EXPECT_EQ(pages({.path = "/a", .limit = 64 * kMiB, .both_limit = kNoLimit, .swappiness = 0}, false), 64U)
      << "it never swaps";
  EXPECT_EQ(TotalPagesOf(InGroup({}, true).machine, kPage) * kPage / kMiB, 1050U);
  LivingProcess process = InGroup({.path = "/a", .limit = 64 * kMiB, .swap_limit = kNoLimit}, true);
  process.oom_sysctls["vm.swappiness"] = "0";
  EXPECT_EQ(TotalPagesOf(process.memory_groups[1], process) * kPage / kMiB, 64U) << "nobody swaps";
}

TEST(Choices, AreOfEachLevelWhoseLimitCanBeReachedAndOfTheMachine) {
  LivingProcess process = InGroup({.path = "/a", .limit = 64 * kMiB, .pids = {40, 41}}, true);
  const auto groups = [&] {
    std::vector<std::string> paths;
    for (const OomChoice& choice : ChoicesFor(process)) {
      paths.push_back(choice.group);
    }
    return paths;
  };
  GroupLevel& inner = process.memory_groups[0];
  inner.pids = {40};
  inner.limit = 64 * kMiB;
  EXPECT_THAT(groups(), testing::ElementsAre("/a/b", "/a", ""));
  EXPECT_EQ(ChoicesFor(process)[0].candidates.front().process.comm, "one");
  EXPECT_EQ(ChoicesFor(process)[1].candidates.front().process.comm, "two");
  inner.limit = 65 * kMiB;
  EXPECT_THAT(groups(), testing::ElementsAre("/a", "")) << "the one above is full first";
  inner.both_limit = 100 * kMiB;
  EXPECT_THAT(groups(), testing::ElementsAre("/a/b", "/a", "")) << "what is swapped counts in it alone";
  process.memory_groups[1].limit = 1001 * kMiB;
  EXPECT_THAT(groups(), testing::ElementsAre("/a/b", "")) << "the machine has less";
}

TEST(Choices, OfTheGroupAndOfTheMachineAreAmongTheirOwn) {
  const auto choices = ChoicesFor(InGroup({.path = "/a", .limit = 64 * kMiB, .pids = {40, 41}}, true));
  ASSERT_EQ(choices.size(), 2U);
  EXPECT_EQ(choices[0].group, "/a");
  EXPECT_EQ(choices[0].candidates.front().process.comm, "two");
  EXPECT_EQ(choices[1].group, "");
  EXPECT_EQ(choices[1].candidates.front().process.comm, "stranger");
  EXPECT_EQ(ChoicesFor(InGroup({.path = "/a"}, true)).size(), 1U) << "no level has a limit";
}

TEST(Choices, SayWhatElseDecides) {
  LivingProcess process = InGroup({.path = "/a", .limit = 64 * kMiB, .pids = {40}}, true);
  EXPECT_EQ(ChoicesFor(process)[0].rule, "");
  process.oom_sysctls = {{"vm.oom_kill_allocating_task", "1"}, {"vm.panic_on_oom", "0"}};
  EXPECT_THAT(ChoicesFor(process)[1].rule, HasSubstr("whoever asks"));
  process.oom_sysctls["vm.panic_on_oom"] = "1";
  EXPECT_EQ(ChoicesFor(process)[0].rule, "") << "1 is for the machine alone";
  EXPECT_THAT(ChoicesFor(process)[1].rule, HasSubstr("panics"));
  process.oom_sysctls["vm.panic_on_oom"] = "2";
  EXPECT_THAT(ChoicesFor(process)[0].rule, HasSubstr("panics"));
  process.memory_groups[1].oom_kill_disabled = true;
  EXPECT_THAT(ChoicesFor(process)[0].rule, HasSubstr("nobody is killed"));
}

// mem_cgroup_get_oom_group(): the victim's groups, not those of the process that is explained.
TEST(Choices, TheOutermostOomGroupOfTheVictimUpToTheOneThatRanOutDies) {
  LivingProcess process = InGroup({.path = "/a", .limit = 64 * kMiB, .pids = {40, 41}}, true);
  for (std::size_t i = 0; i < 3; ++i) {
    process.processes[i].group = std::vector{"/a/b", "/a/c/d", "/ab"}[i];
  }
  const auto groups = [&](std::set<std::string> oom_groups) {
    process.oom_groups = std::move(oom_groups);
    const auto choices = ChoicesFor(process);
    return std::pair(choices[0].oom_group, choices[1].oom_group);
  };
  const auto pair = [](const char* group, const char* machine) {
    return std::pair<std::string, std::string>(group, machine);
  };
  EXPECT_EQ(groups({"/a/b"}), pair("", "")) << "the victims are not in it";
  EXPECT_EQ(groups({"/a/c", "/a/c/d"}), pair("/a/c", ""));
  EXPECT_THAT(ChoicesFor(process)[0].rule, HasSubstr("memory.oom.group of /a/c: all of its processes"));
  EXPECT_EQ(groups({"/a", "/ab"}), pair("/a", "/ab"));
  process.processes[2].oom_score_adj = -1000;  // then the machine takes /a/c/d's, too
  EXPECT_EQ(groups({"/", "/a/c"}), pair("/a/c", "/")) << "above the one that ran out none counts";
}

}  // namespace
}  // namespace brink
