// SPDX-License-Identifier: MIT
// Excerpts of logs, from the documented incidents and from failures that are none, against the shipped
// catalogue.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <array>

#include "catalogue/search.h"
#include "shipped.h"
#include "strangers.h"

namespace brink {
namespace {

using ::testing::AnyOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::UnorderedElementsAre;

const SearchIndex& Index() {
  static const SearchIndex kIndex(testing::Catalogue());
  return kIndex;
}

std::vector<SearchMatch> MatchesOf(const std::string& log) { return testing::SearchLog(Index(), log, false); }

std::vector<std::string> NamesOf(const std::vector<SearchMatch>& matches, MatchKind kind) {
  std::vector<std::string> names;
  for (const SearchMatch& match : matches) {
    if (match.kind == kind) {
      names.push_back(testing::Catalogue()[match.entry].name);
    }
  }
  return names;
}

struct Excerpt {
  const char* log;
  const char* incident;
};

class Documented : public ::testing::TestWithParam<Excerpt> {};

TEST_P(Documented, ExcerptFindsItsIncidentByTheMessage) {
  const auto matches = MatchesOf(GetParam().log);
  EXPECT_THAT(NamesOf(matches, MatchKind::kMessage), Contains(GetParam().incident)) << GetParam().log;
}

INSTANTIATE_TEST_SUITE_P(
    Excerpts, Documented,
    ::testing::ValuesIn(std::to_array<Excerpt>(
        {{"2021-05-11T08:14:20.1Z, 37, ERROR, Encryption: ENOMEM on Failed to munmap 0x7f1c2a000, 8192",
          "ravendb-munmap-enomem"},
         {"encrypted-stream: Unable to lock memory: mlock: Cannot allocate memory", "mlock-memlock-limit"},
         {"level=error ts=2018-07-17T09:22:20.012Z caller=main.go:582 err=\"opening storage failed: "
          "reloadBlocks: 336 "
          "errors: corrupted block 01CJDJ9G: mmap, size 271: cannot allocate memory\"",
          "cortex-tsdb-mmap"},
         {"2894:M 21 Nov 2026 09:10:11.120 * 10000 changes in 60 seconds. Saving...\n"
          "2894:M 21 Nov 2026 09:10:11.124 # Can't save in background: fork: Cannot allocate memory",
          "redis-bgsave-overcommit"},
         {"[ 8273.128731] Memory cgroup out of memory: Killed process 1234 (redis-server) "
          "total-vm:319552kB, "
          "anon-rss:193432kB, file-rss:3968kB, shmem-rss:0kB, UID:0 pgtables:460kB oom_score_adj:0",
          "redis-bgsave-cow"},
         {"Nov 21 09:10:11 node7 kernel: Memory cgroup out of memory: Killed process 99 (postgres) "
          "total-vm:319552kB, "
          "anon-rss:193432kB, file-rss:3968kB, shmem-rss:0kB, UID:0 pgtables:460kB oom_score_adj:0",
          "victims-least-important-first"},
         {"[  91.411] Out of memory: Killed process 412 (primary) total-vm:1059552kB, anon-rss:1050000kB, "
          "file-rss:0kB, shmem-rss:0kB, UID:0 pgtables:2104kB oom_score_adj:0",
          "two-gigabyte-machine"},
         {"[  91.411] Kernel panic - not syncing: System is deadlocked on memory", "two-gigabyte-machine"},
         {"[ 88.1] Task in /docker/c0ffee killed as a result of limit of /docker/c0ffee",
          "victims-least-important-first"},
         {"    self.pid = os.fork()\nOSError: [Errno 12] Cannot allocate memory",
          "python-fork-larger-than-memory"},
         {"[1]: max virtual memory areas vm.max_map_count [65530] likely too low, increase to at least "
          "[262144]",
          "openjdk-mapped-files"},
         {"[ 12.0] Tasks in /kubepods/pod1/c2 are going to be killed due to memory.oom.group set",
          "victims-oom-group"}})));

TEST(Excerpts, EverySymptomOfTheCatalogueFindsItsIncident) {
  for (const Symptom& symptom : Index().Symptoms()) {
    const auto matches = MatchesOf("Nov 21 09:10:11 host app[77]: " + symptom.text + " [7]");
    const bool found = std::any_of(matches.begin(), matches.end(), [&](const SearchMatch& match) {
      return match.entry == symptom.entry &&
             (symptom.beside ? match.kind == MatchKind::kUsual : match.kind <= MatchKind::kSimilar);
    });
    // A line of one word counts only where nothing else stands in it.
    EXPECT_TRUE(found || symptom.terms.size() < 2) << symptom.text;
  }
}

TEST(Excerpts, NoMemoryAloneGivesAllThatShowItAndNamesNone) {
  const auto matches = MatchesOf("myserver[12]: could not grow: Cannot allocate memory");
  EXPECT_THAT(NamesOf(matches, MatchKind::kMessage), IsEmpty());
  const auto candidates = NamesOf(matches, MatchKind::kErrno);
  for (const char* name :
       {"ravendb-munmap-enomem", "mlock-memlock-limit", "cortex-tsdb-mmap", "redis-bgsave-overcommit"}) {
    EXPECT_THAT(candidates, Contains(name));
  }
}

std::vector<std::string> Found(const std::string& log) {
  std::vector<std::string> names;
  for (const SearchMatch& match : MatchesOf(log)) {
    names.push_back(testing::Catalogue()[match.entry].name);
  }
  return names;
}

constexpr const char* kInvoked =
    "[ 9.1] redis-server invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=0\n";

// The kernel's whole report, in which a kill of a group and one of the machine begin with the same line.
TEST(Excerpts, AKillInAGroupIsNoneOfTheMachine) {
  const auto found = Found(std::string(kInvoked) +
                           "[ 9.1] "
                           "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/"
                           ",mems_allowed=0,oom_memcg=/a,task_memcg=/a,"
                           "task=redis-server,pid=1234,uid=0\n"
                           "[ 9.1] Memory cgroup out of memory: Killed process 1234 (redis-server) "
                           "total-vm:319552kB, anon-rss:193432kB, "
                           "file-rss:3968kB, shmem-rss:0kB, UID:0 pgtables:460kB oom_score_adj:0");
  ASSERT_FALSE(found.empty());
  EXPECT_THAT(found.front(), AnyOf("redis-bgsave-cow", "controlled-restart")) << "with the program's name";
  EXPECT_THAT(found, Contains("victims-least-important-first"));
  EXPECT_THAT(found, Not(Contains("two-gigabyte-machine")));
}

TEST(Excerpts, AKillOfTheMachineIsNoneInAGroup) {
  const auto found = Found(
      std::string(kInvoked) +
      "[ 9.1] "
      "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,task_memcg=/a,"
      "task=redis-server,pid=1234,uid=0\n"
      "[ 9.1] Out of memory: Killed process 1234 (redis-server) total-vm:319552kB, anon-rss:193432kB, "
      "file-rss:0kB");
  ASSERT_FALSE(found.empty());
  EXPECT_EQ(found.front(), "two-gigabyte-machine");
  EXPECT_THAT(found, Not(Contains("victims-least-important-first")));
}

TEST(Excerpts, TheFirstLineOfAReportIsOfEitherKind) {
  EXPECT_THAT(Found(kInvoked), UnorderedElementsAre("two-gigabyte-machine", "victims-least-important-first"));
}

TEST(Excerpts, AForkThatWasRefusedForWantOfTasksIsNoneForWantOfMemory) {
  const auto found = Found(
      "    self.pid = os.fork()\n"
      "BlockingIOError: [Errno 11] Resource temporarily unavailable");
  EXPECT_THAT(found, Not(Contains("python-fork-larger-than-memory")));
  EXPECT_THAT(found, Not(Contains("python-spawn-overcommit")));
}

// All that says which limit refused the thread is the log before it.
TEST(Excerpts, AThreadThatJavaCannotStartIsOfTheMappingsOrOfTheTasks) {
  for (const char* log :
       {"java.lang.OutOfMemoryError: unable to create native thread: possibly out of memory or "
        "process/resource limits reached",
        "java.lang.OutOfMemoryError: unable to create new native thread",
        "[5.196s][warning][os,thread] Failed to start thread \"Unknown thread\" - pthread_create failed "
        "(EAGAIN) "
        "for attributes: stacksize: 24576k, guardsize: 0k, detached.",
        "[5.196s][warning][os,thread] Failed to start thread \"Unknown thread\" with pthread_create failed "
        "(EAGAIN)",
        "[56,387s][warning][os,thread] Failed to start thread - pthread_create failed (EAGAIN) for "
        "attributes: "
        "stacksize: 1024k, guardsize: 0k, detached."}) {
    const auto names = NamesOf(MatchesOf(log), MatchKind::kMessage);
    EXPECT_THAT(names, UnorderedElementsAre("openjdk-thread-mappings", "tasks-thread-limits")) << log;
  }
}

TEST(Excerpts, AThreadThatCannotStartIsNoForkThatCannot) {
  std::vector<std::string> names;
  for (const SearchMatch& match : testing::SearchLog(Index(), "pthread_create failed", true)) {
    names.push_back(testing::Catalogue()[match.entry].name);
  }
  EXPECT_THAT(names,
              UnorderedElementsAre("threads-guard-pages", "tasks-thread-limits", "openjdk-thread-mappings"));
}

TEST(Excerpts, OfForeignFailuresFindCandidatesByTheErrnoAlone) {
  for (const char* log : testing::kOfTheErrnoAlone) {
    for (const bool typed : {false, true}) {
      const auto matches = testing::SearchLog(Index(), log, typed);
      EXPECT_FALSE(matches.empty()) << log;
      for (const SearchMatch& match : matches) {
        EXPECT_EQ(match.kind, MatchKind::kErrno) << testing::Catalogue()[match.entry].name << ": " << log;
      }
    }
  }
}

TEST(Excerpts, OfFailuresThatAreNotInTheCatalogueMatchNothing) {
  for (const char* log : testing::kStrangers) {
    for (const bool typed : {false, true}) {
      const auto matches = testing::SearchLog(Index(), log, typed);
      EXPECT_THAT(matches, IsEmpty()) << testing::Catalogue()[matches.front().entry].name << ": " << log;
    }
  }
}

TEST(Excerpts, ALimitThatTheLogNamesGivesTheIncidentsThatItBinds) {
  for (const auto& [limit, logs] : testing::kOfALimit) {
    for (const char* log : logs) {
      for (const bool typed : {false, true}) {
        const auto matches = testing::SearchLog(Index(), log, typed);
        ASSERT_FALSE(matches.empty()) << log;
        for (const SearchMatch& match : matches) {
          EXPECT_EQ(match.kind, MatchKind::kLimit) << testing::Catalogue()[match.entry].name << ": " << log;
          EXPECT_THAT(testing::Catalogue()[match.entry].binding_limits, Contains(limit)) << log;
        }
      }
    }
  }
}

TEST(Excerpts, AKillAloneGivesAllThatShowOneAndNamesNone) {
  const auto killed = std::count_if(testing::Catalogue().begin(), testing::Catalogue().end(),
                                    [](const CatalogueEntry& entry) { return entry.oom_kill; });
  for (const char* log : {"container exited with code 137", "exit code 137", "Exit Code: 137",
                          "postgresql.service: A process of this unit has been killed by the OOM killer.",
                          "2026-11-21T09:10:11Z container app-1 exited with code 137"}) {
    for (const bool typed : {false, true}) {
      const auto matches = testing::SearchLog(Index(), log, typed);
      EXPECT_GE(NamesOf(matches, MatchKind::kErrno).size(), static_cast<std::size_t>(killed)) << log;
      EXPECT_EQ(NamesOf(matches, MatchKind::kErrno).size(), matches.size()) << log;
    }
  }
}

TEST(Excerpts, OfLinesThatManyFailuresPrintFindNoMoreThanCandidates) {
  for (const char* log : testing::kUsual) {
    for (const bool typed : {false, true}) {
      for (const SearchMatch& match : testing::SearchLog(Index(), log, typed)) {
        EXPECT_GE(match.kind, MatchKind::kUsual) << testing::Catalogue()[match.entry].name << ": " << log;
      }
    }
  }
}

TEST(Excerpts, AUsualLineAloneMakesItsIncidentACandidate) {
  EXPECT_THAT(
      NamesOf(MatchesOf("(error) MISCONF Redis is configured to save RDB snapshots, but it's currently "
                        "unable to persist to disk. Commands that may modify the data set are disabled"),
              MatchKind::kUsual),
      UnorderedElementsAre("redis-bgsave-overcommit", "redis-bgsave-cow"));
  EXPECT_THAT(NamesOf(MatchesOf("LOG:  all server processes terminated; reinitializing"), MatchKind::kUsual),
              ElementsAre("postgresql-one-hog"));
}

TEST(Excerpts, AUsualLineSupportsTheMessageThatTells) {
  const std::string killed = "LOG:  server process (PID 812) was terminated by signal 9: Killed\n";
  const auto alone = MatchesOf(killed);
  const auto both = MatchesOf(killed + "LOG:  all server processes terminated; reinitializing\n");
  ASSERT_THAT(NamesOf(both, MatchKind::kMessage), ElementsAre("postgresql-one-hog"));
  EXPECT_GT(both.front().score, alone.front().score);
}

TEST(Excerpts, OfHealthyRunsMatchNothing) {
  for (const char* log : testing::kHealthy) {
    const auto matches = MatchesOf(log);
    EXPECT_THAT(matches, IsEmpty()) << testing::Catalogue()[matches.front().entry].name << ": " << log;
  }
}

}  // namespace
}  // namespace brink
