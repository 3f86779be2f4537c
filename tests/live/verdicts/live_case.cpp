// SPDX-License-Identifier: MIT
#include "live_case.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <unistd.h>

#include <fstream>
#include <sstream>
#include <vector>

#include "cli/plans.h"
#include "judge/judge.h"
#include "kernel/cgroup.h"
#include "kernel/machine_guard.h"
#include "model/json.h"
#include "report/report.h"

namespace brink::live {
namespace {

namespace fs = std::filesystem;

constexpr const char* kVictim = BRINK_VICTIM;  // absolute path, from CMake

std::string ReadFile(const fs::path& file) {
  std::ifstream in(file);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

/// Groups of this program's run that a case left behind, in any hierarchy.
std::vector<std::string> GroupsLeft() {
  std::vector<std::string> left;
  const auto host = CgroupHost::Discover(Roots{});
  if (!host) {
    return {host.error().message};
  }
  const std::string prefix = fmt::format("brink-{}-", ::getpid());
  for (const std::string& mount : host->Mounts()) {
    for (const auto& entry : fs::directory_iterator(mount)) {
      if (!entry.is_directory() || !entry.path().filename().string().starts_with(prefix)) {
        continue;
      }
      for (const auto& below : fs::directory_iterator(entry.path())) {
        if (below.is_directory()) {
          left.push_back(below.path().string());
        }
      }
    }
  }
  return left;
}

/// Victims that still live. They may have renamed themselves or left their session, but their executable
/// tells.
std::vector<std::string> VictimsLeft() {
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator("/proc")) {
    std::error_code gone;  // a process may end while we look
    if (fs::read_symlink(entry.path() / "exe", gone) == kVictim) {
      left.push_back(entry.path().string() + " " + ReadFile(entry.path() / "comm"));
    }
  }
  return left;
}

std::string AsJson(Verdict verdict) {
  RunReport report;
  report.results.push_back(std::move(verdict));
  return FormatJson(report);
}

/// What `brink judge` does with a run folder.
void ExpectSameVerdictAgain(const Verdict& verdict) {
  const auto plan = PlanFromJson(ReadFile(fs::path(verdict.run_dir) / "plan.json"));
  const auto evidence = EvidenceFromJson(ReadFile(fs::path(verdict.run_dir) / "evidence.json"));
  ASSERT_TRUE(plan) << plan.error().message;
  ASSERT_TRUE(evidence) << evidence.error().message;
  EXPECT_EQ(AsJson(verdict), AsJson(Judge(*plan, *evidence)));
}

bool SameCall(const std::string& wanted, const std::string& found) {
  const bool fork_like = found == "clone3" || found == "fork" || found == "vfork";
  return wanted == found || (wanted == "clone" && fork_like);
}

void ExpectFirstFailure(const ProcessVerdict& found, const Says& says) {
  if (says.call == "none") {
    EXPECT_FALSE(found.first_failure.has_value()) << found.first_failure->call;
    return;
  }
  if (!says.call && !says.error) {
    return;
  }
  ASSERT_TRUE(found.first_failure.has_value()) << "no failing call was seen";
  if (says.call) {
    EXPECT_TRUE(SameCall(*says.call, found.first_failure->call)) << found.first_failure->call;
  }
  EXPECT_EQ(found.first_failure->errno_name, says.error.value_or(found.first_failure->errno_name));
}

void ExpectBinding(const ProcessVerdict& found, const Says& says) {
  if (!says.binding) {
    return;
  }
  EXPECT_EQ(found.binding_limit ? found.binding_limit->name : "none", *says.binding) << found.binding_reason;
  EXPECT_FALSE(found.binding_reason.empty() && !found.binding_limit) << "no limit, and no reason why none";
  if (found.binding_limit) {
    const auto use = static_cast<double>(found.binding_limit->use.value_or(0));
    EXPECT_EQ(found.binding_limit->limit, says.limit.value_or(found.binding_limit->limit));
    EXPECT_GE(use, says.use.min.value_or(use));
    EXPECT_LE(use, says.use.max.value_or(use));
  }
}

}  // namespace

Ground& TheGround() {
  static Ground ground;
  return ground;
}

void LiveCase::SetUp() {
  if (const std::string& why = TheGround().no_kernel_evidence; !why.empty()) {
    GTEST_SKIP() << why;
  }
  const auto* test = testing::UnitTest::GetInstance()->current_test_info();
  std::string name = fmt::format("{}.{}", test->test_suite_name(), test->name());
  std::ranges::replace(name, '/', '-');
  folder_ = TheGround().run_root / name;
}

void LiveCase::TearDown() {
  if (HasFailure()) {
    std::cout << "run folders kept: " << folder_.string() << "\n";
    return;
  }
  std::error_code ignored;
  fs::remove_all(folder_, ignored);
}

void LiveCase::ExpectNothingLeft() const {
  EXPECT_THAT(GroupsLeft(), testing::IsEmpty());
  if (!own_victims_) {
    EXPECT_THAT(VictimsLeft(), testing::IsEmpty());
  }
  EXPECT_EQ(TheGround().session->Host().sysctls, ReadMachineSettings(Roots{}));
}

std::map<std::string, Verdict> LiveCase::RunCases(const std::string& yaml, const Parameters& parameters) {
  RunChoice choice;
  choice.paths = {(folder_ / "live.yaml").string()};
  choice.out = folder_.string();
  choice.sandbox = "host";
  for (const auto& [name, value] : parameters) {
    choice.set.push_back(name + "=" + value);
  }
  fs::create_directories(folder_);
  std::ofstream(choice.paths.front()) << "name: live\ntitle: A live test" << yaml;
  const auto plans = MakePlans(choice);
  std::map<std::string, Verdict> verdicts;
  if (!plans) {
    ADD_FAILURE() << "the scenario is wrong; its mistakes are printed above\n" << yaml;
    return verdicts;
  }
  for (const Plan& plan : *plans) {
    const Verdict verdict = TheGround().session->Run(plan);
    ExpectNothingLeft();
    ExpectSameVerdictAgain(verdict);
    verdicts[plan.case_name] = verdict;
  }
  return verdicts;
}

Verdict LiveCase::RunCase(const std::string& yaml, const Parameters& parameters) {
  return RunCases(yaml, parameters)["case"];
}

Verdict LiveCase::ExpectFaultAndControl(const FaultAndControl& pair, const Says& says) {
  const std::string call = says.call ? "call: " + *says.call + ", " : "";
  auto verdicts =
      RunCases(fmt::format(R"(
{}
cases:
  fault:
    {}
    expect: {{target: {{outcome: {}, failure: {{{}errno: {}}}, binding_limit: {}}}}}
  control:
    {}
    expect: {{target: {{outcome: survived, no_failures: true}}}}
)",
                           pair.shared, pair.fault, says.outcome, call, says.error.value_or("ENOMEM"),
                           says.binding.value_or("none"), pair.control));
  ExpectMet(verdicts["fault"]);
  ExpectSays(verdicts["fault"], "target", says);
  ExpectMet(verdicts["control"]);
  ExpectSays(verdicts["control"], "target", {.outcome = "survived", .call = "none", .binding = "none"});
  return verdicts["fault"];
}

