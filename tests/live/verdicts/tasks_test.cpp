// SPDX-License-Identifier: MIT
// EAGAIN of fork and clone: pids.max against RLIMIT_NPROC.
#include "live_case.h"

namespace brink::live {
namespace {

class TaskLimit : public LiveCase {};

TEST_F(TaskLimit, OfTheGroupStopsForks) {
  ExpectFaultAndControl({.shared = "processes: {target: {run: [victim, forks, count=40]}}",
                         .fault = "processes: {target: {cgroup: {pids.max: 20}}}",
                         .control = "processes: {target: {cgroup: {pids.max: 60}}}"},
                        {.outcome = "failed",
                         .call = "clone",
                         .error = "EAGAIN",
                         .binding = "pids.max",
                         .limit = 20,
                         .use = {.min = 20, .max = 20},
                         .exit = 3});
}

TEST_F(TaskLimit, OfTheGroupStopsThreads) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, threads, count=40], cgroup: {pids.max: 20}}}
cases: {case: {expect: {target: {failure: {call: clone, errno: EAGAIN}, binding_limit: pids.max}}}}
)");
  ExpectMet(verdict);
  ExpectSays(verdict, "target", {.outcome = "failed", .binding = "pids.max", .limit = 20, .exit = 3});
}

TEST_F(TaskLimit, OfTheUserStopsForksAndRootIsExempt) {
  ExpectFaultAndControl(
      {.shared = "processes: {target: {run: [victim, forks, count=60], rlimits: {nproc: 30}}}",
       .fault = "processes: {target: {user: nobody}}",
       .control = ""},
      {.outcome = "failed",
       .call = "clone",
       .error = "EAGAIN",
       .binding = "RLIMIT_NPROC",
       .limit = 30,
       .use = {.min = 30, .max = 30},
       .exit = 3});
}

TEST_F(TaskLimit, OfTheUserStopsThreads) {
  const Verdict verdict = RunCase(R"(
processes: {target: {run: [victim, threads, count=60], user: nobody, rlimits: {nproc: 30}}}
cases: {case: {expect: {target: {failure: {call: clone, errno: EAGAIN}, binding_limit: RLIMIT_NPROC}}}}
)");
  ExpectMet(verdict);
}

// The look-alike: both limits are there and both say EAGAIN.
TEST_F(TaskLimit, OfTheGroupIsToldFromThatOfTheUser) {
  auto verdicts = RunCases(R"(
processes:
  target: {run: [victim, forks, count=80], user: nobody}
cases:
  group:
    processes: {target: {cgroup: {pids.max: 20}, rlimits: {nproc: 60}}}
    expect: {target: {failure: {call: clone, errno: EAGAIN}, binding_limit: pids.max}}
  user:
    processes: {target: {cgroup: {pids.max: 60}, rlimits: {nproc: 30}}}
    expect: {target: {failure: {call: clone, errno: EAGAIN}, binding_limit: RLIMIT_NPROC}}
)");
  ExpectMet(verdicts["group"]);
  ExpectMet(verdicts["user"]);
}

// It is still at it when the steps are done; nothing of it may be left, whatever it does while it is being
// ended.
TEST_F(TaskLimit, HoldsAForkBombThatIsClearedAway) {
  const Verdict verdict = RunCase(R"(
processes:
  target: {run: [victim, fork-bomb], cgroup: {pids.max: 60}}
steps: [{wait: {time: 300ms}}]
cases: {case: {expect: {target: {failure: {call: clone, errno: EAGAIN}, binding_limit: pids.max}}}}
)");
  ExpectMet(verdict);
  ExpectSays(verdict, "target", {.outcome = "survived", .binding = "pids.max", .limit = 60});
  EXPECT_GE(CountFailures(verdict, "target", "clone", "EAGAIN"), 1U);
}

}  // namespace
}  // namespace brink::live
