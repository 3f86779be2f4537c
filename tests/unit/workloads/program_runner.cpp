// SPDX-License-Identifier: MIT
#include "program_runner.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <fstream>
#include <iterator>
#include <sstream>
#include <stdexcept>

extern char** environ;

namespace workload {
namespace {

struct Running {
  pid_t pid = -1;
  int output_fd = -1;
};

Running Start(const std::string& name, std::vector<std::string> arguments, const std::string& error_file) {
  const std::string program = std::string(WORKLOADS_FOLDER) + "/" + name;
  arguments.insert(arguments.begin(), program);
  std::vector<char*> argv;
  for (std::string& argument : arguments) {
    argv.push_back(argument.data());
  }
  argv.push_back(nullptr);
  std::array<int, 2> output{};
  if (::pipe2(output.data(), O_CLOEXEC) != 0) {
    throw std::runtime_error("pipe2 failed");
  }
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, output[1], STDOUT_FILENO);
  ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, error_file.c_str(),
                                     O_CREAT | O_WRONLY | O_TRUNC, 0600);
  Running running{.pid = -1, .output_fd = output[0]};
  const int failed = ::posix_spawn(&running.pid, program.c_str(), &actions, nullptr, argv.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::close(output[1]);
  if (failed != 0) {
    throw std::runtime_error("cannot start " + program);
  }
  return running;
}

/// Appends what can be read; false at the end.
bool ReadSome(int fd, std::string& text) {
  std::array<char, 4096> buffer{};
  const ssize_t count = ::read(fd, buffer.data(), buffer.size());
  if (count > 0) {
    text.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return count > 0;
}

ProgramResult Finish(const Running& running, std::string output, const std::string& error_file) {
  while (ReadSome(running.output_fd, output)) {
  }
  ::close(running.output_fd);
  int status = 0;
  ::waitpid(running.pid, &status, 0);
  ProgramResult result;
  result.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  result.standard_output = output;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    auto json = nlohmann::json::parse(line, nullptr, /*allow_exceptions=*/false);
    result.lines.push_back(json.is_object() ? json : nlohmann::json{{"not_json", line}});
  }
  std::ifstream errors(error_file);
  result.standard_error.assign(std::istreambuf_iterator<char>(errors), {});
  return result;
}

}  // namespace

TestFolder::TestFolder() {
  std::string name = (std::filesystem::temp_directory_path() / "workload-test-XXXXXX").string();
  if (::mkdtemp(name.data()) == nullptr) {
    throw std::runtime_error("mkdtemp failed");
  }
  path_ = name;
}

TestFolder::~TestFolder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

nlohmann::json ProgramResult::Event(const std::string& name) const {
  for (auto line = lines.rbegin(); line != lines.rend(); ++line) {
    if (line->value("event", "") == name) {
      return *line;
    }
  }
  return nullptr;
}

ProgramResult RunProgramToEnd(const std::string& name, const std::vector<std::string>& arguments) {
  const TestFolder folder;
  return Finish(Start(name, arguments, folder / "stderr"), "", folder / "stderr");
}

ProgramResult RunProgramUntilSignal(const std::string& name, const std::vector<std::string>& arguments,
                                    int signal, const std::string& event) {
  const TestFolder folder;
  std::vector<std::string> with_hold = arguments;
  with_hold.emplace_back("--hold");
  const Running running = Start(name, with_hold, folder / "stderr");
  std::string output;
  const std::string awaited = "\"event\":\"" + event + "\"";
  while (output.find(awaited) == std::string::npos && ReadSome(running.output_fd, output)) {
  }
  ::kill(running.pid, signal);
  return Finish(running, output, folder / "stderr");
}

void FlipByte(const std::filesystem::path& path, std::uint64_t offset) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.exceptions(std::ios::failbit | std::ios::badbit);
  file.seekg(static_cast<std::streamoff>(offset));
  const auto byte = static_cast<char>(file.get() ^ 0x10);
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(byte);
}

}  // namespace workload
