// SPDX-License-Identifier: MIT
#include "run/session.h"

#include <gmock/gmock.h>

#include <cstdlib>
#include <string>
#include <vector>

#include "unit/kernel/fake_tree.h"

namespace brink {
namespace {

class SessionTest : public FakeTree {
 protected:
  void SetUp() override {
    FakeTree::SetUp();
    WriteMachine();
    Write("proc/self/mounts", "");
    ::setenv("BRINK_CACHE", (base_ + "/cache").c_str(), 1);
  }
  void TearDown() override {
    ::unsetenv("BRINK_CACHE");
    FakeTree::TearDown();
  }
  /// Of a machine with the user's own kernel, which is nowhere.
  [[nodiscard]] Plan PlanOf(const std::string& name) const {
    Plan plan;
    plan.scenario = "kernels";
    plan.case_name = name;
    plan.sandbox = "vm";
    plan.guest.kernel = base_ + "/nowhere/bzImage";
    plan.run_dir = base_ + "/out/" + name;
    plan.data_dir = plan.run_dir + "/data";
    return plan;
  }
};

TEST_F(SessionTest, AKernelThatCannotBeHadIsTriedOnceForAllItsCases) {
  std::vector<std::string> said;
  SessionOptions options;
  options.roots = roots_;
  options.use_host = false;
  options.progress = [&](const Plan&, const std::string& line) { said.push_back(line); };
  auto session = Session::Start(std::move(options));
  ASSERT_TRUE(session) << session.error().message;
  const auto verdicts = session->RunAll({PlanOf("one"), PlanOf("two")});
  ASSERT_EQ(verdicts.size(), 2U);
  EXPECT_THAT(said, testing::ElementsAre("fetching the kernel " + base_ + "/nowhere/bzImage"));
  for (const Verdict& verdict : verdicts) {
    EXPECT_EQ(verdict.outcome, Outcome::kInconclusive);
    EXPECT_THAT(verdict.reason, testing::HasSubstr("/nowhere/bzImage"));
  }
}

}  // namespace
}  // namespace brink
