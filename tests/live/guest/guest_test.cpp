// SPDX-License-Identifier: MIT
// Cases in real guests: what they say is what the host would say, and a guest that is lost is told, never
// waited for.
#include <gmock/gmock.h>
#include <sys/mount.h>
#include <unistd.h>

#include <csignal>
#include <fstream>

#include "guest_fixture.h"
#include "sandbox/accelerator.h"

namespace brink::live {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

class SameVerdict : public GuestTest, public testing::WithParamInterface<const char*> {};

TEST_P(SameVerdict, InAGuestAsOnTheHost) {
  const std::string file = Write("limit", R"(
processes: {target: {run: [)" BRINK_VICTIM R"(, touch, size=64M], cgroup: {memory.max: 32MiB}}}
expect: {target: {outcome: oom_killed, binding_limit: memory.max}}
)");
  const json here = Result(Run({file, "--sandbox", "host"}));
  const json there = Result(RunInGuest({file, "--cgroup", GetParam()}));
  EXPECT_EQ(there["sandbox"], "vm");
  EXPECT_EQ(there["cgroup_version"], GetParam());
  EXPECT_NE(there["kernel"], here["kernel"]);
  for (const char* field : {"expected_met", "outcome", "evidence_grade"}) {
    EXPECT_EQ(there[field], here[field]) << field << "\n" << there.dump(1);
  }
  EXPECT_EQ(there["binding_limit"]["name"], here["binding_limit"]["name"]);
  EXPECT_EQ(there["binding_limit"]["limit"], here["binding_limit"]["limit"]);
  EXPECT_EQ(there["oom_kills"][0]["process"], "target");
  EXPECT_EQ(there["oom_kills"][0]["scope"], "memcg");
}

INSTANTIATE_TEST_SUITE_P(BothVersions, SameVerdict, testing::Values("v1", "v2"));

/// Kernels and versions of cgroups in one run.
TEST_F(GuestTest, AMatrixHasAVerdictForEachCell) {
  const std::vector<std::string> kernels = KernelsToTest({"debian-12", "debian-13"});
  const std::string file = Write("matrix", R"(
processes: {target: {run: [)" BRINK_VICTIM R"(, split, call=munmap, count=3000]}}
machine: {sysctl: {vm.max_map_count: 2000}}
expect: {target: {failure: {call: munmap, errno: ENOMEM}, binding_limit: vm.max_map_count}}
)");
  const json results = ResultsOnKernels(file, {"--cgroup", "v1,v2"}, kernels);
  ASSERT_EQ(results.size(), 2 * kernels.size());
  for (const json& result : results) {
    const bool is_v1 = result["run_dir"].get<std::string>().find("v1") != std::string::npos;
    const bool has_v1 = result["guest_kernel"] == "debian-11" || result["guest_kernel"] == "debian-12";
    if (is_v1 && !has_v1) {
      EXPECT_EQ(result["outcome"], "not_applicable") << result.dump(1);
    } else {
      EXPECT_EQ(result["expected_met"], true) << result.dump(1);
    }
  }
}

TEST_F(GuestTest, MachineWideValuesChangeInTheGuestAlone) {
  const std::string file = Write("mappings", R"(
machine: {sysctl: {vm.max_map_count: 2000}}
processes: {target: {run: [)" BRINK_VICTIM R"(, split, call=munmap, count=3000]}}
expect: {target: {failure: {call: munmap, errno: ENOMEM}, binding_limit: vm.max_map_count}}
)");
  const Ended ended = Run({file});  // --sandbox auto
  const json result = Result(ended);
  EXPECT_EQ(result["sandbox"], "vm");
  EXPECT_EQ(result["expected_met"], true) << result.dump(1);
  ExpectAsBefore(before_, {});
}

TEST_F(GuestTest, AValueThatItsKernelLacksIsNoFailureOfBrink) {
  const std::string file = Write("mistyped", R"(
machine: {sysctl: {vm.no_such_thing: 1}}
processes: {target: {run: ['true']}}
)");
  const json result = Result(RunInGuest({file}));
  EXPECT_EQ(result["outcome"], "inconclusive") << result.dump(1);
  EXPECT_EQ(result["reason"], "this kernel has no vm.no_such_thing");
  EXPECT_THAT(result["remedy"].dump(), HasSubstr("check its name"));
}

TEST_F(GuestTest, EqualMachinesShareOneBoot) {
  const std::string file = WriteExit("quick", "0");
  const Ended ended = RunInGuest({file, "--repeat", "4"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_EQ(ExpectOneDocument(ended.output)["results"].size(), 4U);
  EXPECT_EQ(Boots(Path("out-1")), 1);
}

TEST_F(GuestTest, AMachineThatRanOutOfMemoryIsNotUsedAgain) {
  const std::string file = Write("machine-oom", R"(
machine: {memory: 512MiB}
processes: {target: {run: [)" BRINK_VICTIM R"(, touch, size=2G]}}
expect: {target: {outcome: oom_killed, oom_scope: machine}}
)");
  const Ended ended = RunInGuest({file, "--repeat", "2"});
  EXPECT_EQ(ended.status, 0) << ended.output << ended.errors;
  EXPECT_EQ(Boots(Path("out-1")), 2);
}

/// A group below a read-only mount cannot be removed. (Nor can one with a process that cannot be killed, but
/// for that one brink waits.)
TEST_F(GuestTest, AMachineWithAGroupLeftOverIsNotUsedAgain) {
  const std::string file = Write("left", R"(
processes: {target: {run: [/bin/sleep, '1000']}}
steps:
  - run: [sh, -ec, 'cd /sys/fs/cgroup$(cut -d: -f3 /proc/self/cgroup); mkdir left; mount --bind . .;
          mount -o remount,bind,ro $PWD']
    expect: {exit: 0}
expect: {target: {outcome: survived}}
)");
  const Ended ended = RunInGuest({file, "--cgroup", "v2", "--repeat", "2"});
  const json document = ExpectOneDocument(ended.output);
  ASSERT_EQ(document["results"].size(), 2U) << ended.errors;
  for (const json& result : document["results"]) {
    EXPECT_EQ(result["expected_met"], true) << result.dump(1);
  }
  EXPECT_EQ(Boots(Path("out-1")), 2) << ended.errors;
}

/// What a case's own commands change is nothing that brink could put back. The next guest is fresh, and
/// shared by all that follow: they find what they would on the host.
TEST_F(GuestTest, AMachineThatACaseChangedIsNotUsedAgain) {
  const std::string file = Write("changed", R"(
machine: {cgroup: v2}
processes: {target: {run: [/bin/sleep, '1000']}}
cases:
  changes:
    steps:
      - run: [sh, -ec, 'cd /; echo $$ >/sys/fs/cgroup/cgroup.procs; setsid sleep 999 >/dev/null 2>&1 &']
      - run:
        - sh
        - -ec
        - |
          echo 3000 >/proc/sys/vm/max_map_count
          echo "4096 4096 4096" >/proc/sys/net/ipv4/tcp_rmem
          echo 1 >/sys/kernel/mm/ksm/run
          echo Y >/sys/module/zswap/parameters/enabled
          echo 0 >/sys/devices/system/cpu/cpu1/online
          date --set 2040-01-01
          echo left >/dev/shm/left
          echo 1G >/sys/fs/cgroup/$(cut -d/ -f2 /proc/self/cgroup)/memory.max
          mkdir /sys/fs/cgroup/left-by-a-case
          echo left >/tmp/left-by-a-case
        expect: {exit: 0}
    expect: {target: {outcome: survived}}
  fresh:
    steps:
      - {run: [sh, -c, 'cat /proc/sys/vm/max_map_count; ls /dev/shm /tmp/left-by-a-case'], as: before}
      - {run: [sh, -c, 'env | grep -c ^BRINK_'], as: words}
      - {run: [sh, -c, 'getent hosts $(hostname)'], as: name}
    expect:
      target: {outcome: survived}
      before: {output: "^65530$"}
      words: {output: "^0$"}
      name: {output: "127\\.0\\.1\\.1 +brink-guest"}
  huge-pages:  # with them the kernel raises the other by itself
    machine: {thp: {enabled: madvise}, sysctl: {vm.min_free_kbytes: 10000}}
    steps: [{run: [cat, /proc/sys/vm/min_free_kbytes], as: kept}]
    expect: {target: {outcome: survived}, kept: {output: "^10000$"}}
  again: {processes: {target: {run: [/bin/true]}}, expect: {target: {outcome: survived}}}
)");
  ::setenv("SPDLOG_LEVEL", "info", 1);
  const Ended ended = RunInGuest({file});
  ::unsetenv("SPDLOG_LEVEL");
  EXPECT_EQ(ended.status, 0) << ended.output << ended.errors;
  EXPECT_EQ(Boots(Path("out-1")), 2) << ended.errors;
  for (const char* trace :
       {"(sleep) was not there", "max_map_count was 65530, and is 3000", "tcp_rmem was ",
        "ksm/run was 0, and is 1", "zswap/parameters/enabled was N, and is Y", "cpu/online was 0-1, and is 0",
        "the time of the boot by the clock was ", "/dev/shm/left was not there", "the number of files ",
        "/memory.max was not there, and is 1073741824", "/sys/fs/cgroup/left-by-a-case was not there"}) {
    EXPECT_THAT(ended.errors, HasSubstr(trace));
  }
}

/// Every hierarchy has brink's group, which is made for the first case that needs it and is no trace itself.
TEST_F(GuestTest, AMachineWithALimitAboveTheCasesGroupsIsNotUsedAgain) {
  const std::string file = Write("above", R"(
machine: {cgroup: v1}
processes: {target: {run: [/bin/sleep, '1000'], cgroup: {cpu.max: 90000 100000, cpuset.cpus: '0-1'}}}
cases:
  limits-itself: {steps: [{run: ['true']}]}
  limits-all:
    steps:
      - run: [sh, -ec, 'cd /sys/fs/cgroup/memory; echo 1G >$(sed -n "s,.*:memory:/\([^/]*\).*,\1,p"
              /proc/self/cgroup)/memory.limit_in_bytes']
        expect: {exit: 0}
  after: {steps: [{run: [sleep, '0']}]}
expect: {target: {outcome: survived}}
)");
  const Ended ended = RunInGuest({file});
  EXPECT_EQ(ended.status, 0) << ended.output << ended.errors;
  EXPECT_EQ(Boots(Path("out-1")), 2) << ended.errors;
}

TEST_F(GuestTest, ProcessorsAndBootWordsAreAsAskedAndAResetIsTold) {
  const std::string file = Write("asked", R"(
machine: {cpus: 1, boot: [asked_for=this]}
processes: {target: {run: [/bin/sleep, '1000']}}
cases:
  looks:
    steps:
      - {run: [nproc], as: processors}
      - {run: [cat, /proc/cmdline], as: words}
      - {run: [sh, -c, 'env | grep -c ^asked_for'], as: inherited}
    expect:
      target: {outcome: survived}
      processors: {output: "^1$"}
      words: {output: " asked_for=this"}
      inherited: {output: "^0$"}
  resets: {steps: [{run: [sh, -c, 'echo b >/proc/sysrq-trigger; sleep 100']}]}
)");
  const Ended ended = RunInGuest({file});
  const json document = ExpectOneDocument(ended.output);
  ASSERT_EQ(document["results"].size(), 2U) << ended.errors;
  EXPECT_EQ(document["results"][0]["expected_met"], true) << document["results"][0].dump(1);
  EXPECT_EQ(document["results"][1]["guest"]["lost"], "reset") << document["results"][1].dump(1);
  EXPECT_EQ(document["results"][1]["outcome"], "inconclusive");
  EXPECT_EQ(Boots(Path("out-1")), 1) << ended.errors;
}

TEST_F(GuestTest, APanicIsAnOutcomeWithTheConsolesLastLines) {
  const std::string file = Write("panic", R"(
machine: {memory: 512MiB, sysctl: {vm.panic_on_oom: 2}}
processes: {target: {run: [)" BRINK_VICTIM R"(, touch, size=2G]}}
expect: {machine: {outcome: machine_panicked}}
)");
  const Ended ended = RunInGuest({file});
  const json result = Result(ended);
  EXPECT_EQ(result["outcome"], "machine_panicked") << result.dump(1);
  EXPECT_EQ(result["expected_met"], true) << result.dump(1);
  EXPECT_THAT(result["guest"]["console"].dump(), HasSubstr("panic"));
  EXPECT_THAT(result["reason"].get<std::string>(), HasSubstr("panicked: Out of memory"));
}

TEST_F(GuestTest, AGuestThatHangsIsToldAndEnded) {
  BrinkProcess brink(
      folder_, "brink",
      {"run", WriteStaying("hangs"), "--sandbox", "vm", "--out", Path("out"), "--format", "json"});
  ASSERT_TRUE(AwaitTarget(Path("out"))) << brink.Errors();
  const auto guests = GuestsOf(Path("out"));
  ASSERT_EQ(guests.size(), 1U);
  ASSERT_EQ(::kill(guests[0], SIGSTOP), 0);  // none of its processors runs any more
  ASSERT_TRUE(brink.EndsWithin(patience_));
  const json result =
      Result({.status = *brink.ExitCode(), .output = brink.Output(), .errors = brink.Errors()});
  EXPECT_EQ(result["guest"]["lost"], "hung") << result.dump(1);
  EXPECT_THAT(result["reason"].get<std::string>(), HasSubstr("did not answer"));
  EXPECT_TRUE(AwaitNoGuest(Path("out")));
}

TEST_F(GuestTest, AnAgentThatDiesCutsTheCaseNotTheRun) {
  const std::string file = Write("cut", R"(
processes: {target: {run: [/bin/sleep, '1000']}}
cases:
  a: {steps: [{run: [/bin/sh, -c, 'kill -9 $PPID; sleep 100']}], expect: {target: {outcome: survived}}}
  b: {processes: {target: {run: [/bin/true]}}}
)");
  const Ended ended = RunInGuest({file});
  const json document = ExpectOneDocument(ended.output);
  ASSERT_EQ(document["results"].size(), 2U) << ended.errors;
  EXPECT_EQ(document["results"][0]["guest"]["lost"], "cut");
  EXPECT_THAT(document["results"][0]["reason"].dump(), HasSubstr("agent was ended by SIGKILL"));
  EXPECT_EQ(document["results"][0]["expected_met"], nullptr);
  EXPECT_EQ(document["results"][1]["expected_met"], true);
  EXPECT_EQ(Boots(Path("out-1")), 2);
}

TEST_F(GuestTest, AKilledBrinkLeavesNoQemuAndNoFalseVerdict) {
  BrinkProcess brink(folder_, "brink",
                     {"run", WriteStaying("killed"), "--sandbox", "vm", "--out", Path("out")});
  ASSERT_TRUE(AwaitTarget(Path("out"))) << brink.Errors();
  EXPECT_THAT(GuestsOf(Path("out")), Not(IsEmpty()));
  brink.Signal(SIGKILL);
  EXPECT_TRUE(AwaitNoGuest(Path("out")));
  const std::string run_dir = Path("out/killed/default");
  EXPECT_TRUE(std::filesystem::exists(run_dir + "/plan.json"));  // the mark of a run that was begun
  EXPECT_FALSE(std::filesystem::exists(run_dir + "/verdict.json"));
}

/// brink makes itself the OOM killer's last choice; what it started for a test must not be spared with it.
TEST_F(GuestTest, OutOfMemoryItGoesBeforeTheUsersPrograms) {
  BrinkProcess brink(folder_, "brink",
                     {"run", WriteStaying("victim"), "--sandbox", "vm", "--out", Path("out")});
  ASSERT_TRUE(AwaitTarget(Path("out"))) << brink.Errors();
  const auto guests = GuestsOf(Path("out"));
  ASSERT_EQ(guests.size(), 1U);
  int adjustment = 0;
  std::ifstream("/proc/" + std::to_string(guests[0]) + "/oom_score_adj") >> adjustment;
  EXPECT_EQ(adjustment, 500);
  brink.Signal(SIGINT);
  EXPECT_TRUE(brink.EndsWithin(patience_));
}

TEST_F(GuestTest, CtrlCEndsTheGuestAtOnce) {
  BrinkProcess brink(folder_, "brink",
                     {"run", WriteStaying("interrupted"), "--sandbox", "vm", "--out", Path("out")});
  ASSERT_TRUE(AwaitTarget(Path("out"))) << brink.Errors();
  brink.Signal(SIGINT);
  ASSERT_TRUE(brink.EndsWithin(patience_));
  EXPECT_EQ(brink.ExitCode(), 130);
  EXPECT_TRUE(AwaitNoGuest(Path("out")));
}

TEST_F(GuestTest, AFullDiskIsToldAndHangsNothing) {
  const std::string small = Path("small");
  std::filesystem::create_directory(small);
  ASSERT_EQ(::mount("tmpfs", small.c_str(), "tmpfs", 0, "size=8m"), 0);
  const std::string file = Write("full", R"(
processes: {target: {run: [/bin/sh, -c, 'head -c 64M /dev/zero >data; sync data || exit 7']}}
expect: {target: {outcome: survived}}
)");
  const Ended ended = Brink({"run", file, "--sandbox", "vm", "--out", small + "/out", "--format", "json"});
  EXPECT_EQ(ended.status, 4) << ended.output << ended.errors;  // nor is there room for the evidence
  const json result = Result(ended);
  EXPECT_EQ(result["outcome"], "inconclusive") << result.dump(1);
  EXPECT_EQ(result["expected_met"], nullptr);
  EXPECT_THAT(result["reason"].get<std::string>(), HasSubstr("No space left on device"));
  EXPECT_THAT(result["remedy"].get<std::string>(), HasSubstr("--out"));
  ::umount2(small.c_str(), MNT_DETACH);
}

TEST_F(GuestTest, TwoBrinksAtOnceDoNotMeet) { ExpectTwoAtOnceMet(WriteExit("twice", "0")); }

TEST_F(GuestTest, JobsRunGuestsSideBySide) {
  const std::string file = WriteExit("beside", "0");
  const Ended ended = RunInGuest({file, "--repeat", "4", "--jobs", "2"});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_EQ(ExpectOneDocument(ended.output)["results"].size(), 4U);
  EXPECT_LE(Boots(Path("out-1")), 2);
}

/// Nor a home: the kernel comes from the machine's cache, and the guest is saved in the user's.
TEST_F(GuestTest, WithoutRootItRunsAllTheSame) {
  const std::string file = WriteExit("unprivileged", "0");
  std::filesystem::permissions(folder_, std::filesystem::perms::all);
  const Ended ended = Shell(
      "setpriv --reuid=65534 --regid=65534 --clear-groups env -u BRINK_CACHE HOME=/nonexistent "
      "XDG_CACHE_HOME=" +
      Path("caches") + " $BRINK run " + file + " --out " + Path("nobody") + " --format json");
  const json result = Result(ended);
  EXPECT_EQ(result["sandbox"], "vm") << ended.errors;
  EXPECT_EQ(result["expected_met"], true) << result.dump(1);
  const std::filesystem::path kernel = Path("caches/brink/kernels/debian-12");
  EXPECT_TRUE(std::filesystem::exists(kernel / "vmlinux"));
  if (::access("/dev/kvm", F_OK) != 0 || ChooseAccelerator().name == "tcg") {
    EXPECT_TRUE(std::filesystem::exists(kernel / "saved"));
  }
}

}  // namespace
}  // namespace brink::live
