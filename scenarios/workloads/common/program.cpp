// SPDX-License-Identifier: MIT
#include "common/program.h"

#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <new>

#include "common/report.h"
#include "common/stop.h"

namespace workload {
namespace {

int Complain(const std::string& name, const std::string& message, Exit exit) {
  fmt::print(stderr, "{}: {}\n", name, message);
  return static_cast<int>(exit);
}

int RunBody(const std::string& name, const std::function<Exit()>& body) {
  try {
    SetReportName(name);
    InstallStopSignals();
    return static_cast<int>(body());
  } catch (const Failure& failure) {
    return Complain(name, failure.what(), failure.ExitStatus());
  } catch (const std::bad_alloc&) {
    return Complain(name, ErrnoText("malloc", ENOMEM), Exit::kFailed);
  } catch (const std::exception& error) {
    return Complain(name, error.what(), Exit::kFailed);
  }
}

}  // namespace

int RunProgram(CLI::App& app, int argc, char** argv, const std::function<Exit()>& body) {
  app.get_formatter()->column_width(34);
  app.option_defaults()->always_capture_default();
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& success) {  // --help
    return app.exit(success);
  } catch (const CLI::ParseError& error) {
    return Complain(app.get_name(), fmt::format("{}; see {} --help", error.what(), app.get_name()),
                    Exit::kUsage);
  }
  return RunBody(app.get_name(), body);
}

CLI::Option* AddSize(CLI::App& app, const std::string& name, std::uint64_t& value,
                     const std::string& description) {
  CLI::Validator to_bytes = CLI::AsSizeValue(/*kb_is_1000=*/false);
  to_bytes.description("");  // its list of twelve units would fill the help's left column
  return app.add_option(name, value, description)
      ->transform(to_bytes)
      ->type_name("SIZE")
      ->default_str(std::to_string(value));
}

}  // namespace workload
