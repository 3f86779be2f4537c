// SPDX-License-Identifier: MIT
// brink_readme_table FOLDER: writes the table of the catalogue anew into the README.md of the source tree
// there.
#include <cstdio>
#include <fstream>

#include "shipped.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: brink_readme_table FOLDER\n", stderr);
    return 2;
  }
  const std::string root = argv[1];
  const auto readme = brink::testing::ReadmeWithCatalogue(root);
  if (!readme) {
    std::fprintf(stderr, "%s\n", readme.error().message.c_str());
    return 1;
  }
  std::ofstream file(root + "/README.md", std::ios::trunc);
  file << *readme;
  file.close();
  if (!file) {
    std::fprintf(stderr, "%s/README.md: could not be written\n", root.c_str());
    return 1;
  }
  return 0;
}
