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
