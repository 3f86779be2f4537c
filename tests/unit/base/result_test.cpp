// SPDX-License-Identifier: MIT
#include "base/result.h"

#include <gtest/gtest.h>

namespace brink {
namespace {

TEST(Result, FailCarriesMessageAndRemedy) {
  const Status status = Fail("no such limit", "use another");
  ASSERT_FALSE(status.has_value());
  EXPECT_EQ(status.error().message, "no such limit");
  EXPECT_EQ(status.error().remedy, "use another");
  EXPECT_EQ(status.error().code, 0);
}

TEST(Result, FailErrnoAddsTheSystemsWords) {
  const Result<int> result = FailErrno("open /x", ENOENT);
  ASSERT_FALSE(result.has_value());
  EXPECT_EQ(result.error().message, "open /x: No such file or directory");
  EXPECT_EQ(result.error().code, ENOENT);
}

TEST(Result, WithinPutsTheCallersOperationInFront) {
  const Status inner = FailErrno("write", EACCES, "be root");
  const Status outer = Within("impose vm.max_map_count", inner.error());
  EXPECT_EQ(outer.error().message, "impose vm.max_map_count: write: Permission denied");
  EXPECT_EQ(outer.error().remedy, "be root");
  EXPECT_EQ(outer.error().code, EACCES);
}

}  // namespace
}  // namespace brink