void ExpectSays(const Verdict& verdict, const std::string& process, const Says& says) {
  SCOPED_TRACE(
      fmt::format("case {}, process {}\n{}", verdict.case_name, process, FormatVerdict(verdict, {})));
  const auto entry = verdict.processes.find(process);
  ASSERT_NE(entry, verdict.processes.end()) << "the verdict does not speak of it";
  const ProcessVerdict& found = entry->second;
  EXPECT_EQ(Name(found.outcome), says.outcome) << found.reason;
  EXPECT_EQ(found.exit_code, says.exit ? says.exit : found.exit_code);
  EXPECT_EQ(found.signal, says.signal ? says.signal : found.signal);
  if (says.killed_by) {
    EXPECT_THAT(found.killed_by, testing::StartsWith(*says.killed_by));
    EXPECT_EQ(found.killed_by.empty(), says.killed_by->empty()) << found.killed_by;
  }
  ExpectFirstFailure(found, says);
  ExpectBinding(found, says);
}

void ExpectMet(const Verdict& verdict) {
  EXPECT_EQ(verdict.expected_met, std::optional(true)) << FormatUnmet(verdict) << FormatVerdict(verdict, {});
}

std::uint64_t CountFailures(const Verdict& verdict, const std::string& process, const std::string& call,
                            const std::string& error) {
  std::uint64_t count = 0;
  for (const FailureCount& failure : verdict.failures) {
    if (failure.process == process && SameCall(call, failure.call) && failure.errno_name == error) {
      count += failure.count;
    }
  }
  return count;
}

}  // namespace brink::live
