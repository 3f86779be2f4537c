// SPDX-License-Identifier: MIT
#include "run/proc_text.h"

#include <algorithm>
#include <fstream>

namespace brink {

std::string ReadSmall(const std::string& path, std::size_t cap) {
  std::ifstream file(path, std::ios::binary);
  std::string text(cap, '\0');
  file.read(text.data(), static_cast<std::streamsize>(cap));
  text.resize(static_cast<std::size_t>(std::max<std::streamsize>(file.gcount(), 0)));
  std::replace(text.begin(), text.end(), '\0', ' ');
  return text;
}

std::string ReadComm(const std::string& proc, int pid) {
  std::string comm = ReadSmall(proc + "/" + std::to_string(pid) + "/comm", 64);
  comm.erase(std::remove(comm.begin(), comm.end(), '\n'), comm.end());
  return comm;
}

}  // namespace brink
