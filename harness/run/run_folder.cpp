// SPDX-License-Identifier: MIT
#include "run/run_folder.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <optional>
#include <system_error>
#include <utility>

#include "kernel/users.h"

namespace brink {

Status MakeFolders(const Plan& plan) {
  std::error_code code;
  const bool ours = std::filesystem::exists(plan.run_dir + "/plan.json", code);
  if (!ours && std::filesystem::exists(plan.data_dir, code) &&
      !std::filesystem::is_empty(plan.data_dir, code)) {
    return Fail(plan.data_dir + " holds files that are not of an earlier run",
                "choose another folder with --out");
  }
  for (const char* file : {"/evidence.json", "/verdict.json"}) {
    std::filesystem::remove(plan.run_dir + file, code);
  }
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
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << text;
  file.close();
  if (!file) {
    return FailErrno("write " + path, errno, "check the space of the folder given by --out");
  }
  return {};
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
