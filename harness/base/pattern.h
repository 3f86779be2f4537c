// SPDX-License-Identifier: MIT
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"

namespace re2 {
class RE2;
}

namespace brink {

/// A regular expression (RE2 syntax) that is searched in a line. RE2 works in time linear in the text, so
/// that a hostile target's output can neither stall brink nor overflow its stack.
class Pattern {
 public:
  /// Fails with the place and kind of the mistake in the expression.
  [[nodiscard]] static Result<Pattern> Compile(const std::string& text);

  [[nodiscard]] bool FoundIn(std::string_view line) const;
  [[nodiscard]] const std::string& Text() const;

 private:
  explicit Pattern(std::shared_ptr<const re2::RE2> expression);
  std::shared_ptr<const re2::RE2> expression_;
};

}  // namespace brink
