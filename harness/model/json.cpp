// SPDX-License-Identifier: MIT
#include "model/json.h"

#include <array>

#include "model/json_fields.h"

namespace brink {
namespace {

/// The newest evidence this brink writes and understands.
constexpr int kFormat = 1;

std::string Dump(const json::Json& document) {
  // A target's output may hold any bytes; what is not UTF-8 becomes U+FFFD instead of an exception.
  return document.dump(1, ' ', false, json::Json::error_handler_t::replace) + "\n";
}

template <typename T>
Result<T> FromJson(std::string_view text, std::string_view what) {
  const auto document = json::Json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (document.is_discarded() || !document.is_object()) {
    return Fail(std::string(what) + " is not a JSON object", "the file may be cut short; run the case again");
  }
  T value;
  std::string mistake;
  json::JsonReader::Read(document, value, std::string(what), mistake);
  if (!mistake.empty()) {
    return Fail(mistake,
                "the file was not written by this version of brink, or was edited; run the case again");
  }
  return value;
}

}  // namespace

std::string PlanToJson(const Plan& plan) { return Dump(json::JsonWriter::Write(plan)); }

Result<Plan> PlanFromJson(std::string_view text) { return FromJson<Plan>(text, "plan"); }

std::string EvidenceToJson(const Evidence& evidence) { return Dump(json::JsonWriter::Write(evidence)); }

Result<Evidence> EvidenceFromJson(std::string_view text) {
  auto evidence = FromJson<Evidence>(text, "evidence");
  if (evidence && evidence->format > kFormat) {
    return Fail("evidence.format: expected at most " + std::to_string(kFormat) + ", found " +
                    std::to_string(evidence->format),
                "it was recorded by a newer brink: judge it with that one");
  }
  return evidence;
}

std::string_view Name(Outcome outcome) {
  constexpr std::array<std::string_view, 7> kNames{
      "survived", "failed", "oom_killed", "hung", "inconclusive", "machine_panicked", "not_applicable"};
  return kNames.at(static_cast<std::size_t>(outcome));
}

std::string_view Name(EvidenceGrade grade) {
  return json::Names<EvidenceGrade>::kValues.at(static_cast<std::size_t>(grade));
}

}  // namespace brink
