// SPDX-License-Identifier: MIT
// Names of what lies outside the file: kernels and images, as far as the caller knows them.
#include <fmt/format.h>

#include "support.h"

namespace brink::testing {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

/// Knows one kernel and one image.
NameChecks Known() {
  const auto check = [](std::string what, std::string known) {
    return [what = std::move(what), known = std::move(known)](const std::string& name) -> Status {
      return name == known ? Status{} : Fail(fmt::format("there is no {} '{}'", what, name), "use " + known);
    };
  };
  return {.kernel = check("kernel", "debian-12"), .image = check("image", "redis")};
}

std::vector<std::string> Complaints(const std::string& text) {
  std::vector<std::string> lines;
  for (const Complaint& complaint : ParseScenario(text, "x.yaml", Known()).complaints) {
    lines.push_back(FormatComplaint(complaint));
  }
  return lines;
}

TEST(Names, OfAKernelThatIsNoneIsAMistakeWithItsPlace) {
  EXPECT_THAT(Complaints(WithProcess("", "machine: {kernel: debain-12}\n")),
              ElementsAre("x.yaml:5:19: there is no kernel 'debain-12' (use debian-12)"));
  EXPECT_THAT(Complaints(WithProcess("", "machine: {kernel: debian-12}\n")), IsEmpty());
}

TEST(Names, OfAnImageThatIsNoneIsAMistakeWhereverItStands) {
  EXPECT_THAT(Complaints(WithProcess("    image: rediss\n", "image: radis\nsteps: [{run: [a], image: x}]\n")),
              ElementsAre("x.yaml:5:12: there is no image 'rediss' (use redis)",
                          "x.yaml:6:8: there is no image 'radis' (use redis)",
                          "x.yaml:7:27: there is no image 'x' (use redis)"));
  EXPECT_THAT(
      Complaints(WithProcess("    image: redis\n", "image: redis\nsteps: [{run: [a], image: redis}]\n")),
      IsEmpty());
}

TEST(Names, InACaseAreLookedUpAndSoAreThoseThatEveryCaseOverrides) {
  EXPECT_THAT(
      Complaints(WithProcess("", "machine: {kernel: sdi}\ncases: {a: {machine: {kernel: debian-12}}}\n")),
      ElementsAre(HasSubstr("x.yaml:5:19: there is no kernel 'sdi'")));
  EXPECT_THAT(Complaints(WithProcess("", "cases: {a: {machine: {kernel: sdi}}}\n")),
              ElementsAre(HasSubstr("x.yaml:5:31: there is no kernel 'sdi'")));
}

TEST(Names, ThatStandForThemselvesAreNotLookedUp) {
  EXPECT_THAT(Complaints(WithProcess("    image: host\n", "machine: {kernel: ./bzImage}\n")), IsEmpty());
}

TEST(Names, AreNotLookedUpByWhoKnowsNone) {
  EXPECT_THAT(ComplaintsOf(WithProcess("    image: x\n", "machine: {kernel: x}\n")), IsEmpty());
}

TEST(Names, ThatSetPutInAreLookedUpWhenThePlanIsMade) {
  const LoadResult loaded = ParseScenario(
      WithProcess("", "parameters: {k: debian-12}\nmachine: {kernel: \"${k}\"}\n"), "x.yaml", Known());
  ASSERT_THAT(loaded.complaints, IsEmpty());
  PlanContext context = FakeHost();
  context.set = {{"k", "debain-12"}};
  context.names = Known();
  const PlanResult made = MakePlan(loaded.scenario, loaded.scenario.cases.front(), context);
  ASSERT_THAT(made.complaints, ::testing::SizeIs(1));
  EXPECT_EQ(made.complaints.front().problem, "there is no kernel 'debain-12'");
}

}  // namespace
}  // namespace brink::testing
