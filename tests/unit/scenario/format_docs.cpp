// SPDX-License-Identifier: MIT
// brink_format_docs FOLDER: writes the reference and the JSON Schema of the scenario format there.
#include <cstdio>
#include <fstream>
#include <string>

#include "scenario/load.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fputs("usage: brink_format_docs FOLDER\n", stderr);
    return 2;
  }
  const std::string folder = argv[1];
  std::ofstream markdown(folder + "/FORMAT.md", std::ios::trunc);
  markdown << brink::FormatReferenceMarkdown();
  std::ofstream schema(folder + "/scenario.schema.json", std::ios::trunc);
  schema << brink::FormatJsonSchema();
  markdown.close();
  schema.close();
  if (!markdown || !schema) {
    std::fprintf(stderr, "%s: could not be written\n", folder.c_str());
    return 1;
  }
  return 0;
}
