// SPDX-License-Identifier: MIT
#include "sandbox/images.h"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "base/shipped_files.h"
#include "sandbox/cache.h"
#include "sandbox/run_script.h"
#include "sandbox/trust.h"
#include "scenario/vocabulary.h"

namespace brink {
namespace {

namespace fs = std::filesystem;

std::string FolderOf(const std::string& name, const ImagePlaces& places) { return places.cache + "/" + name; }

/// A name is that of a folder in the cache; those that begin with a dot are make-image's own.
bool IsName(const std::string& name) {
  return !name.empty() && name.front() != '.' && name.find('/') == std::string::npos;
}

bool IsKnown(const std::string& name, const ImagePlaces& places) {
  const std::vector<std::string> known = KnownImageNames(places);
  return std::find(known.begin(), known.end(), name) != known.end();
}

tl::unexpected<Error> FailUnknown(const std::string& name, const ImagePlaces& places) {
  const std::vector<std::string> known = KnownImageNames(places);
  const std::string near = Nearest(name, known);
  return Fail(fmt::format("there is no image '{}'", name),
              near.empty() ? fmt::format("choose one of {}, or write a recipe beside them in {}",
                                         fmt::join(known, ", "),
                                         (fs::path(places.script).parent_path() / "images").string())
                           : fmt::format("did you mean '{}'?", near));
}

std::string FactsOf(const std::string& folder) { return folder + "/etc/brink-image"; }

/// All packages of an image that has been made.
std::set<std::string> PackagesIn(const std::string& name, const ImagePlaces& places) {
  const auto folder = FindImage(name, places);
  std::ifstream file(folder ? FactsOf(*folder) : "");
  const auto facts = nlohmann::json::parse(file, nullptr, false);
  std::set<std::string> packages;
  if (facts.is_object() && facts.contains("packages") && facts["packages"].is_object()) {
    for (const auto& [package, version] : facts["packages"].items()) {
      packages.insert(package);
    }
  }
  return packages;
}

/// The words of a recipe, the packages among them.
std::set<std::string> WordsOfRecipe(const std::string& name, const ImagePlaces& places) {
  std::ifstream file(fs::path(places.script).parent_path() / "images" / name);
  std::set<std::string> words;
  for (std::string line; std::getline(file, line);) {
    line.erase(std::min(line.find('#'), line.size()));
    std::replace_if(
        line.begin(), line.end(), [](char letter) { return letter == '(' || letter == ')'; }, ' ');
    std::istringstream parts(line);
    words.insert(std::istream_iterator<std::string>(parts), {});
  }
  return words;
}

/// Of the images that there is a recipe for, the one whose set holds all of these and fewest others.
std::string SmallestWith(
    const std::vector<std::string>& packages, const ImagePlaces& places,
    const std::function<std::set<std::string>(const std::string&, const ImagePlaces&)>& set_of) {
  const std::set<std::string> wanted(packages.begin(), packages.end());
  std::string smallest;
  std::size_t least = std::numeric_limits<std::size_t>::max();
  for (const std::string& name : KnownImageNames(places)) {
    const std::set<std::string> all = set_of(name, places);
    if (all.size() < least && std::includes(all.begin(), all.end(), wanted.begin(), wanted.end())) {
      smallest = name;
      least = all.size();
    }
  }
  return smallest;
}

}  // namespace

Result<ImagePlaces> DefaultImagePlaces(CacheUse use) {
  auto cache = CacheFolder(use);
  if (!cache) {
    return tl::unexpected(cache.error());
  }
  const std::string machine = MachineCacheFolder();
  return ImagePlaces{
      .cache = *cache + "/images",
      .machine = machine.empty() ? "" : machine + "/images",
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

Status CheckImageName(const std::string& name, const ImagePlaces& places) {
  return IsKnown(name, places) || FindImage(name, places) ? Status{} : FailUnknown(name, places);
}

Result<std::string> FindImage(const std::string& name, const ImagePlaces& places) {
  std::error_code code;
  Status trusted;
  for (const std::string& cache : {places.cache, places.machine}) {
    std::string folder = cache + "/" + name;
    if (!IsName(name) || cache.empty() || !fs::exists(FactsOf(folder), code)) {
      continue;
    }
    // Its programs run with brink's own rights. What is in it has the owners that its packages give it;
    // whoever owns its root chose that.
    if (auto checked = CheckTrustedItself(folder); checked) {
      return folder;
    } else if (trusted) {
      trusted = std::move(checked);
    }
  }
  if (!trusted) {
    return tl::unexpected(trusted.error());
  }
  if (!IsKnown(name, places)) {
    return FailUnknown(name, places);
  }
  return Fail(fmt::format("the image {} is not in {}", name, places.cache), "brink image build " + name);
}

std::string FindImageWith(const std::vector<std::string>& packages, const ImagePlaces& places) {
  return SmallestWith(packages, places, PackagesIn);
}

std::string FindRecipeWith(const std::vector<std::string>& packages, const ImagePlaces& places) {
  return SmallestWith(packages, places, WordsOfRecipe);
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
  if (!IsKnown(name, places)) {
    return FailUnknown(name, places);
  }
  if (auto made = RunScript(places.script, {name, FolderOf(name, places)}, progress); !made) {
    return Within("make the image " + name, made.error());
  }
  const auto found = FindImage(name, places);
  return found ? Status{} : Within("make the image " + name, found.error());
}

Status RemoveImage(const std::string& name, const ImagePlaces& places) {
  const std::string folder = FolderOf(name, places);
  std::error_code code;
  if (!IsName(name) || !fs::exists(folder, code)) {
    return Fail(fmt::format("the image {} is not in {}", name, places.cache),
                FindImage(name, places)
                    ? fmt::format("it is in {}, which is root's to change", places.machine)
                    : "`brink image list` shows what is");
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
