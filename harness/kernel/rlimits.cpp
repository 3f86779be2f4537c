// SPDX-License-Identifier: MIT
#include "kernel/rlimits.h"

#include <array>
#include <cerrno>
#include <utility>

#include "kernel/files.h"

namespace brink {
namespace {

constexpr auto kNames = std::to_array<std::pair<std::string_view, int>>({
    {"RLIMIT_AS", RLIMIT_AS},
    {"RLIMIT_CORE", RLIMIT_CORE},
    {"RLIMIT_CPU", RLIMIT_CPU},
    {"RLIMIT_DATA", RLIMIT_DATA},
    {"RLIMIT_FSIZE", RLIMIT_FSIZE},
    {"RLIMIT_LOCKS", RLIMIT_LOCKS},
    {"RLIMIT_MEMLOCK", RLIMIT_MEMLOCK},
    {"RLIMIT_MSGQUEUE", RLIMIT_MSGQUEUE},
    {"RLIMIT_NICE", RLIMIT_NICE},
    {"RLIMIT_NOFILE", RLIMIT_NOFILE},
    {"RLIMIT_NPROC", RLIMIT_NPROC},
    {"RLIMIT_RSS", RLIMIT_RSS},
    {"RLIMIT_RTPRIO", RLIMIT_RTPRIO},
    {"RLIMIT_RTTIME", RLIMIT_RTTIME},
    {"RLIMIT_SIGPENDING", RLIMIT_SIGPENDING},
    {"RLIMIT_STACK", RLIMIT_STACK},
});

Result<std::optional<rlim_t>> ParseEnd(std::string_view name, std::string_view text) {
  if (text.empty()) {
    return std::nullopt;
  }
  if (text == "unlimited" || text == "max") {
    return RLIM_INFINITY;
  }
  if (const auto number = ParseNumber(text)) {
    return *number;
  }
  return Fail(std::string(name) + ": " + std::string(text) + " is not a limit", "give a number or unlimited");
}

std::string FormatEnd(rlim_t value) { return value == RLIM_INFINITY ? "unlimited" : std::to_string(value); }

std::string FormatPair(const std::string& soft, const std::string& hard) {
  return soft == hard ? soft : soft + ":" + hard;
}

bool Refused(int code) { return code == EPERM || code == EACCES; }

constexpr std::string_view kNeedsResource =
    "brink lacks CAP_SYS_RESOURCE here (containers and some hosts drop it): ";

}  // namespace

std::optional<int> RlimitNumber(std::string_view name) {
  for (const auto& [known, number] : kNames) {
    if (known == name) {
      return number;
    }
  }
  return std::nullopt;
}

Result<RlimitRequest> ParseRlimit(const RlimitSetting& setting) {
  const auto resource = RlimitNumber(setting.name);
  if (!resource) {
    return Fail(setting.name + " is not a resource limit");
  }
  const auto soft = ParseEnd(setting.name, setting.soft);
  const auto hard = ParseEnd(setting.name, setting.hard);
  if (!soft || !hard) {
    return tl::unexpected(soft ? hard.error() : soft.error());
  }
  return RlimitRequest{.resource = *resource, .soft = *soft, .hard = *hard};
}

rlimit Resolve(const RlimitRequest& request, const rlimit& current) {
  return {.rlim_cur = request.soft.value_or(current.rlim_cur),
          .rlim_max = request.hard.value_or(current.rlim_max)};
}

std::string FormatRlimit(const rlimit& limit) {
  return FormatPair(FormatEnd(limit.rlim_cur), FormatEnd(limit.rlim_max));
}

std::string FormatRlimit(const RlimitRequest& request) {
  return FormatPair(request.soft ? FormatEnd(*request.soft) : "=",
                    request.hard ? FormatEnd(*request.hard) : "=");
}

bool Matches(const RlimitRequest& request, const rlimit& limit) {
  return request.soft.value_or(limit.rlim_cur) == limit.rlim_cur &&
         request.hard.value_or(limit.rlim_max) == limit.rlim_max;
}

std::string RlimitRemedy(int code) {
  if (Refused(code)) {
    return std::string(kNeedsResource) +
           "keep to the hard limit, run brink with the capability, or use --sandbox vm";
  }
  return code == EINVAL ? "the soft limit must not exceed the hard limit" : "";
}

std::string OomScoreRemedy(int code) {
  return Refused(code) ? std::string(kNeedsResource) +
                             "use a value not below brink's own, run brink with the capability, or use "
                             "--sandbox vm"
                       : "";
}

std::string NiceRemedy(int code) {
  return Refused(code) ? "a lower nice value needs CAP_SYS_NICE: run brink as root, or use --sandbox vm" : "";
}

}  // namespace brink
