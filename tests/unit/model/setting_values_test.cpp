// SPDX-License-Identifier: MIT
#include "model/setting_values.h"

#include <gtest/gtest.h>

namespace brink {
namespace {

TEST(WithUnits, SaysWhatAnAmountIs) {
  EXPECT_EQ(WithUnits("memory.max", "4294967296"), "4294967296 (4 GiB)");
  EXPECT_EQ(WithUnits("RLIMIT_AS", "356515840"), "356515840 (340 MiB)");
  EXPECT_EQ(WithUnits("vm.overcommit_kbytes", "614400"), "614400 (600 MiB)");
  EXPECT_EQ(WithUnits("vm.overcommit_kbytes", "+614400"), "+614400 (+600 MiB)");
}

TEST(WithUnits, LeavesWhatIsNoAmountOrPlain) {
  EXPECT_EQ(WithUnits("memory.max", "max"), "max");
  EXPECT_EQ(WithUnits("memory.swap.max", "0"), "0");
  EXPECT_EQ(WithUnits("RLIMIT_AS", "unlimited"), "unlimited");
  EXPECT_EQ(WithUnits("vm.max_map_count", "65530"), "65530");
  EXPECT_EQ(WithUnits("cpu.max", "50000 100000"), "50000 100000");
  EXPECT_EQ(WithUnits("vm.dirty_bytes", "8192"), "8192");
  EXPECT_EQ(WithUnits("vm.overcommit_kbytes", "18446744073709551615"), "18446744073709551615");
}

TEST(FindCoupled, KnowsAPairByEitherOfItAndByItsSlot) {
  const CoupledSysctls* pair = FindCoupled("vm.dirty_bytes");
  ASSERT_NE(pair, nullptr);
  EXPECT_EQ(pair->first, "vm.dirty_ratio");
  EXPECT_EQ(FindCoupled("vm.dirty_ratio"), pair);
  EXPECT_EQ(FindCoupled(pair->slot), pair);
  EXPECT_EQ(FindCoupled("vm.dirty_expire_centisecs"), nullptr);
}

}  // namespace
}  // namespace brink
