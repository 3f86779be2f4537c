// SPDX-License-Identifier: MIT
#include "sandbox/images.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/shipped_files.h"
#include "sandbox/kernels.h"
#include "sandbox/run_script.h"

namespace brink {
namespace {

namespace fs = std::filesystem;

std::string FolderOf(const std::string& name, const ImagePlaces& places) { return places.cache + "/" + name; }

std::string FactsOf(const std::string& folder) { return folder + "/etc/brink-image"; }

}  // namespace

Result<ImagePlaces> DefaultImagePlaces() {
  auto cache = CacheFolder();
  if (!cache) {
    return tl::unexpected(cache.error());
  }
  return ImagePlaces{
      .cache = *cache + "/images",
      .script = FirstFolder({ProgramFolder() / "../share/brink/containers", BRINK_SOURCE_CONTAINERS}) +
                "/make-image"};
}

std::vector<std::string> KnownImageNames(const ImagePlaces& places) {
  std::vector<std::string> names;
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(fs::path(places.script).parent_path() / "images", code)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

Result<std::string> FindImage(const std::string& name, const ImagePlaces& places) {
  std::string folder = FolderOf(name, places);
  std::error_code code;
  if (fs::exists(FactsOf(folder), code)) {
    return folder;
  }
  const std::vector<std::string> known = KnownImageNames(places);
  if (std::find(known.begin(), known.end(), name) == known.end()) {
    return Fail(fmt::format("there is no image '{}'", name),
                fmt::format("choose one of {}, or write a recipe beside them in {}", fmt::join(known, ", "),
                            (fs::path(places.script).parent_path() / "images").string()));
  }
  return Fail(fmt::format("the image {} is not in {}", name, places.cache), "brink image build " + name);
}

ImageRecord ReadImage(const std::string& name, const std::string& folder) {
  ImageRecord record{.name = name, .suite = {}, .packages = {}};
  std::ifstream file(FactsOf(folder));
  const auto facts = nlohmann::json::parse(file, nullptr, false);
  try {
    const auto& packages = facts.at("packages");
    for (const std::string& target : facts.at("targets").get<std::vector<std::string>>()) {
      record.packages[target] = packages.at(target).get<std::string>();
    }
    record.suite = facts.at("suite").get<std::string>();
  } catch (const nlohmann::json::exception&) {
    record.packages.clear();
  }
  return record;
}

Status MakeImage(const std::string& name, const std::function<void(const std::string&)>& progress,
                 const ImagePlaces& places) {
  if (auto made = RunScript(places.script, {name, FolderOf(name, places)}, progress); !made) {
    return Within("make the image " + name, made.error());
  }
  return {};
}

Status RemoveImage(const std::string& name, const ImagePlaces& places) {
  const std::string folder = FolderOf(name, places);
  std::error_code code;
  if (name.find('/') != std::string::npos || !fs::exists(FactsOf(folder), code)) {
    return Fail(fmt::format("the image {} is not in {}", name, places.cache),
                "`brink image list` shows what is");
  }
  // Gone at once or not at all; what a killed brink leaves under this name the next make-image removes.
  const std::string gone = fmt::format("{}/.making-gone-{}", places.cache, ::getpid());
  fs::rename(folder, gone, code);
  if (!code) {
    fs::remove_all(gone, code);
  }
  return code ? FailErrno("remove " + folder, code.value()) : Status{};
}

}  // namespace brink
