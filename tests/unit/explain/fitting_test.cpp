// SPDX-License-Identifier: MIT
#include "explain/fitting.h"

#include <gmock/gmock.h>

namespace brink {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

CatalogueEntry Entry(std::string name, std::vector<std::string> programs, std::vector<std::string> limits) {
  CatalogueEntry entry;
  entry.name = std::move(name);
  entry.programs = std::move(programs);
  entry.binding_limits = std::move(limits);
  return entry;
}

const std::vector<CatalogueEntry> kCatalogue{
    Entry("maps", {"tsdb"}, {"vm.max_map_count"}),
    Entry("redis", {"redis-server"}, {"commit_limit"}),
    Entry("redis-maps", {"redis-server"}, {"vm.max_map_count"}),
    Entry("shell", {"sh"}, {"RLIMIT_AS"}),
};

std::vector<std::string> NamesThatFit(const LivingProcess& process, const std::vector<LimitRow>& rows) {
  std::vector<std::string> names;
  for (const FittingIncident& each : FittingIncidents(process, rows, kCatalogue)) {
    names.push_back(kCatalogue[each.entry].name);
  }
  return names;
}

LivingProcess Named(const std::string& name) {
  LivingProcess process;
  process.comm = name;
  return process;
}

LimitRow Row(const std::string& limit, std::uint64_t use) {
  LimitRow row;
  row.limit = limit;
  row.use = use;
  row.of = 100;
  return row;
}

TEST(Fitting, ItsProgramAtTheNearLimitComesFirstThenTheLimitThenTheProgram) {
  const std::vector<LimitRow> rows{Row("vm.max_map_count", 90)};
  EXPECT_THAT(NamesThatFit(Named("redis-server"), rows), ElementsAre("redis-maps", "maps", "redis"));
  EXPECT_THAT(FittingIncidents(Named("redis-server"), rows, kCatalogue).front().why,
              HasSubstr("it is of redis-server; vm.max_map_count is at 90%"));
}

TEST(Fitting, ALimitThatIsFarOrDoesNotBindFitsNothing) {
  EXPECT_THAT(NamesThatFit(Named("other"), {Row("vm.max_map_count", 20)}), ElementsAre());
  LimitRow idle = Row("commit_limit", 99);
  idle.enforced = false;
  EXPECT_THAT(NamesThatFit(Named("other"), {idle}), ElementsAre());
}

TEST(Fitting, TheLimitThatIsNearIsNotCrowdedOutByIncidentsOfTheProgram) {
  std::vector<CatalogueEntry> catalogue;
  for (int number = 0; number < 10; ++number) {
    catalogue.push_back(Entry("fork", {"server"}, {"commit_limit"}));
  }
  catalogue.push_back(Entry("maps", {"tsdb"}, {"vm.max_map_count"}));
  const std::vector<LimitRow> rows{Row("vm.max_map_count", 97)};
  const auto found = FittingIncidents(Named("server"), rows, catalogue);
  ASSERT_EQ(found.size(), kMostFitting);
  EXPECT_EQ(catalogue[found.front().entry].name, "maps");
}

TEST(Fitting, AnInterpreterIsNoProgramOfAnIncidentWhateverItsVersion) {
  const std::vector catalogue{Entry("script", {"python3"}, {}), Entry("other", {"python3.11"}, {})};
  for (const char* name : {"python", "python3", "python3.11", "perl5.36.0"}) {
    LivingProcess process = Named("worker");
    process.exe = std::string("/usr/bin/") + name;
    EXPECT_TRUE(FittingIncidents(process, {}, catalogue).empty()) << name;
  }
}

TEST(Fitting, AShellIsNoProgramOfAnIncident) { EXPECT_THAT(NamesThatFit(Named("sh"), {}), ElementsAre()); }

TEST(Fitting, AFolderThatIsNoSystemsNameFitsNoProgram) {
  CatalogueEntry entry = Entry("by-folder", {"model"}, {});
  entry.system = "victims";
  entry.incident.emplace().systems = {"Kubernetes pods"};
  EXPECT_TRUE(FittingIncidents(Named("victim"), {}, std::vector{entry}).empty());
  entry.system = "ravendb";
  entry.incident->systems = {"RavenDB with encrypted databases"};
  EXPECT_EQ(FittingIncidents(Named("ravendb"), {}, std::vector{entry}).size(), 1U);
}

TEST(Fitting, AProgramIsKnownByItsFileAndItsPackage) {
  LivingProcess renamed = Named("main");
  renamed.exe = "/usr/bin/redis-server";
  EXPECT_THAT(NamesThatFit(renamed, {}), ElementsAre("redis", "redis-maps"));
  auto catalogue = kCatalogue;
  catalogue[0].software = {"postgresql"};
  EXPECT_EQ(FittingIncidents(Named("postgres"), {}, catalogue).size(), 1U);
}

TEST(Fitting, AProgramBehindAShellIsKnownByItsTagOrTheNamePeopleGiveIt) {
  auto catalogue = std::vector{Entry("heap", {"sh"}, {"memory.max"}), Entry("carrier", {"erl"}, {}),
                               Entry("pool", {"sh"}, {})};
  catalogue[0].tags = {"openjdk", "java"};
  catalogue[1].tags = {"erlang"};
  catalogue[2].tags = {"mariadb", "mysql"};
  const auto fitting = [&](const std::string& name) {
    const auto found = FittingIncidents(Named(name), {}, catalogue);
    return found.size() == 1 ? catalogue[found.front().entry].name + ": " + found.front().why : "";
  };
  EXPECT_EQ(fitting("java"), "heap: it is of java");
  EXPECT_EQ(fitting("beam.smp"), "carrier: it is of erlang");
  EXPECT_EQ(fitting("mysqld"), "pool: it is of mysql");
  EXPECT_EQ(fitting("javac"), "") << "a tag must be its whole name";
}

TEST(Fitting, OneThatIsHeldUpFitsStallsOfThatLimit) {
  auto catalogue =
      std::vector{Entry("killed", {"sh"}, {"memory.max"}), Entry("thrash", {"sh"}, {"memory.max"}),
                  Entry("waits", {"sh"}, {"memory.max"})};
  catalogue[1].stall_limits = {"memory.max"};
  catalogue[2].stall_limits = {"memory.max"};
  catalogue[2].tags = {"cgroup_v1"};
  LivingProcess process = Named("other");
  process.memory_groups.emplace_back();
  LimitRow row = Row("memory.max", 20);
  EXPECT_TRUE(FittingIncidents(process, std::vector{row}, catalogue).empty());
  row.stall = "all its tasks waited";
  const auto found = FittingIncidents(process, std::vector{row}, catalogue);
  ASSERT_EQ(found.size(), 1U);
  EXPECT_EQ(catalogue[found.front().entry].name, "thrash");
  EXPECT_EQ(found.front().why, "memory.max: all its tasks waited");
  process.memory_groups.front().oom_kill_disabled = true;
  EXPECT_EQ(FittingIncidents(process, std::vector{row}, catalogue).size(), 2U);
}

}  // namespace
}  // namespace brink
