// SPDX-License-Identifier: MIT
// What stands in a file, in the plan's terms.
#include <set>

#include "support.h"

namespace brink::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

std::vector<std::string> Show(const std::vector<Setting>& settings) {
  std::vector<std::string> words;
  for (const Setting& setting : settings) {
    words.push_back(setting.name + "=" + setting.value);
  }
  return words;
}

StepPlan OnlyStep(const std::string& step, const std::string& process = "", const std::string& more = "") {
  const Plan plan = PlanOf(WithProcess(process, more + "steps: [{" + step + "}]\n"));
  EXPECT_THAT(plan.steps, SizeIs(1));
  return plan.steps.empty() ? StepPlan() : plan.steps.front();
}

Expectation OnlyExpectation(const std::string& what) {
  const Plan plan = PlanOf(WithProcess("", "expect: {p: {" + what + "}}\n"));
  EXPECT_THAT(plan.expect, SizeIs(1));
  return plan.expect.empty() ? Expectation() : plan.expect.front();
}

TEST(Plan, GivesMachineSettingsInTheKernelsUnits) {
  const Plan plan = PlanOf(WithProcess("",
                                       "machine:\n"
                                       "  sysctl: {vm.max_map_count: 65530, vm.overcommit_kbytes: +64MiB, "
                                       "vm.admin_reserve_kbytes: 10%, vm.user_reserve_kbytes: 0, "
                                       "vm.oom_kill_allocating_task: true}\n"
                                       "  thp: {enabled: always, defrag: defer+madvise}\n"));
  EXPECT_THAT(Show(plan.machine),
              ElementsAre("vm.max_map_count=65530", "vm.overcommit_kbytes=+65536",
                          "vm.admin_reserve_kbytes=838860", "vm.user_reserve_kbytes=0",
                          "vm.oom_kill_allocating_task=1", "thp.enabled=always", "thp.defrag=defer+madvise"));
}

TEST(Plan, GivesGroupSettingsInBytesAndCounts) {
  const Plan plan =
      PlanOf(WithProcess("    cgroup: {memory.max: 25%, memory.high: 16pages, memory.swap.max: max, "
                         "pids.max: max, memory.oom.group: 1, "
                         "cpu.max: 50000 100000, cpuset.cpus: \"0-1,3\"}\n"));
  EXPECT_THAT(Show(plan.groups.at(0).settings),
              ElementsAre("memory.max=2147483648", "memory.high=65536", "memory.swap.max=max", "pids.max=max",
                          "memory.oom.group=1", "cpu.max=50000 100000", "cpuset.cpus=0-1,3"));
}

TEST(Plan, HasEachGroupOnceSharedOrOwn) {
  const Plan plan = PlanOf(
      "name: n\n"
      "groups: {shared: {memory.max: 1GiB}}\n"
      "processes:\n"
      "  a: {run: [\"true\"], cgroup: {group: shared}}\n"
      "  b: {run: [\"true\"], cgroup: {group: shared}}\n"
      "  c: {run: [\"true\"]}\n");
  ASSERT_THAT(plan.groups, SizeIs(2));
  EXPECT_EQ(plan.groups[0].name, "shared");
  EXPECT_EQ(plan.groups[1].name, "c");
  EXPECT_EQ(plan.processes[0].group, "shared");
  EXPECT_EQ(plan.processes[1].group, "shared");
  EXPECT_EQ(plan.processes[2].group, "c");
}

TEST(Plan, ReadsEveryKeyOfAProcess) {
  const Plan plan =
      PlanOf(WithProcess("    cwd: sub\n    user: nobody\n    nice: -5\n    start: manual\n    stop: "
                         "{signal: SIGINT, timeout: 250ms}\n"
                         "    rlimits: {memlock: {soft: 64KiB, hard: 64MiB}, nofile: 100, core: unlimited}\n"
                         "    ready: {exec: [\"true\", x], timeout: 1min}\n"
                         "    children: {c: {exe: worker, oom_score_adj: 1000}}\n"));
  const ProcessPlan& process = plan.processes.at(0);
  EXPECT_EQ(process.cwd, "/run/case/data/sub");
  EXPECT_EQ(process.user, "nobody");
  EXPECT_EQ(process.nice, -5);
  EXPECT_FALSE(process.autostart);
  EXPECT_EQ(process.stop_signal, 2);
  EXPECT_EQ(process.stop_timeout_s, 0.25);
  ASSERT_THAT(process.rlimits, SizeIs(3));
  EXPECT_EQ(process.rlimits[0].soft, "65536");
  EXPECT_EQ(process.rlimits[0].hard, "67108864");
  EXPECT_EQ(process.rlimits[1].name, "RLIMIT_NOFILE");
  EXPECT_EQ(process.rlimits[1].hard, "100");
  EXPECT_EQ(process.rlimits[2].soft, "unlimited");
  EXPECT_THAT(process.ready.value().exec, ElementsAre("/usr/bin/true", "x"));
  EXPECT_EQ(process.ready.value().timeout_s, 60);
  EXPECT_EQ(process.children.at(0).exe, "worker");
  EXPECT_EQ(process.children.at(0).oom_score_adj, 1000);
}

