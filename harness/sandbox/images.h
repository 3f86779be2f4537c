// SPDX-License-Identifier: MIT
// Images: root folders made of Debian's packages, that processes of a plan may have in place of this
// machine's. containers/make-image makes them.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "model/evidence.h"
#include "sandbox/cache.h"

namespace brink {

/// Where images are kept and what makes them; tests put folders and a script of their own here.
struct ImagePlaces {
  std::string cache;    // the user's; has one folder an image
  std::string machine;  // the machine's, the same; empty: there is no other (cache.h)
  std::string script;   // make-image; images/ beside it holds a recipe for each image
};

/// Below the two caches (cache.h).
[[nodiscard]] Result<ImagePlaces> DefaultImagePlaces(CacheUse use = CacheUse::kWrite);

/// Images that there is a recipe for, sorted.
[[nodiscard]] std::vector<std::string> KnownImageNames(const ImagePlaces& places);

/// Whether it can be an image at all: one that there is a recipe for, or that has been made. Makes nothing.
[[nodiscard]] Status CheckImageName(const std::string& name, const ImagePlaces& places);

/// The folder of an image that has been made, in the user's cache or else in the machine's. The error's
/// remedy says how to make it.
[[nodiscard]] Result<std::string> FindImage(const std::string& name, const ImagePlaces& places);

/// Of the images that have been made, the one with all of these packages and the fewest others; empty: none.
[[nodiscard]] std::string FindImageWith(const std::vector<std::string>& packages, const ImagePlaces& places);

/// The image whose recipe names all of these packages, and fewest others; empty: none does.
[[nodiscard]] std::string FindRecipeWith(const std::vector<std::string>& packages, const ImagePlaces& places);

/// What an image says of itself; of one that says nothing, or not in the form that make-image writes, the
/// name alone.
[[nodiscard]] ImageRecord ReadImage(const std::string& name, const std::string& folder);

/// Makes it unless it has been made, or anew where its recipe calls it old; `progress` receives lines for the
/// user meanwhile. Takes minutes and needs the network. Two at a time take turns.
[[nodiscard]] Status MakeImage(const std::string& name,
                               const std::function<void(const std::string&)>& progress,
                               const ImagePlaces& places);

/// Also what is left of half an image. The error: it was not there. Processes that run in it go on until they
/// need another of its files.
[[nodiscard]] Status RemoveImage(const std::string& name, const ImagePlaces& places);

}  // namespace brink
