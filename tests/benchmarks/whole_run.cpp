// SPDX-License-Identifier: MIT
// The whole program: `brink run` from its start to its exit, and its memory.
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "kernel/cgroup.h"
#include "row.h"
#include "runs.h"

namespace brink::bench {
namespace {

constexpr const char* kTrue = R"(name: benchmark-true
title: The smallest target there is
processes:
  target:
    run: [/bin/true]
    cgroup: {memory.max: 64MiB}
cases:
  only: {expect: {target: {outcome: survived, no_failures: true}}}
)";

constexpr const char* kFlood = R"(name: benchmark-flood
title: A target that prints and fails without end
processes:
  target:
    run: [TARGET, flood, "BYTES", "FAILURES"]
    cgroup: {memory.max: 256MiB}
timeout: 300s
cases:
  only: {expect: {target: {exit: 0, failure: {call: mmap, errno: ENOMEM, count: {min: FAILURES}}}}}
)";

Finished RunBrink(const Options& options, const std::string& scenario, int repeat) {
  const Finished run = RunQuietly({BRINK_PROGRAM, "run", scenario, "--repeat", std::to_string(repeat),
                                   "--out", options.scratch + "/runs"});
  if (run.exit_code != 0) {
    throw Failed(fmt::format("brink run {} ended with {}", scenario, run.exit_code));
  }
  return run;
}

/// The same limit and exec by a shell, with an own directory each time.
class ShellScript {
 public:
  explicit ShellScript(const Options& options) : file_(options.scratch + "/baseline.sh") {
    const auto host = Must(CgroupHost::Discover(Roots{}));
    const bool v1 = host.MemoryVersion() == CgroupVersion::kV1;
    const std::string directory = host.Directory("memory", fmt::format("brink-bench-sh-{}", ::getpid()));
    Write(file_, fmt::format("mkdir {0} && echo 67108864 > {0}/{1} &&\n"
                             "sh -c 'echo 0 > {0}/cgroup.procs && exec /bin/true'\n"
                             "rmdir {0}\n",
                             directory, v1 ? "memory.limit_in_bytes" : "memory.max"));
  }
  [[nodiscard]] double Ms() const { return RunQuietly({"/bin/sh", file_}).wall_s * 1e3; }

 private:
  std::string file_;
};

}  // namespace

std::vector<Row> BenchWholeRun(const Options& options) {
  const std::string scenario = options.scratch + "/true.yaml";
  Write(scenario, kTrue);
  const ShellScript shell(options);
  std::vector<double> cpu;
  const Turns once = InTurns(
      options.Rounds(40), [&] { return shell.Ms(); },
      [&] {
        const Finished run = RunBrink(options, scenario, 1);
        cpu.push_back(run.cpu_s * 1e3);
        return run.wall_s * 1e3;
      });
  constexpr int kMore = 10;
  const Turns many = InTurns(
      options.Rounds(20), [&] { return RunBrink(options, scenario, 1).wall_s * 1e3; },
      [&] { return RunBrink(options, scenario, 1 + kMore).wall_s * 1e3; });
  const double workload = Median(
      InTurns(
          options.Rounds(40), [] { return 0.0; }, [] { return RunQuietly({"/bin/true"}).wall_s * 1e3; })
          .brink);
  const double each = (Median(many.brink) - Median(many.baseline)) / kMore - workload;
  return {Row{.what = "brink run of a case whose target is true, whole process",
              .baseline = fmt::format("the same group and exec by a shell: {:.1f} ms", Median(once.baseline)),
              .brink = fmt::format("{:.1f} ms", Median(once.brink)),
              .figure = Median(once.brink),
              .unit = "ms",
              .goal = 100,
              .note = fmt::format("{}; processor time {:.1f} ms", Spread(once.brink, 1), Median(cpu))},
          Row{.what = "one more case in the same run",
              .baseline = fmt::format("true alone: {:.1f} ms", workload),
              .brink = fmt::format("{:.1f} ms on top", each),
              .figure = each,
              .unit = "ms",
              .goal = 10,
              .note = fmt::format("a tenth of what --repeat {} takes longer than --repeat 1; {} against {}",
                                  1 + kMore, Spread(many.brink, 1), Spread(many.baseline, 1))}};
}

std::vector<Row> BenchMemory(const Options& options) {
  const std::string bytes = options.smoke ? "1048576" : "1073741824";
  const std::string failures = options.smoke ? "1000" : "1000000";
  const std::string scenario = options.scratch + "/flood.yaml";
  Write(scenario, Filled(Filled(Filled(kFlood, "TARGET", BRINK_BENCHMARK_TARGET), "BYTES", bytes), "FAILURES",
                         failures));
  const Finished run = RunBrink(options, scenario, 1);
  const double mebibytes = static_cast<double>(run.max_rss_bytes) / (1 << 20);
  return {Row{.what = "brink's memory while a target prints 1 GiB and makes 1,000,000 failing calls",
              .baseline = "-",
              .brink = fmt::format("{:.1f} MiB", mebibytes),
              .figure = mebibytes,
              .unit = "MiB",
              .goal = 64,
              .note = fmt::format("greatest resident size of brink; {:.1f} s in all", run.wall_s)}};
}

}  // namespace brink::bench