TEST(Plan, ReadsTheMachineThatOnlyAGuestCanBe) {
  const Plan plan = PlanOf(WithProcess("",
                                       "machine: {memory: 1GiB, swap: 512MiB, zram: 256MiB, cpus: 4, cgroup: "
                                       "v1, kernel: debian-11, boot: [quiet, a=b]}\n"));
  EXPECT_TRUE(plan.needs_guest);
  EXPECT_EQ(plan.guest.memory_bytes, 1ULL << 30);
  EXPECT_EQ(plan.guest.swap_bytes, 512ULL << 20);
  EXPECT_EQ(plan.guest.zram_bytes, 256ULL << 20);
  EXPECT_EQ(plan.guest.cpus, 4);
  EXPECT_EQ(plan.guest.cgroup, "v1");
  EXPECT_EQ(plan.guest.kernel, "debian-11");
  EXPECT_THAT(plan.guest.boot, ElementsAre("quiet", "a=b"));
  EXPECT_TRUE(PlanOf(WithProcess("", "machine: {kernel: ./image}\n")).guest.kernel.starts_with('/'));
  EXPECT_TRUE(PlanOf(WithProcess("", "machine: {zram: 64MiB}\n")).needs_guest);
  EXPECT_FALSE(PlanOf(WithProcess("")).needs_guest);
  EXPECT_EQ(PlanOf(WithProcess("")).guest, GuestSpec{});
}

TEST(Plan, AnySysctlIsAllowedInAGuest) {
  const Plan plan =
      PlanOf(WithProcess("", "machine: {sysctl: {kernel.threads-max: 1000, net.ipv4.tcp_mem: 1 2 3}}\n"));
  EXPECT_THAT(Show(plan.machine), ElementsAre("kernel.threads-max=1000", "net.ipv4.tcp_mem=1 2 3"));
  EXPECT_TRUE(plan.needs_guest);
  EXPECT_TRUE(
      PlanOf(WithProcess("", "steps: [{set: {machine: {sysctl: {vm.min_free_kbytes: 9}}}}]\n")).needs_guest);
  EXPECT_TRUE(PlanOf(WithProcess("", "machine: {sysctl: {vm.panic_on_oom: 1}}\n")).needs_guest);
  EXPECT_FALSE(PlanOf(WithProcess("", "machine: {sysctl: {vm.panic_on_oom: 0}}\n")).needs_guest);
  EXPECT_FALSE(PlanOf(WithProcess("", "machine: {sysctl: {vm.max_map_count: 9000}}\n")).needs_guest);
}

TEST(Plan, KnowsTheVersionOfCgroupsThatAScenarioIsBoundTo) {
  const auto demand = [](const std::string& text) {
    const LoadResult loaded = ParseScenario(text, "x.yaml");
    const PlanResult made = MakePlan(loaded.scenario, loaded.scenario.cases.at(0), FakeHost());
    EXPECT_EQ(made.plan.guest.cgroup, made.cgroup.version == "v1" ? "v1" : "v2");
    return made.cgroup.version + ": " + made.cgroup.reason;
  };
  EXPECT_EQ(demand(WithProcess("    cgroup: {memory.max: 9MiB}\n")), ": ");
  EXPECT_EQ(demand(WithProcess("    cgroup: {memory.high: 9MiB}\n")),
            "v2: memory.high exists in cgroup v2 only");
  EXPECT_EQ(demand(WithProcess("    cgroup: {memory.oom_kill_disable: 1}\n")),
            "v1: memory.oom_kill_disable exists in cgroup v1 only");
  EXPECT_EQ(demand(WithProcess("", "steps: [{set: {p: {cgroup: {memory.oom.group: 1}}}}]\n")),
            "v2: memory.oom.group exists in cgroup v2 only");
  EXPECT_EQ(demand(WithProcess("", "machine: {cgroup: v1}\n")), "v1: the scenario asks for cgroup v1");
}

