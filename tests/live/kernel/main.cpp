// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string_view>

#include "victim.h"

int main(int argc, char** argv) {
  if (argc == 3 && std::string_view(argv[1]) == "--victim") {
    return brink::live::RunVictim(argv[2]);
  }
  testing::InitGoogleTest(&argc, argv);
  return RUN_ALL_TESTS();
}
