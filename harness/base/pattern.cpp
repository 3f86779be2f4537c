// SPDX-License-Identifier: MIT
#include "base/pattern.h"

#include <re2/re2.h>

#include <utility>

namespace brink {

Pattern::Pattern(std::shared_ptr<const re2::RE2> expression) : expression_(std::move(expression)) {}

Result<Pattern> Pattern::Compile(const std::string& text) {
  re2::RE2::Options options;
  options.set_log_errors(false);
  auto expression = std::make_shared<const re2::RE2>(text, options);
  if (!expression->ok()) {
    return Fail("'" + text + "' is not a regular expression: " + expression->error(),
                "put a backslash before characters that are meant literally");
  }
  return Pattern(std::move(expression));
}

bool Pattern::FoundIn(std::string_view line) const {
  return re2::RE2::PartialMatch(re2::StringPiece(line.data(), line.size()), *expression_);
}

const std::string& Pattern::Text() const { return expression_->pattern(); }

}  // namespace brink
