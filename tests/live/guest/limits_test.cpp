// SPDX-License-Identifier: MIT
// Limits that bind in a guest: those that only a machine of one's own can have, and the host's on other
// kernels than the host's. One boot for all cases on a kernel: the case that uses up the machine comes last.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <map>
#include <utility>

#include "base/units.h"
#include "guest_fixture.h"

namespace brink::live {
namespace {

using nlohmann::json;
using testing::HasSubstr;

class LimitsInGuests : public GuestTest {
 protected:
  /// Runs the file on these kernels, each result as the scenario expects. Gives the results by kernel and
  /// case.
  [[nodiscard]] std::map<std::pair<std::string, std::string>, json> RunOn(
      const std::vector<std::string>& kernels, const std::string& file) {
    // Targets that run as another user look at their data folder below it.
    std::filesystem::permissions(folder_, std::filesystem::perms{0755});
    const std::string out = Path(fmt::format("out-{}", commands_ + 1));
    std::map<std::pair<std::string, std::string>, json> found;
    for (const json& result : ResultsOnKernels(file, {}, kernels)) {
      EXPECT_EQ(result["expected_met"], true) << result.dump(1);
      EXPECT_EQ(result["evidence_grade"], "kernel") << result["guest_kernel"] << ", " << result["case"];
      found[{result["guest_kernel"], result["case"]}] = result;
    }
    EXPECT_EQ(Boots(out), static_cast<std::ptrdiff_t>(kernels.size()));
    return found;
  }
};

void ExpectLimit(const json& result, const std::string& name, std::uint64_t limit, std::uint64_t least_use) {
  SCOPED_TRACE(result.dump(1));
  ASSERT_TRUE(result.is_object() && result["binding_limit"].is_object());
  EXPECT_EQ(result["binding_limit"]["name"], name);
  EXPECT_EQ(result["binding_limit"]["limit"], limit);
  EXPECT_GE(result["binding_limit"]["use"].get<std::uint64_t>(), least_use);
}

// The control of each differs in the limit alone, and meets none.
TEST_F(LimitsInGuests, OfTheMachineAndOfCgroupV2AreTold) {
  const std::vector<std::string> kernels = KernelsToTest({"debian-12"});
  const std::string file = Write("limits", R"(
machine: {memory: 512MiB, cgroup: v2}
processes: {target: {run: [)" BRINK_VICTIM R"(, forks, count=700]}}
cases:
  memory-high:
    timeout: 1s
    processes: {target: {run: [)" BRINK_VICTIM R"(, touch, size=64M], cgroup: {memory.high: 16MiB}}}
    expect: {target: {outcome: hung, binding_limit: memory.high}}
  memory-high-control:
    processes: {target: {run: [)" BRINK_VICTIM R"(, touch, size=64M], cgroup: {memory.high: 128MiB}}}
    expect: {target: {outcome: survived, no_failures: true, binding_limit: none}}
  pid-max:
    machine: {sysctl: {kernel.pid_max: 450}}
    expect: {target: {outcome: failed, exit: 3, failure: {call: clone, errno: EAGAIN, count: 1},
                      binding_limit: kernel.pid_max}}
  pid-max-control:
    machine: {sysctl: {kernel.pid_max: 4000}}
    expect: {target: {outcome: survived, no_failures: true, binding_limit: none}}
  threads-max:
    machine: {sysctl: {kernel.threads-max: 250}}
    expect: {target: {outcome: failed, exit: 3, failure: {call: clone, errno: EAGAIN, count: 1},
                      binding_limit: kernel.threads-max}}
  threads-max-control:
    machine: {sysctl: {kernel.threads-max: 3000}}
    expect: {target: {outcome: survived, no_failures: true, binding_limit: none}}
  machine-memory-control:
    processes: {target: {run: [)" BRINK_VICTIM R"(, touch, size=64M]}}
    expect: {target: {outcome: survived, no_failures: true, binding_limit: none}}
  machine-memory:
    processes: {target: {run: [)" BRINK_VICTIM R"(, touch, size=2G]}}
    expect: {target: {outcome: oom_killed, oom_scope: machine, no_failures: true, binding_limit: machine_memory}}
)");
  const auto results = RunOn(kernels, file);
  ASSERT_EQ(results.size(), 8 * kernels.size());
  for (const std::string& kernel : kernels) {
    const json& high = results.at({kernel, "memory-high"});
    ExpectLimit(high, "memory.high", 16 * kMiB, 16 * kMiB);
    EXPECT_THAT(high["reason"].get<std::string>(), HasSubstr("throttled"));
    ExpectLimit(results.at({kernel, "pid-max"}), "kernel.pid_max", 450, 150);
    ExpectLimit(results.at({kernel, "threads-max"}), "kernel.threads-max", 250, 248);
    const json& memory = results.at({kernel, "machine-memory"});
    EXPECT_GT(memory["binding_limit"]["limit"], 384 * kMiB);
    EXPECT_LE(memory["binding_limit"]["limit"], 512 * kMiB);
    EXPECT_EQ(memory["predicted_victim"]["process"], "target");
    EXPECT_EQ(memory["predicted_victim"]["held"], true);
  }
}

// What the kernel's evidence is read from differs between kernels: where the tasks of a user are counted
// (5.14, 5.19), the arguments of oom:mark_victim, the layout of mm_struct and of page counters.
TEST_F(LimitsInGuests, OfTheHostAreToldOnOtherKernels) {
  const std::vector<std::string> kernels = KernelsToTest({"debian-11"});
  const std::string file =
      Write("kernels", R"(
machine: {memory: 512MiB}
processes: {target: {run: [)" BRINK_VICTIM R"(, forks, count=60]}}
cases:
  mappings:
    machine: {sysctl: {vm.max_map_count: 2000}}
    processes: {target: {run: [)" BRINK_VICTIM R"(, split, call=munmap, count=3000]}}
    expect: {target: {failure: {call: munmap, errno: ENOMEM}, binding_limit: vm.max_map_count}}
  locked:
    processes: {target: {run: [)" BRINK_VICTIM
                       R"(, lock, total=1M], user: nobody, rlimits: {memlock: 256KiB}}}
    expect: {target: {failure: {call: mlock, errno: ENOMEM}, binding_limit: RLIMIT_MEMLOCK}}
  user-tasks:
    processes: {target: {user: nobody, rlimits: {nproc: 30}}}
    expect: {target: {failure: {call: clone, errno: EAGAIN}, binding_limit: RLIMIT_NPROC}}
  user-tasks-in-a-namespace:
    processes:
      target: {run: [unshare, --user, )" BRINK_VICTIM
                       R"(, forks, count=60], user: nobody, rlimits: {nproc: 30}}
    expect: {target: {failure: {call: clone, errno: EAGAIN}, binding_limit: RLIMIT_NPROC}}
  user-tasks-of-root:
    processes: {target: {rlimits: {nproc: 30}}}
    expect: {target: {outcome: survived, no_failures: true}}
  group-tasks:
    processes: {target: {cgroup: {pids.max: 20}}}
    expect: {target: {failure: {call: clone, errno: EAGAIN}, binding_limit: pids.max}}
  address-space:
    processes:
      target: {run: [)" BRINK_VICTIM
                       R"(, grow, how=mmap-readonly, chunk=1M, total=512M], rlimits: {as: 256MiB}}
    expect: {target: {failure: {call: mmap, errno: ENOMEM}, binding_limit: RLIMIT_AS}}
  commitments:
    machine: {sysctl: {vm.overcommit_memory: 2, vm.overcommit_kbytes: +64MiB}}
    processes: {target: {run: [)" BRINK_VICTIM R"(, grow, how=mmap, chunk=1M, total=512M]}}
    expect: {target: {failure: {call: mmap, errno: ENOMEM}, binding_limit: commit_limit}}
  stack:
    processes: {target: {run: [)" BRINK_VICTIM R"(, stack, size=16M], rlimits: {stack: 1MiB}}}
    expect: {target: {signal: SIGSEGV, failure: {call: page_fault, errno: ENOMEM}, binding_limit: RLIMIT_STACK}}
  group-memory:
    processes: {target: {run: [)" BRINK_VICTIM R"(, touch, size=64M], cgroup: {memory.max: 32MiB}}}
    expect: {target: {outcome: oom_killed, oom_scope: memcg, binding_limit: memory.max}}
  peak-of-the-group:  # this memory belongs to no process's resident size; before 5.19 there is no memory.peak
    processes:
      target: {run: [)" BRINK_VICTIM R"(, shm, size=64M, how=write], env: {VICTIM_STAYS: "1"}}
    steps: [{wait: {memory: {process: target, above: 63MiB}}}]
    expect: {target: {outcome: survived, peak_memory: {min: 63MiB, max: 96MiB}}}
  machine-memory:
    processes: {target: {run: [)" BRINK_VICTIM R"(, touch, size=2G]}}
    expect: {target: {outcome: oom_killed, oom_scope: machine, binding_limit: machine_memory}}
)");
  const auto results = RunOn(kernels, file);
  ASSERT_EQ(results.size(), 12 * kernels.size());
  for (const std::string& kernel : kernels) {
    ExpectLimit(results.at({kernel, "mappings"}), "vm.max_map_count", 2000, 2000);
    ExpectLimit(results.at({kernel, "locked"}), "RLIMIT_MEMLOCK", 256 << 10, 256 << 10);
    ExpectLimit(results.at({kernel, "user-tasks"}), "RLIMIT_NPROC", 30, 30);
    ExpectLimit(results.at({kernel, "user-tasks-in-a-namespace"}), "RLIMIT_NPROC", 30, 30);
    ExpectLimit(results.at({kernel, "group-tasks"}), "pids.max", 20, 20);
    ExpectLimit(results.at({kernel, "group-memory"}), "memory.max", 32 * kMiB, 31 * kMiB);
  }
}

/// Of two values of which each zeroes the other, the one that was in force is put back: the guest is used
/// again.
TEST_F(GuestTest, CoupledSysctlsArePutBackForTheNextCase) {
  const std::string file = Write("coupled", R"(
cases:
  first:
    machine: {sysctl: {vm.dirty_bytes: 67108864, vm.dirty_background_bytes: 8388608, vm.overcommit_kbytes: 512MiB}}
    processes: {target: {run: [/bin/sh, -c, 'cd /proc/sys/vm; cat dirty_ratio dirty_bytes dirty_background_ratio dirty_background_bytes']}}
    expect: {target: {outcome: survived, log: '^8388608$'}}
  second:
    processes: {target: {run: [/bin/sh, -c, 'cd /proc/sys/vm; echo $(cat dirty_ratio dirty_bytes dirty_background_ratio dirty_background_bytes overcommit_ratio overcommit_kbytes)']}}
    expect: {target: {outcome: survived, log: '^20 0 10 0 50 0$'}}
)");
  const Ended ended = RunInGuest({file});
  EXPECT_EQ(ended.status, 0) << ended.errors;
  EXPECT_EQ(Boots(Path("out-1")), 1) << ended.errors;
}

}  // namespace
}  // namespace brink::live
