// SPDX-License-Identifier: MIT
// Wrong files with the exact complaint: place, value found, remedy.
#include "support.h"

namespace brink::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::ElementsAreArray;

struct Wrong {
  const char* name;
  std::string text;
  std::vector<std::string> complaints;
};

void PrintTo(const Wrong& wrong, std::ostream* out) { *out << wrong.name; }

class WrongFile : public ::testing::TestWithParam<Wrong> {};

TEST_P(WrongFile, IsTurnedDown) {
  EXPECT_THAT(ComplaintsOf(GetParam().text), ElementsAreArray(GetParam().complaints));
}

std::string Expecting(const std::string& what) { return WithProcess("", "expect: {p: {" + what + "}}\n"); }
std::string Stepping(const std::string& step) { return WithProcess("", "steps: [{" + step + "}]\n"); }

/// A name that is neither a listed sysctl nor one of the kernel's others.
std::string NoSysctl(const std::string& complaint) {
  return complaint +
         " (use vm.max_map_count, vm.overcommit_memory, vm.overcommit_ratio, vm.overcommit_kbytes, "
         "vm.admin_reserve_kbytes, vm.user_reserve_kbytes, vm.swappiness, vm.oom_kill_allocating_task or "
         "vm.panic_on_oom)";
}

INSTANTIATE_TEST_SUITE_P(
    Keys, WrongFile,
    ::testing::Values(
        Wrong{"list", "- a\n", {"x.yaml:1:1: a scenario is a map (start with 'name: ...')"}},
        Wrong{"misspelt",
              WithProcess("    cgroup: {memroy.max: 1MiB}\n"),
              {"x.yaml:5:14: unknown key 'memroy.max' (did you mean 'memory.max'?)"}},
        Wrong{"named_as_elsewhere",
              WithProcess("    cgroup: {memory.limit: 1MiB, memory.limit_in_bytes: 1MiB, pids.limit: 5}\n"),
              {"x.yaml:5:14: unknown key 'memory.limit' (here it is called 'memory.max')",
               "x.yaml:5:34: unknown key 'memory.limit_in_bytes' (here it is called 'memory.max')",
               "x.yaml:5:63: unknown key 'pids.limit' (here it is called 'pids.max')"}},
        Wrong{"misplaced",
              WithProcess("    memory.max: 1MiB\n"),
              {"x.yaml:5:5: unknown key 'memory.max' (it belongs below 'cgroup')"}},
        Wrong{"unused_parameter",
              "name: n\nparameters: {rate: 5, size: 6}\n"
              "processes: {p: {run: [a, \"${size}\"]}}\n",
              {"x.yaml:2:14: the parameter 'rate' is used nowhere (write ${rate} where its value belongs, or "
               "remove it)"}},
        Wrong{"no_name",
              "processes: {p: {run: [a]}}\n",
              {"x.yaml:1:1: the scenario lacks 'name' (add it as the first line: 'name: ...')"}},
        Wrong{"no_run",
              "name: n\nprocesses: {p: {cwd: /}}\n",
              {"x.yaml:2:13: 'p' lacks 'run' (add it: Command and arguments. The command is looked for among "
               "brink's "
               "workloads, then on PATH; with a '/' it is relative to the scenario's folder.)"}},
        Wrong{"empty_value",
              WithProcess("    cwd:\n"),
              {"x.yaml:5:5: 'cwd' has no value (give it one or remove the key (in a case, null removes what "
               "stands above))"}},
        Wrong{"scalar_for_map",
              WithProcess("    ready: 80\n"),
              {"x.yaml:5:5: 'ready' is a single value, not a map (write keys and values below it: tcp, log, "
               "exec or timeout)"}},
        Wrong{"scalar_for_list",
              "name: n\nprocesses: {p: {run: ls -l}}\n",
              {"x.yaml:2:22: 'run' is a single value, not a list (write it as [A, B, ...])"}},
        Wrong{"bad_name",
              "name: n\nprocesses: {my p: {run: [a]}}\n",
              {"x.yaml:2:13: 'my p' can't be a name (use up to 64 letters, digits, '.', '_' and '-', "
               "beginning with a letter "
               "or digit)"}},
        Wrong{"two_conditions",
              WithProcess("    ready: {tcp: 1, log: x}\n"),
              {"x.yaml:5:5: 'ready' has tcp and log together (keep one of them (in a case, null removes what "
               "stands above))"}},
        Wrong{"only_with_run",
              Stepping("stop: p, background: true"),
              {"x.yaml:5:9: a step has 'background' without 'run' (remove it)"}},
        Wrong{"no_action",
              Stepping("timeout: 1s"),
              {"x.yaml:5:9: a step has none of run, set, signal, start, stop, wait and squeeze (add one)"}}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Values, WrongFile,
    ::testing::Values(
        Wrong{"size_unit",
              WithProcess("    cgroup: {memory.max: 300MB}\n"),
              {"x.yaml:5:26: '300MB' has the unknown unit 'MB' (did you mean MiB?)"}},
        Wrong{"no_size",
              WithProcess("    rlimits: {as: lots}\n"),
              {"x.yaml:5:19: 'lots' does not start with a non-negative number (write a size such as 300MiB, "
               "16pages or 10%)"}},
        Wrong{"not_a_number_nan",
              WithProcess("    rlimits: {as: nanMiB}\n"),
              {"x.yaml:5:19: 'nanMiB' does not start with a non-negative number (write a size such as "
               "300MiB, 16pages or 10%)"}},
        Wrong{"duration_without_unit",
              "name: n\ntimeout: 60\nprocesses: {p: {run: [a]}}\n",
              {"x.yaml:2:10: '60' has no unit (write a duration with its unit: 250ms, 10s or 2min)"}},
        Wrong{"kib_without_unit",
              WithProcess("", "machine: {sysctl: {vm.admin_reserve_kbytes: 8192}}\n"),
              {"x.yaml:5:45: '8192' has no unit (the kernel counts in KiB: write 8192KiB if meant so)"}},
        Wrong{"plus_elsewhere",
              WithProcess("", "machine: {sysctl: {vm.admin_reserve_kbytes: +8MiB}}\n"),
              {"x.yaml:5:45: '+8MiB' does not start with a non-negative number (write a size such as 300MiB, "
               "16pages or 10%)"}},
        Wrong{"choice",
              WithProcess("", "machine: {thp: {enabled: allways}, sysctl: {vm.overcommit_memory: 3}}\n"),
              {"x.yaml:5:26: 'allways' is no enabled (did you mean 'always'?)",
               "x.yaml:5:67: '3' is no vm.overcommit_memory (use 0, 1 or 2)"}},
        Wrong{"out_of_range",
              WithProcess("    oom_score_adj: 2000\n    nice: -21\n"),
              {"x.yaml:5:20: 2000 is too large for oom_score_adj (use at most 1000)",
               "x.yaml:6:11: -21 is too small for nice (use at least -20)"}},
        Wrong{"quoted_number",
              WithProcess("    oom_score_adj: \"200\"\n"),
              {"x.yaml:5:20: \"200\" is text, as it has quotes; oom_score_adj is a number (remove the "
               "quotes)"}},
        Wrong{"octal",
              WithProcess("    nice: 010\n"),
              {"x.yaml:5:11: '010' has a leading zero: YAML 1.1 reads it as octal (write 10, or \"010\" when "
               "text is meant)"}},
        Wrong{"boolean",
              Expecting("no_failures: yes"),
              {"x.yaml:5:27: 'yes' is neither yes nor no (write true or false)"}},
        Wrong{"signal",
              Expecting("signal: SIGKIL"),
              {"x.yaml:5:22: 'SIGKIL' is no signal (did you mean 'SIGKILL'?)"}},
        Wrong{"errno_and_call",
              Expecting("failure: {call: mmmap, errno: ENOMEN}"),
              {"x.yaml:5:30: 'mmmap' is no call (did you mean 'mmap'?)",
               "x.yaml:5:44: 'ENOMEN' is no errno (did you mean 'ENOMEM'?)"}},
        Wrong{"outcome",
              Expecting("outcome: [survived, oomkilled]"),
              {"x.yaml:5:34: 'oomkilled' is no outcome (did you mean 'oom_killed'?)"}},
        Wrong{"pattern",
              Expecting("log: \"fork(\""),
              {"x.yaml:5:19: 'fork(' is not a regular expression: missing ): fork( (put a backslash before "
               "characters that "
               "are meant literally)"}},
        Wrong{"null_in_list",
              "name: n\nprocesses: {p: {run: [a, ~]}}\n",
              {"x.yaml:2:26: an entry of 'run' is nothing, not a single value (quote it (\"\") when empty "
               "text is meant)"}},
        Wrong{"cpu_max",
              WithProcess("    cgroup: {cpu.max: 50%}\n"),
              {"x.yaml:5:23: '50%' is no cpu.max (write QUOTA PERIOD in microseconds, or max: 50000 "
               "100000 is half a processor)"}},
        Wrong{"cpuset",
              WithProcess("    cgroup: {cpuset.cpus: all}\n"),
              {"x.yaml:5:27: 'all' is no cpuset.cpus (write numbers and ranges of processors, separated by "
               "commas: 0-1,3)"}},
        Wrong{"boot_words",
              WithProcess("", "machine: {boot: [quiet splash]}\n"),
              {"x.yaml:5:18: 'quiet splash' is no boot (write one word without blanks; several are several "
               "entries of the list)"}},
        Wrong{"boot_words_of_brink",
              WithProcess("", "machine: {boot: [quiet, BRINK_CGROUP=v1]}\n"),
              {"x.yaml:5:25: the boot word 'BRINK_CGROUP=v1' is for brink to say (remove it)"}},
        Wrong{"soft_above_hard",
              WithProcess("    rlimits: {nofile: {soft: unlimited, hard: 10}}\n"),
              {"x.yaml:5:23: the soft limit of nofile is above the hard one (lower it or raise the hard "
               "one)"}}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Names, WrongFile,
    ::testing::Values(
        Wrong{"expectation_on_nobody",
              WithProcess("", "expect: {q: {outcome: failed}}\n"),
              {"x.yaml:5:10: no process, child or step is called 'q' (use p)"}},
        Wrong{"expectation_misspelt",
              "name: n\nprocesses: {server: {run: [a]}}\nexpect: {sever: {exit: 0}}\n",
              {"x.yaml:3:10: no process, child or step is called 'sever' (did you mean 'server'?)"}},
        Wrong{"output_of_process",
              Expecting("output: x"),
              {"x.yaml:5:14: 'output' can't be expected of 'p', which is a process or child (expect it of a "
               "step that runs a "
               "command)"}},
        Wrong{"outcome_of_step",
              Stepping("as: s, run: [a]") + "expect: {s: {outcome: failed, exit: 0, time: 1s}}\n",
              {"x.yaml:6:14: 'outcome' can't be expected of 's', which is a command (expect it of a process "
               "or child)"}},
        Wrong{"exit_of_wait",
              Stepping("as: s, wait: {tcp: 1}") + "expect: {s: {exit: 0, time: 1s}}\n",
              {"x.yaml:6:14: 'exit' can't be expected of 's', which is a step without a command (expect it "
               "of a step that "
               "runs a command)"}},
        Wrong{"unknown_group",
              WithProcess("    cgroup: {group: shard}\n", "groups: {shared: {memory.max: 1MiB}}\n"),
              {"x.yaml:5:21: no group is called 'shard' (did you mean 'shared'?)"}},
        Wrong{"machine_size",
              WithProcess("", "machine: {memory: 1MiB, cpus: 0, cgroup: v3}\n"),
              {"x.yaml:5:19: '1MiB' is too small for memory (use at least 256 MiB)",
               "x.yaml:5:31: 0 is too small for cpus (use at least 1)",
               "x.yaml:5:42: 'v3' is no cgroup (did you mean 'v1'?)"}},
        Wrong{"machine_outcome",
              Expecting("outcome: failed}, machine: {outcome: oom_killed"),
              {"x.yaml:5:51: 'oom_killed' is no outcome (use survived, machine_panicked, hung or failed)"}},
        Wrong{"machine_victims",
              WithProcess("", "expect: {machine: {predicted_victim: q, oom_victim: [p, q]}}\n"),
              {"x.yaml:5:38: no process or child is called 'q' (use p)",
               "x.yaml:5:57: no process or child is called 'q' (use p)"}},
        Wrong{"machine_empty",
              WithProcess("", "expect: {machine: {}}\n"),
              {"x.yaml:5:10: 'machine' has none of outcome, predicted_victim and oom_victim (add one)"}},
        Wrong{"process_panics",
              Expecting("outcome: machine_panicked"),
              {"x.yaml:5:23: 'machine_panicked' is no outcome (use survived, stalled, failed, oom_killed or "
               "hung)"}},
        Wrong{
            "machine_fixed",
            WithProcess("", "steps: [{set: {machine: {memory: 1GiB}}}]\n"),
            {"x.yaml:5:26: 'memory' cannot change while the case runs (write it under the scenario's or the "
             "case's own machine)"}},
        Wrong{"machine_cgroup",
              WithProcess("    cgroup: {memory.high: 9MiB}\n", "machine: {cgroup: v1}\n"),
              {"x.yaml:6:19: cgroup v1 does not fit: memory.high exists in cgroup v2 only (write v2, or "
               "remove that "
               "limit)"}},
        Wrong{
            "sysctl_slip",
            WithProcess("", "machine: {sysctl: {vm.max_mapcount: 9, vm../x: 1, foo.bar: 1}}\n"),
            {"x.yaml:5:20: unknown key 'vm.max_mapcount' (did you mean 'vm.max_map_count'?)",
             NoSysctl("x.yaml:5:40: unknown key 'vm../x'"), NoSysctl("x.yaml:5:51: unknown key 'foo.bar'")}},
        Wrong{"machine_process",
              "name: n\nprocesses: {machine: {run: [a]}}\n",
              {"x.yaml:2:13: 'machine' is the name of the machine already (choose another name)"}},
        Wrong{"child_named_as_process",
              WithProcess("    children: {p: {exe: a}}\n"),
              {"x.yaml:5:16: 'p' is the name of a process already (choose another name)"}},
        Wrong{"step_named_as_process",
              Stepping("as: p, run: [a]"),
              {"x.yaml:5:14: 'p' is the name of a process already (choose another name)"}},
        Wrong{"signal_to_nobody",
              Stepping("signal: {q: SIGTERM}"),
              {"x.yaml:5:19: no process or child is called 'q' (use p)"}},
        Wrong{"share_of_nothing",
              Stepping("wait: {memory: {process: p, above: 80%}}"),
              {"x.yaml:5:45: '80%' is a share of the memory.max of 'p', which has none (give its group "
               "memory.max, or write "
               "a size)"}},
        Wrong{"cgroup_of_child",
              WithProcess("    children: {c: {exe: a}}\n",
                          "steps: [{set: {c: {cgroup: {memory.max: 1MiB}}}}]\n"),
              {"x.yaml:6:20: the child 'c' has no group of its own (set its process's group)"}},
        Wrong{"coupled",
              WithProcess("", "machine: {sysctl: {vm.overcommit_ratio: 10, vm.overcommit_kbytes: +64MiB}}\n"),
              {"x.yaml:5:67: vm.overcommit_ratio and vm.overcommit_kbytes are set together: each zeroes the "
               "other (keep one "
               "of them (in a case, null removes what stands above))"}},
        Wrong{"coupled_dirty",
              WithProcess("", "machine: {sysctl: {vm.dirty_ratio: 10, vm.dirty_bytes: 8192}}\n"),
              {"x.yaml:5:56: vm.dirty_ratio and vm.dirty_bytes are set together: each zeroes the other (keep "
               "one of them (in a case, null removes what stands above))"}},
        Wrong{"contradiction",
              Expecting("no_failures: true, failure: {call: mmap}"),
              {"x.yaml:5:42: 'failure' and 'no_failures' contradict each other (keep one of them (in a case, "
               "null removes "
               "what stands above))"}},
        Wrong{"killer",
              Expecting("killed_by: process q"),
              {"x.yaml:5:25: no process or child is called 'q' (use p)"}},
        Wrong{"killing_step", Expecting("killed_by: step q"), {"x.yaml:5:25: no step is called 'q'"}},
        Wrong{"unknown_reference",
              WithProcess("    ready: {tcp: \"${prot}\"}\n"),
              {"x.yaml:5:18: nothing is called '${prot}' (did you mean '${port}'?)"}},
        Wrong{"open_reference",
              WithProcess("    cwd: \"${dir\"\n"),
              {"x.yaml:5:10: '${dir' has '${' without '}' (close it, or write $${ for a literal ${)"}}),
    [](const auto& param) { return param.param.name; });

INSTANTIATE_TEST_SUITE_P(
    Cases, WrongFile,
    ::testing::Values(Wrong{"twins",
                            WithProcess("", "cases:\n  a: {expect: {p: {exit: 0}}}\n  b: {title: t}\n"),
                            {"x.yaml:7:3: case 'b' does the same as case 'a': they can't be told apart "
                             "(change a limit, a parameter or a "
                             "step, or remove one of them)"}},
                      Wrong{"name_in_case",
                            WithProcess("", "cases:\n  a: {name: m}\n"),
                            {"x.yaml:6:7: a case can't have 'name' (remove it)"}},
                      Wrong{"no_case",
                            WithProcess("", "cases: {}\n"),
                            {"x.yaml:5:8: 'cases' has no case (write NAME: {...} below it, or remove it)"}},
                      Wrong{"null_removes_nothing",
                            WithProcess("", "cases:\n  a: {processes: {p: {cwd: ~}}}\n"),
                            {"x.yaml:6:23: 'cwd' has no value (give it one or remove the key (in a case, "
                             "null removes what stands above))"}},
                      Wrong{"overridden_mistake",
                            WithProcess("    nice: 99\n", "cases:\n  a: {processes: {p: {nice: 1}}}\n"),
                            {"x.yaml:5:11: 99 is too large for nice (use at most 19)"}},
                      Wrong{"undeclared_parameter",
                            WithProcess("", "cases:\n  a: {parameters: {size: 1}}\n"),
                            {"x.yaml:6:20: the case sets the parameter 'size', which the scenario does not "
                             "declare (declare it with its "
                             "default under the file's own parameters)"}},
                      Wrong{"reserved_parameter",
                            WithProcess("", "parameters: {port: 1}\n"),
                            {"x.yaml:5:14: 'port' can't be a parameter: brink gives ${port} its value "
                             "(choose another name)"}}),
    [](const auto& param) { return param.param.name; });

TEST(Complaints, ComeAllAtOnceInTheOrderOfTheFileAndEachOnce) {
  const std::string text =
      "name: n\n"
      "tmeout: 5s\n"
      "processes:\n"
      "  p: {run: [a], nice: many}\n"
      "steps:\n"
      "  - {stop: q}\n"
      "cases:\n"
      "  a: {expect: {r: {exit: 0}}}\n"
      "  b: {processes: {p: {oom_score_adj: high}}}\n";
  EXPECT_THAT(ComplaintsOf(text),
              ElementsAre("x.yaml:2:1: unknown key 'tmeout' (did you mean 'timeout'?)",
                          "x.yaml:4:23: 'many' is not a whole number (write decimal digits alone)",
                          "x.yaml:6:12: no process is called 'q' (use p)",
                          "x.yaml:8:16: no process, child or step is called 'r' (use p)",
                          "x.yaml:9:38: 'high' is not a whole number (write decimal digits alone)"));
}

}  // namespace
}  // namespace brink::testing
