// SPDX-License-Identifier: MIT
#include "sandbox/run_script.h"

#include <fmt/format.h>
#include <signal.h>
#include <sys/prctl.h>

#include <boost/process.hpp>
#include <boost/process/extend.hpp>

#include "kernel/files.h"

namespace brink {
namespace {

namespace bp = boost::process;

/// In the child, between fork and exec: nothing of how brink treats signals is for a shell script.
void PrepareChild() {
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::signal(SIGPIPE, SIG_DFL);
  ::prctl(PR_SET_PDEATHSIG, SIGTERM);
}

constexpr std::string_view kRemedy = "remedy: ";

/// How its complaints begin; all else that it says is progress.
std::string MessagePrefix(const std::string& script) { return script.substr(script.rfind('/') + 1) + ": "; }

bool IsComplaint(const std::string& line, const std::string& prefix) {
  return line.starts_with(prefix) || line.starts_with(' ');
}

Error ComplaintOf(const std::vector<std::string>& lines, const std::string& script) {
  const std::string prefix = MessagePrefix(script);
  Error error;
  for (const std::string& line : lines) {
    const std::string_view text = Trim(line);
    if (text.starts_with(prefix)) {
      error.message = text.substr(prefix.size());
    } else if (text.starts_with(kRemedy)) {
      error.remedy = text.substr(kRemedy.size());
    }
  }
  if (error.message.empty()) {
    error.message =
        fmt::format("{} failed{}{}", script, lines.empty() ? "" : ": ", lines.empty() ? "" : lines.back());
  }
  return error;
}

}  // namespace

Status RunScript(const std::string& script, const std::vector<std::string>& arguments,
                 const std::function<void(const std::string&)>& progress) {
  std::error_code code;
  bp::ipstream output;
  bp::child child(
      bp::exe = script, bp::args = arguments, bp::std_in<bp::null, bp::std_out> bp::null,
      bp::std_err > output, bp::extend::on_exec_setup = [](auto&) { PrepareChild(); }, code);
  if (code) {
    return FailErrno("start " + script, code.value());
  }
  std::vector<std::string> lines;
  for (std::string line; std::getline(output, line);) {
    if (progress && !IsComplaint(line, MessagePrefix(script))) {
      progress(line);
    }
    lines.push_back(std::move(line));
  }
  child.wait(code);
  if (code || child.native_exit_code() != 0) {
    return tl::unexpected(ComplaintOf(lines, script));
  }
  return {};
}

}  // namespace brink
