// SPDX-License-Identifier: MIT
#include "guest_fixture.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <system_error>
#include <thread>

#include "base/clock.h"
#include "sandbox/kernels.h"

namespace brink::live {

using nlohmann::json;

std::vector<pid_t> GuestsOf(const std::string& folder) {
  std::vector<pid_t> found;
  std::error_code code;
  for (const auto& entry : std::filesystem::directory_iterator("/proc", code)) {
    const std::string name = entry.path().filename().string();
    if (name.find_first_not_of("0123456789") != std::string::npos) {
      continue;
    }
    const std::string words = ReadText(entry.path() / "cmdline");
    if (words.find("brink-guest") != std::string::npos && words.find("path=" + folder) != std::string::npos) {
      found.push_back(static_cast<pid_t>(std::stol(name)));
    }
  }
  return found;
}

std::vector<std::string> KernelsToTest(std::vector<std::string> in_ci) {
  return std::getenv("BRINK_NIGHTLY") != nullptr ? KnownKernelNames() : std::move(in_ci);
}

void GuestTest::SetUp() {
  CliTest::SetUp();
  if (IsSkipped()) {
    return;
  }
  patience_ = std::chrono::minutes(5);
  const auto kernel = FindKernel("debian-12");
  if (!kernel || !kernel->complete) {
    const auto fetched = FetchKernel("debian-12", [](const std::string&) {});
    if (!fetched) {
      GTEST_SKIP() << "no kernel for guests: " << fetched.error().message;
    }
  }
}

json GuestTest::Result(const Ended& ended) {
  const json document = ExpectOneDocument(ended.output);
  EXPECT_TRUE(document.is_object() && !document["results"].empty()) << ended.errors;
  return document.is_object() && !document["results"].empty() ? document["results"][0] : json::object();
}

Ended GuestTest::RunInGuest(std::vector<std::string> words) {
  words.insert(words.end(), {"--sandbox", "vm"});
  return Run(std::move(words));
}

void GuestTest::ExpectTwoAtOnceMet(const std::string& file) {
  const auto words = [&](const std::string& out) {
    return std::vector<std::string>{"run", file, "--sandbox", "vm", "--out", Path(out)};
  };
  BrinkProcess first(folder_, "first", words("first"));
  BrinkProcess second(folder_, "second", words("second"));
  EXPECT_TRUE(first.EndsWithin(patience_));
  EXPECT_TRUE(second.EndsWithin(patience_));
  EXPECT_EQ(first.ExitCode(), 0) << first.Errors();
  EXPECT_EQ(second.ExitCode(), 0) << second.Errors();
}

json GuestTest::ResultsOnKernels(const std::string& file, std::vector<std::string> words,
                                 const std::vector<std::string>& kernels) {
  constexpr std::chrono::minutes kForEach{4};
  patience_ = kForEach * static_cast<int>(kernels.size() + 1);
  words.insert(words.begin(), file);
  words.insert(words.end(), {"--kernel", fmt::format("{}", fmt::join(kernels, ","))});
  const Ended ended = Run(std::move(words));
  EXPECT_EQ(ended.status, 0) << ended.errors;
  const json document = ExpectOneDocument(ended.output);
  return document.is_object() ? document["results"] : json::array();
}

std::ptrdiff_t GuestTest::Boots(const std::filesystem::path& out) {
  const auto files = std::filesystem::recursive_directory_iterator(out);
  return std::count_if(begin(files), end(files), [](const auto& entry) {
    return entry.path().filename().string().ends_with("-console.log");
  });
}

std::string GuestTest::WriteStaying(const std::string& name) {
  return Write(name, "processes: {target: {run: [/bin/sh, -c, 'echo here; sleep 1000']}}\ntimeout: 100s\n");
}

bool GuestTest::AwaitTarget(const std::string& out) const {
  const auto deadline = Clock::now() + patience_;
  while (Clock::now() < deadline) {
    std::error_code code;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(out, code)) {
      if (entry.path().filename() == "target.log" &&
          ReadText(entry.path()).find("here") != std::string::npos) {
        return true;
      }
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // what a guest writes wakes nobody here
  }
  return false;
}

bool GuestTest::AwaitNoGuest(const std::string& folder) {
  const auto deadline = Clock::now() + std::chrono::seconds(20);
  while (!GuestsOf(folder).empty() && Clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  return GuestsOf(folder).empty();
}

}  // namespace brink::live