TEST(Plan, ExpectsOfTheMachine) {
  const Plan plan = PlanOf(WithProcess("", "expect: {machine: {outcome: [machine_panicked, hung]}}\n"));
  ASSERT_THAT(plan.expect, SizeIs(1));
  EXPECT_EQ(plan.expect[0].subject, "machine");
  EXPECT_THAT(plan.expect[0].outcome, ElementsAre("machine_panicked", "hung"));
}

TEST(Plan, ExpectsVictimsOfTheMachine) {
  const Plan plan = PlanOf(WithProcess("    children: {c: {title: x}}\n",
                                       "expect: {machine: {predicted_victim: p, oom_victim: [p, c]}}\n"));
  ASSERT_THAT(plan.expect, SizeIs(1));
  EXPECT_THAT(plan.expect[0].outcome, IsEmpty());
  EXPECT_THAT(plan.expect[0].predicted_victim, ElementsAre("p"));
  EXPECT_THAT(plan.expect[0].oom_victim, ElementsAre("p", "c"));
}

TEST(Plan, AKernelsPathsAreSeenFromTheFolder) {
  EXPECT_EQ(KernelSeenFrom("debian-12", "/x"), "debian-12");
  EXPECT_EQ(KernelSeenFrom("./bzImage", "/x"), "/x/bzImage");
  EXPECT_EQ(KernelSeenFrom("k/bzImage:/lib/modules/6", "/x"), "/x/k/bzImage:/lib/modules/6");
}

TEST(Plan, ReadsRunSteps) {
  const StepPlan step = OnlyStep(
      "as: s, run: [\"true\"], env: {A: b}, background: true, timeout: 3s, "
      "expect: {exit: 1, output: x, time: 2s}");
  EXPECT_EQ(step.as, "s");
  EXPECT_EQ(step.timeout_s, 3);
  EXPECT_THAT(step.expect.exit, ElementsAre(1));
  EXPECT_EQ(step.expect.output, "x");
  EXPECT_EQ(step.expect.max_duration_s, 2);
  const auto& run = std::get<RunStep>(step.action);
  EXPECT_THAT(run.argv, ElementsAre("/usr/bin/true"));
  EXPECT_EQ(run.env.at("A"), "b");
  EXPECT_TRUE(run.background);
}

TEST(Plan, ReadsSetSteps) {
  const StepPlan step = OnlyStep(
      "set: {p: {cgroup: {pids.max: 5}, rlimits: {as: 1GiB}, oom_score_adj: 5, nice: 1}, g: {cgroup: "
      "{memory.max: max}}, "
      "machine: {sysctl: {vm.swappiness: 0}}}",
      "", "groups: {g: {}}\n");
  const auto& set = std::get<SetStep>(step.action);
  EXPECT_THAT(Show(set.machine), ElementsAre("vm.swappiness=0"));
  ASSERT_THAT(set.targets, SizeIs(2));
  EXPECT_THAT(Show(set.targets[0].cgroup), ElementsAre("pids.max=5"));
  EXPECT_EQ(set.targets[0].rlimits.at(0).soft, "1073741824");
  EXPECT_EQ(set.targets[0].oom_score_adj, 5);
  EXPECT_EQ(set.targets[0].nice, 1);
  EXPECT_EQ(set.targets[1].name, "g");
}

TEST(Plan, ReadsStepsThatActOnProcesses) {
  EXPECT_EQ(std::get<SignalStep>(OnlyStep("signal: {p: SIGTERM}").action).signal, 15);
  EXPECT_EQ(std::get<SignalStep>(OnlyStep("signal: {p: 9}").action).signal, 9);
  EXPECT_EQ(std::get<StartStep>(OnlyStep("start: p").action).process, "p");
  EXPECT_EQ(std::get<StopStep>(OnlyStep("stop: p").action).process, "p");
  const auto squeeze =
      std::get<SqueezeStep>(OnlyStep("squeeze: {p: {memory.max: {to: 200MiB, by: 10MiB}}}").action);
  EXPECT_EQ(squeeze.to_bytes, 200U << 20);
  EXPECT_EQ(squeeze.by_bytes, 10U << 20);
  EXPECT_EQ(squeeze.every_s, 0.1);
}

