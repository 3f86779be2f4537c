// SPDX-License-Identifier: MIT
#include "run/run_folder.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include "base/room.h"
#include "base/version.h"
#include "kernel/users.h"
#include "model/json.h"
#include "report/report.h"

namespace brink {
namespace {

/// A full disk is told with its room: the file named may be one of many.
tl::unexpected<Error> FailToWrite(const std::string& path, int code) {
  const bool full = code == ENOSPC || code == EDQUOT;
  const std::string room = full ? RoomInWords(std::filesystem::path(path).parent_path().string()) : "";
  return FailErrno("write " + path, code,
                   full ? fmt::format("make room{}, or choose another folder with --out",
                                      room.empty() ? "" : " (" + room + ")")
                        : "check the rights of the folder given by --out");
}

}  // namespace

Status MakeFolders(const Plan& plan) {
  std::error_code code;
  const bool ours = std::filesystem::exists(plan.run_dir + "/plan.json", code);
  if (!ours && std::filesystem::exists(plan.data_dir, code) &&
      !std::filesystem::is_empty(plan.data_dir, code)) {
    return Fail(plan.data_dir + " holds files that are not of an earlier run",
                "choose another folder with --out");
  }
  DiscardResults(plan.run_dir);
  for (const std::string& folder : {plan.data_dir, plan.run_dir + "/logs"}) {
    std::filesystem::remove_all(folder, code);
    if (!code) {
      std::filesystem::create_directories(folder, code);
    }
    if (code) {
      break;
    }
  }
  if (code) {
    return Fail("create " + plan.run_dir + ": " + code.message(), "choose another folder with --out");
  }
  return {};
}

Status GiveDataDir(const Plan& plan) {
  for (const ProcessPlan& process : plan.processes) {
    if (process.user.empty()) {
      continue;
    }
    const auto user = FindUser(process.user, process.image.empty() ? "" : plan.images.at(process.image));
    if (user && ::chown(plan.data_dir.c_str(), user->uid, user->gid) != 0) {
      return FailErrno("chown " + plan.data_dir);
    }
  }
  return {};
}

Status SaveFile(const std::string& path, const std::string& text) {
  const std::string part = path + ".part";
  errno = 0;
  std::ofstream file(part, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (file && std::rename(part.c_str(), path.c_str()) == 0) {
    return {};
  }
  const int code = errno == 0 ? EIO : errno;
  std::remove(part.c_str());
  return FailToWrite(path, code);
}

Status SaveVerdict(const Verdict& verdict, const HostFacts& host) {
  RunReport report;
  report.brink_version = kVersion;
  report.host = host;
  report.results.push_back(verdict);
  return SaveFile(verdict.run_dir + "/verdict.json", FormatJson(report));
}

Status SaveResults(const Plan& plan, const Evidence& evidence, const Verdict& verdict) {
  auto saved = SaveFile(plan.run_dir + "/plan.json", PlanToJson(plan));
  saved = saved ? SaveFile(plan.run_dir + "/evidence.json", EvidenceToJson(evidence)) : saved;
  saved = saved ? SaveVerdict(verdict, evidence.host) : saved;
  if (!saved) {
    DiscardResults(plan.run_dir);
  }
  return saved;
}

void DiscardResults(const std::string& run_dir) {
  std::error_code code;
  for (const char* file : {"/evidence.json", "/verdict.json"}) {
    std::filesystem::remove(run_dir + file, code);
  }
}

std::string CommonFolder(const std::vector<Plan>& plans) {
  std::optional<std::filesystem::path> common;
  for (const Plan& plan : plans) {
    const std::filesystem::path folder = plan.run_dir;
    if (plan.sandbox != "vm") {
      continue;
    }
    if (!common) {
      common = folder;
    }
    const auto [end, ignored] = std::mismatch(common->begin(), common->end(), folder.begin(), folder.end());
    std::filesystem::path shorter;
    std::for_each(common->begin(), end, [&](const auto& part) { shorter /= part; });
    common = std::move(shorter);
  }
  return common ? common->string() : "";
}

}  // namespace brink
