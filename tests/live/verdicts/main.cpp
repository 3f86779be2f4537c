// SPDX-License-Identifier: MIT
// One session for all tests, made before any thread; and the count of what ran, so that skipping cannot hide.
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <iostream>

#include "live_case.h"
#include "model/json.h"

namespace brink::live {
namespace {

/// On a machine where brink can do its work, at least so many tests run.
constexpr int kLeastTests = BRINK_LIVE_LEAST_TESTS;
/// live_counters shows what is left without it.
constexpr bool kUsesBpf = BRINK_LIVE_USES_BPF;
constexpr int kSkippedByCtest = 77;  // SKIP_RETURN_CODE of this test's registration

/// Why the kernel's own evidence is missing here; empty when it is there. Found by running a case.
std::string WhyNoKernelEvidence(Session& session, const std::filesystem::path& run_dir) {
  ProcessPlan process;
  process.name = process.group = "probe";
  process.argv = {BRINK_VICTIM, "exit"};
  process.cwd = run_dir.string();
  Plan plan;
  plan.scenario = "live";
  plan.case_name = "probe";
  plan.run_dir = run_dir.string();
  plan.data_dir = (run_dir / "data").string();
  plan.groups = {GroupPlan{.name = "probe", .settings = {}}};
  plan.processes = {process};
  std::filesystem::create_directories(plan.data_dir);
  const Verdict verdict = session.Run(plan);
  if (verdict.grade == EvidenceGrade::kKernel) {
    return {};
  }
  return fmt::format("the evidence is graded {}: {} ({})", Name(verdict.grade), verdict.reason,
                     verdict.remedy);
}

/// Scenarios call it by its name.
void PutVictimOnPath() {
  const char* path = std::getenv("PATH");
  const std::string folder = std::filesystem::path(BRINK_VICTIM).parent_path().string();
  ::setenv("PATH", (folder + ":" + (path == nullptr ? "/usr/bin:/bin" : path)).c_str(), 1);
}

/// Whether all tests were asked for: no filter, no shard.
bool AllWereWanted() {
  return testing::GTEST_FLAG(filter) == "*" && std::getenv("GTEST_TOTAL_SHARDS") == nullptr;
}

int CountThoseThatRan() {
  const auto* all = testing::UnitTest::GetInstance();
  return all->test_to_run_count() - all->skipped_test_count();
}

int RunAllTests(Session& session) {
  std::string folder = (std::filesystem::temp_directory_path() / "brink-live-XXXXXX").string();
  if (::mkdtemp(folder.data()) == nullptr) {
    std::cerr << "mkdtemp " << folder << " failed\n";
    return EXIT_FAILURE;
  }
  // Targets that run as another user look at their data folder below it.
  std::filesystem::permissions(folder, std::filesystem::perms{0755});
  Ground& ground = TheGround();
  ground.session = &session;
  ground.run_root = folder;
  if (kUsesBpf) {
    ground.no_kernel_evidence = WhyNoKernelEvidence(session, ground.run_root / "probe");
  }
  if (!ground.no_kernel_evidence.empty()) {
    std::cout << "live tests cannot judge here: " << ground.no_kernel_evidence << "\n";
  }
  int status = RUN_ALL_TESTS();
  const int ran = CountThoseThatRan();
  std::cout << fmt::format("{} live tests ran, at least {} must\n", ran, kLeastTests);
  if (AllWereWanted() && ran < kLeastTests) {
    std::cout << "FAILED: too few live tests ran; each one that was skipped says why above\n";
    status = EXIT_FAILURE;
  }
  if (const auto finished = session.Finish(); !finished) {
    std::cout << "FAILED: " << finished.error().message << "\n";
    status = EXIT_FAILURE;
  }
  if (status == EXIT_SUCCESS) {
    std::filesystem::remove_all(folder);
  }
  return status;
}

}  // namespace
}  // namespace brink::live

int main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  brink::live::PutVictimOnPath();
  if (testing::GTEST_FLAG(list_tests)) {
    return RUN_ALL_TESTS();
  }
  if (::geteuid() != 0) {
    std::cout << "live tests make control groups and set sysctls: run them as root\n";
    return brink::live::kSkippedByCtest;
  }
  brink::SessionOptions options;
  options.may_change_machine = true;
  options.use_bpf = brink::live::kUsesBpf;
  auto session = brink::Session::Start(std::move(options));
  if (!session) {
    std::cout << "FAILED: no session: " << session.error().message << " (" << session.error().remedy << ")\n";
    return EXIT_FAILURE;
  }
  return brink::live::RunAllTests(*session);
}