TEST(Plan, ReadsEveryCondition) {
  const auto wait = [](const std::string& condition, const std::string& process = "") {
    return std::get<WaitStep>(OnlyStep("wait: {" + condition + "}", process).action);
  };
  EXPECT_EQ(wait("tcp: \"${port.x}\"").tcp, 4000);
  EXPECT_TRUE(wait("exit: p").exit);
  EXPECT_EQ(wait("time: 2s").duration_s, 2);
  EXPECT_EQ(wait("mappings: {process: p, above: 1000}").map_count_above, 1000U);
  EXPECT_EQ(wait("memory: {process: p, above: 1MiB}").memory_above, 1U << 20);
  EXPECT_EQ(wait("memory: {process: p, above: 80%}", "    cgroup: {memory.max: 1000KiB}\n").memory_above,
            800U << 10);
}

TEST(Plan, ReadsEveryExpectation) {
  const Expectation expect = OnlyExpectation(
      "outcome: [failed, hung], exit: 3, signal: SIGKILL, killed_by: \"oom:memcg\", oom_scope: memcg, "
      "failure: {call: mmap, errno: ENOMEM, count: {min: 2}, binding_limit: memory.max}, binding_limit: "
      "none, log: a, log_absent: [b, "
      "c], "
      "peak_memory: {max: 1KiB}, peak_map_count: {min: 1, max: 2}, stalled: false, "
      "first_failure: {call: munmap, errno: ENOMEM}, reason: why, left_charged: {min: 2KiB}");
  EXPECT_THAT(expect.outcome, ElementsAre("failed", "hung"));
  EXPECT_THAT(expect.exit, ElementsAre(3));
  EXPECT_EQ(expect.signal, 9);
  EXPECT_EQ(expect.killed_by, "oom:memcg");
  EXPECT_EQ(expect.oom_scope, "memcg");
  EXPECT_EQ(expect.failure.value().min_count, 2U);
  EXPECT_EQ(expect.failure.value().max_count, std::nullopt);
  EXPECT_EQ(expect.failure.value().binding_limit, "memory.max");
  EXPECT_EQ(expect.binding_limit, "none");
  EXPECT_THAT(expect.log, ElementsAre("a"));
  EXPECT_THAT(expect.log_absent, ElementsAre("b", "c"));
  EXPECT_EQ(expect.peak_memory_bytes.value().max, 1024);
  EXPECT_EQ(expect.peak_memory_bytes.value().min, std::nullopt);
  EXPECT_EQ(expect.peak_map_count.value().min, 1);
  EXPECT_EQ(expect.stalled, false);
  EXPECT_THAT(expect.first_failure.value().call, ElementsAre("munmap"));
  EXPECT_EQ(expect.first_failure.value().errno_name, "ENOMEM");
  EXPECT_EQ(expect.reason, "why");
  EXPECT_EQ(expect.left_charged_bytes.value().min, 2048);
  EXPECT_EQ(OnlyExpectation("stalled: true").stalled, true);
  EXPECT_FALSE(OnlyExpectation("stalled: true").may_stall);
  EXPECT_EQ(OnlyExpectation("exit: 0").stalled, std::nullopt);
  EXPECT_EQ(OnlyExpectation("stalled: [true, false]").stalled, std::nullopt);
  EXPECT_TRUE(OnlyExpectation("stalled: [true, false]").may_stall);
  EXPECT_THAT(OnlyExpectation("exit: [1, 2]").exit, ElementsAre(1, 2));
  EXPECT_THAT(OnlyExpectation("failure: {call: [mmap, mprotect]}").failure.value().call,
              ElementsAre("mmap", "mprotect"));
  EXPECT_EQ(OnlyExpectation("failure: {count: 4}").failure.value().max_count, 4U);
}

