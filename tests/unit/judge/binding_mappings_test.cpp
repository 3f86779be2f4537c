// SPDX-License-Identifier: MIT
// vm.max_map_count: one below, at, and above where the kernel begins to refuse.
#include <gtest/gtest.h>

#include <string>

#include "calls.h"
#include "judge/judge.h"

namespace brink::testing {
namespace {

TEST(Binding, SplitsFailFromTheLimitOn) {
  for (const char* name : {"munmap", "mprotect", "mlock", "mlock2", "pkey_mprotect"}) {
    const FailedCall call = Call(name, "ENOMEM", {0x1000, kPage, kReadOnly});
    EXPECT_EQ(NameAtMappings(call, 3999), "none") << name;
    EXPECT_EQ(NameAtMappings(call, 4000), "vm.max_map_count") << name;
    EXPECT_EQ(NameAtMappings(call, 4001), "vm.max_map_count") << name;
  }
}

TEST(Binding, MmapAndBrkMayUseOneMappingMoreThanASplit) {
  for (const FailedCall& call : {Mmap(kPage), Call("brk", "ENOMEM", {0x1000})}) {
    EXPECT_EQ(NameAtMappings(call, 4000), "none") << call.call;
    EXPECT_EQ(NameAtMappings(call, 4001), "vm.max_map_count") << call.call;
  }
}

TEST(Binding, MmapOverTheMiddleOfAMappingIsASplit) {
  EXPECT_EQ(NameAtMappings(Mmap(kPage, kReadWrite, kFixed), 3999), "none");
  EXPECT_EQ(NameAtMappings(Mmap(kPage, kReadWrite, kFixed), 4000), "vm.max_map_count");
}

TEST(Binding, MremapThatMovesStopsThreeBeforeTheLimit) {
  const FailedCall moves = Call("mremap", "ENOMEM", {0x1000, kPage, 2 * kPage, 1, 0});
  EXPECT_EQ(NameAtMappings(moves, 3996), "none");
  EXPECT_EQ(NameAtMappings(moves, 3997), "vm.max_map_count");
  const FailedCall moves_to = Call("mremap", "ENOMEM", {0x1000, kPage, kPage, 3, 0x9000});
  EXPECT_EQ(NameAtMappings(moves_to, 3994), "none");
  EXPECT_EQ(NameAtMappings(moves_to, 3995), "vm.max_map_count");
}

// MREMAP_DONTUNMAP takes the way of MREMAP_FIXED.
TEST(Binding, MremapThatKeepsTheOldRangeStopsFiveBeforeTheLimit) {
  const FailedCall keeps = Call("mremap", "ENOMEM", {0x1000, kPage, kPage, 1 | 4, 0});
  EXPECT_EQ(NameAtMappings(keeps, 3994), "none");
  EXPECT_EQ(NameAtMappings(keeps, 3995), "vm.max_map_count");
}

TEST(Binding, MremapThatMayNotMoveFailsForWantOfAddresses) {
  const Binding binding = BindingOf(Call("mremap", "ENOMEM", {0x1000, kPage, 2 * kPage, 0, 0}));
  EXPECT_FALSE(binding.limit);
  EXPECT_NE(binding.reason.find("MREMAP_MAYMOVE"), std::string::npos) << binding.reason;
}

TEST(Binding, MadviseReportsTheMappingLimitAsEagainOnly) {
  EXPECT_EQ(NameAtMappings(Call("madvise", "EAGAIN", {0x1000, kPage, 10}), 4000), "vm.max_map_count");
  EXPECT_EQ(NameAtMappings(Call("madvise", "EAGAIN", {0x1000, kPage, 10}), 3999), "none");
  EXPECT_EQ(NameAtMappings(Call("madvise", "ENOMEM", {0x1000, kPage, 10}), 4000), "none");
}

TEST(Binding, ForkDoesNotLookAtTheNumberOfMappings) {
  EXPECT_EQ(NameAtMappings(Call("clone", "ENOMEM", {0x1200011}), 4001), "none");
}

TEST(Binding, AnUnknownLimitOfMappingsIsNotALimitOfZero) {
  FailedCall call = Call("munmap", "ENOMEM", {0x1000, kPage});
  call.machine.max_map_count = 0;
  EXPECT_EQ(NameOf(call), "none");
}

TEST(Binding, AFewMappingsThatAnotherThreadGaveBackMeanwhileStillFitWhenNothingElseDoes) {
  FailedCall call = Call("munmap", "ENOMEM", {0x1000, kPage});
  call.threads = 2;
  call.map_count = 3998;
  const Binding binding = BindingOf(call);
  ASSERT_TRUE(binding.limit);
  EXPECT_EQ(binding.limit->name, "vm.max_map_count");
  EXPECT_EQ(binding.limit->use, 3998U);
  EXPECT_EQ(
      binding.reason,
      "3,998 of 4,000 mappings (vm.max_map_count): munmap in the middle of a mapping needs one more; at "
      "the call's return there were 2 fewer than that takes: another thread had unmapped meanwhile "
      "(most likely: nothing else fits)");
  call.limits.data = call.data_vm_bytes;  // munmap doesn't look at it
  EXPECT_EQ(NameOf(call), "vm.max_map_count");
  FailedCall other_fits = Mmap(kPage);
  other_fits.threads = 2;
  other_fits.map_count = 3998;
  EXPECT_EQ(NameOf(other_fits), "vm.max_map_count");
  other_fits.limits.as = other_fits.total_vm_bytes;
  EXPECT_EQ(NameOf(other_fits), "RLIMIT_AS");
}

TEST(Binding, OnlyOtherThreadsAndOnlyAFewMappingsEaseTheLimit) {
  FailedCall call = Call("munmap", "ENOMEM", {0x1000, kPage});
  EXPECT_EQ(NameAtMappings(call, 3998), "none") << "its only thread was in the call";
  call.threads = 0;
  EXPECT_EQ(NameAtMappings(call, 3998), "vm.max_map_count") << "there may have been others";
  call.threads = 2;
  EXPECT_EQ(NameAtMappings(call, 3996), "vm.max_map_count");
  EXPECT_EQ(NameAtMappings(call, 3995), "none");
  EXPECT_EQ(NameAtMappings(call, 3000), "none");
  call.threads = 5000;
  EXPECT_EQ(NameAtMappings(call, 3960), "vm.max_map_count");
  EXPECT_EQ(NameAtMappings(call, 3959), "none") << "a hundredth of the limit at most";
}

TEST(Binding, NamesTheKindOfSplit) {
  FailedCall call = Call("munmap", "ENOMEM", {0x1000, kPage});
  call.map_count = 4000;
  const Binding binding = BindingOf(call);
  ASSERT_TRUE(binding.limit);
  EXPECT_EQ(binding.limit->detail, "munmap in the middle of a mapping needs one more");
  EXPECT_EQ(binding.reason,
            "4,000 of 4,000 mappings (vm.max_map_count): munmap in the middle of a mapping needs one more");
}

}  // namespace
}  // namespace brink::testing
