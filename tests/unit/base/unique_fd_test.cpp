// SPDX-License-Identifier: MIT
#include "base/unique_fd.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <utility>

namespace brink {
namespace {

int OpenNull() { return ::open("/dev/null", O_RDONLY | O_CLOEXEC); }
bool IsOpen(int fd) { return ::fcntl(fd, F_GETFD) >= 0; }

TEST(UniqueFd, IsEmptyAtFirst) {
  const UniqueFd empty;
  EXPECT_FALSE(empty.Valid());
  EXPECT_EQ(empty.Get(), -1);
}

TEST(UniqueFd, ClosesWhatItOwns) {
  const int fd = OpenNull();
  {
    const UniqueFd owner(fd);
    EXPECT_TRUE(owner.Valid());
    EXPECT_TRUE(IsOpen(fd));
  }
  EXPECT_FALSE(IsOpen(fd));
}

TEST(UniqueFd, GivesItsDescriptorAway) {
  UniqueFd owner(OpenNull());
  const int fd = owner.Release();
  EXPECT_FALSE(owner.Valid());
  EXPECT_TRUE(IsOpen(fd));
  ::close(fd);
}

TEST(UniqueFd, MovesAndClosesWhatItHeldBefore) {
  const int first = OpenNull();
  const int second = OpenNull();
  UniqueFd target(first);
  UniqueFd source(second);
  target = std::move(source);
  EXPECT_FALSE(IsOpen(first));
  EXPECT_EQ(target.Get(), second);
  const UniqueFd third(std::move(target));
  EXPECT_EQ(third.Get(), second);
  EXPECT_TRUE(IsOpen(second));
}

TEST(UniqueFd, ResetReplacesAndCloses) {
  const int first = OpenNull();
  UniqueFd owner(first);
  owner.Reset(OpenNull());
  EXPECT_TRUE(owner.Valid());
  owner.Reset();
  EXPECT_FALSE(owner.Valid());
}

}  // namespace
}  // namespace brink