TEST(References, AreReplacedInEveryValue) {
  const Plan plan =
      PlanOf(WithProcess("    env: {A: \"${dir}:${scenario_dir}\", B: \"$${dir} $5\", C: "
                         "\"${port}${port.b}${port}${port.b}\", D: \"${size}\"}\n"
                         "    cgroup: {memory.max: \"${size}\"}\n",
                         "parameters: {size: {default: 1KiB, doc: how much}}\n"));
  const auto& env = plan.processes.at(0).env;
  EXPECT_THAT(env.at("A"), HasSubstr("/run/case/data:/"));
  EXPECT_EQ(env.at("B"), "${dir} $5");
  EXPECT_EQ(env.at("C"), "4000400140004001");
  EXPECT_EQ(env.at("D"), "1KiB");
  EXPECT_EQ(plan.groups.at(0).settings.at(0).value, "1024");
  EXPECT_EQ(plan.parameters.at("size"), "1KiB");
}

TEST(References, TakeTheirValueFromSet) {
  PlanContext context = FakeHost();
  context.set = {{"n", "7"}};
  const std::string text =
      WithProcess("    nice: \"${n}\"\n", "parameters: {n: 1}\ncases: {a: {parameters: {n: 2}}}\n");
  EXPECT_EQ(PlanOf(text, "a", context).processes.at(0).nice, 7);
}

TEST(References, ComplainOfSetThatIsUndeclaredOrWrong) {
  const LoadResult loaded =
      ParseScenario(WithProcess("    nice: \"${level}\"\n", "parameters: {level: 1}\n"), "x.yaml");
  PlanContext context = FakeHost();
  context.set = {{"levl", "7"}, {"level", "much"}};
  const PlanResult made = MakePlan(loaded.scenario, loaded.scenario.cases.at(0), context);
  ASSERT_THAT(made.complaints, SizeIs(2));
  EXPECT_EQ(FormatComplaint(made.complaints[0]),
            "x.yaml: --set levl=7: the scenario has no parameter 'levl' (did you mean 'level'?)");
  EXPECT_EQ(FormatComplaint(made.complaints[1]),
            "x.yaml:5:11: 'much' is not a whole number (write decimal digits alone)");
}

TEST(Host, ThatLacksACommandCannotRunThePlan) {
  const Plan plan = PlanOf(WithProcess("", "steps: [{run: [no-such-command-here]}]\n"));
  EXPECT_EQ(plan.not_runnable, "no-such-command-here is not to be found");
  EXPECT_THAT(plan.not_runnable_remedy, HasSubstr("PATH"));
}

TEST(Host, NeedNotHaveWhatAStepBuildsInTheCasesFolder) {
  const Plan plan = PlanOf(
      WithProcess("", "steps: [{run: [sh, -c, 'cp /bin/true ${dir}/built']}, {run: ['${dir}/built']}]\n"));
  EXPECT_EQ(plan.not_runnable, std::nullopt);
}

TEST(Host, ThatLacksPackagesIsToldHowToInstallThemAll) {
  PlanContext context = FakeHost();
  context.package_version = [](const std::string& package) { return package == "bash" ? "5.2.15-2" : ""; };
  const Plan plan = PlanOf(WithProcess("    requires: {debian: [bash, one]}\n",
                                       "steps: [{run: [\"true\"], requires: {debian: two}}]\n"),
                           "default", context);
  EXPECT_EQ(plan.not_runnable, "one and two are not installed");
  EXPECT_EQ(plan.not_runnable_remedy, "apt-get install one two; or let brink: run --install");
  EXPECT_THAT(plan.packages, ::testing::ElementsAre(::testing::Pair("bash", "5.2.15-2")));
}

TEST(Host, WithoutAFreePortCannotRunThePlan) {
  PlanContext context = FakeHost();
  context.free_port = [](const std::string& /*name*/) -> Result<int> { return Fail("all are taken"); };
  const Plan plan = PlanOf(WithProcess("    ready: {tcp: \"${port}\"}\n"), "default", context);
  EXPECT_EQ(plan.not_runnable, "no free port: all are taken");
}

TEST(Host, CommandsWithASlashAreBelowTheScenario) {
  const LoadResult loaded = ParseScenario("name: n\nprocesses: {p: {run: [./true]}}\n", "/usr/bin/x.yaml");
  const PlanResult made = MakePlan(loaded.scenario, loaded.scenario.cases.at(0), FakeHost());
  EXPECT_EQ(made.plan.processes.at(0).argv.at(0), "/usr/bin/true");
  EXPECT_EQ(made.plan.not_runnable, std::nullopt);
}

}  // namespace
}  // namespace brink::testing
