// SPDX-License-Identifier: MIT
// Internal to model/json.cpp: one list of fields per struct (json_fields.h) serves both directions.
// JsonWriter and JsonReader are called alike, archive("key", member)("key", member)..., by the struct's
// Fields().
#pragma once

#include <array>
#include <concepts>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "base/result.h"
#include "model/evidence.h"

namespace brink::json {

using Json = nlohmann::ordered_json;

/// T or const T: a Fields() that takes either serves reading and writing.
template <typename T, typename Struct>
concept Like = std::same_as<std::remove_const_t<T>, Struct>;

/// A number that may be kNoLimit, which is null in JSON: consumers should not meet 2^64-1, which many of them
/// round.
template <typename T>
struct Limit {
  T& value;
};

/// A list that older documents have as a single value, null or "" where it is empty.
template <typename T>
struct OneOrList {
  T& values;
};
template <typename T>
OneOrList(T&) -> OneOrList<T>;  // clang 14 deduces none for an aggregate

/// The names of an enumeration's values and of a variant's alternatives, in order; specialised in
/// json_fields.h.
template <typename T>
struct Names;

class JsonWriter {
 public:
  template <typename T>
  JsonWriter& operator()(const char* key, const T& value) {
    object_[key] = Write(value);
    return *this;
  }
  [[nodiscard]] Json Take() { return std::move(object_); }

  template <typename T>
  [[nodiscard]] static Json Write(const T& value) {
    if constexpr (std::is_enum_v<T>) {
      return std::string(Names<T>::kValues.at(static_cast<std::size_t>(value)));
    } else if constexpr (std::is_arithmetic_v<T> || std::convertible_to<T, std::string>) {
      return Json(value);
    } else {
      JsonWriter writer;
      Fields(writer, value);
      return writer.Take();
    }
  }
  template <typename T>
  [[nodiscard]] static Json Write(const Limit<T>& limit) {
    return limit.value == kNoLimit ? Json(nullptr) : Json(limit.value);
  }
  template <typename T>
  [[nodiscard]] static Json Write(const OneOrList<T>& list) {
    return Write(list.values);
  }
  template <typename T>
  [[nodiscard]] static Json Write(const std::optional<T>& value) {
    return value ? Write(*value) : Json(nullptr);
  }
  template <typename T>
  [[nodiscard]] static Json Write(const std::vector<T>& list) {
    Json array = Json::array();
    for (const auto& item : list) {
      array.push_back(Write(item));
    }
    return array;
  }
  template <typename T, std::size_t N>
  [[nodiscard]] static Json Write(const std::array<T, N>& list) {
    return Json(list);
  }
  template <typename T>
  [[nodiscard]] static Json Write(const std::map<std::string, T>& map) {
    Json object = Json::object();
    for (const auto& [key, value] : map) {
      object[key] = Write(value);
    }
    return object;
  }
  template <typename A, typename B>
  [[nodiscard]] static Json Write(const std::pair<A, B>& pair) {
    return Json::array({Write(pair.first), Write(pair.second)});
  }
  /// {"NAME": {...}}, with the alternative's name.
  template <typename... T>
  [[nodiscard]] static Json Write(const std::variant<T...>& value) {
    Json object = Json::object();
    object[std::string(Names<std::variant<T...>>::kValues.at(value.index()))] =
        std::visit([](const auto& held) { return Write(held); }, value);
    return object;
  }

 private:
  Json object_ = Json::object();
};

/// Reads into members; what the document lacks keeps its default. The first mistake is kept, with its place.
class JsonReader {
 public:
  JsonReader(const Json& object, std::string place, std::string& mistake)
      : object_(object), place_(std::move(place)), mistake_(mistake) {}

  template <typename T>
  JsonReader& operator()(const char* key, T&& value) {
    if (const auto found = object_.find(key); found != object_.end()) {
      Read(*found, value, place_ + "." + key, mistake_);
    }
    return *this;
  }

  template <typename T>
  static void Read(const Json& json, T& value, const std::string& place, std::string& mistake) {
    if constexpr (std::is_enum_v<T>) {
      ReadName(json, value, place, mistake);
    } else if constexpr (std::same_as<T, bool>) {
      Check(json.is_boolean(), "true or false", json, place, mistake) &&
          (value = json.template get<T>(), true);
    } else if constexpr (std::is_unsigned_v<T>) {
      // is_number_unsigned, or a signed one that is not negative (a document built in memory).
      const bool fits =
          json.is_number_unsigned() || (json.is_number_integer() && json.template get<std::int64_t>() >= 0);
      Check(fits, "a whole number from 0 up", json, place, mistake) && (value = json.template get<T>(), true);
    } else if constexpr (std::is_integral_v<T>) {
      Check(json.is_number_integer(), "a whole number", json, place, mistake) &&
          (value = json.template get<T>(), true);
    } else if constexpr (std::is_floating_point_v<T>) {
      Check(json.is_number(), "a number", json, place, mistake) && (value = json.template get<T>(), true);
    } else if constexpr (std::same_as<T, std::string>) {
      Check(json.is_string(), "a string", json, place, mistake) && (value = json.template get<T>(), true);
    } else if (Check(json.is_object(), "an object", json, place, mistake)) {
      JsonReader reader(json, place, mistake);
      Fields(reader, value);
    }
  }
  template <typename T>
  static void Read(const Json& json, Limit<T>& limit, const std::string& place, std::string& mistake) {
    if (json.is_null()) {
      limit.value = kNoLimit;
    } else {
      Read(json, limit.value, place, mistake);
    }
  }
  template <typename T>
  static void Read(const Json& json, OneOrList<T>& list, const std::string& place, std::string& mistake) {
    if (json.is_array()) {
      return Read(json, list.values, place, mistake);
    }
    list.values.clear();
    const bool none = json.is_null() || (json.is_string() && json.get_ref<const std::string&>().empty());
    if (!none) {
      Read(json, list.values.emplace_back(), place, mistake);
    }
  }
  template <typename T>
  static void Read(const Json& json, std::optional<T>& value, const std::string& place,
                   std::string& mistake) {
    if (json.is_null()) {
      value.reset();
    } else {
      Read(json, value.emplace(), place, mistake);
    }
  }
  template <typename T>
  static void Read(const Json& json, std::vector<T>& list, const std::string& place, std::string& mistake) {
    if (!Check(json.is_array(), "a list", json, place, mistake)) {
      return;
    }
    list.clear();
    for (std::size_t i = 0; i < json.size(); ++i) {
      Read(json[i], list.emplace_back(), place + "[" + std::to_string(i) + "]", mistake);
    }
  }
  template <typename T, std::size_t N>
  static void Read(const Json& json, std::array<T, N>& list, const std::string& place, std::string& mistake) {
    if (!Check(json.is_array() && json.size() == N, "a list of " + std::to_string(N), json, place, mistake)) {
      return;
    }
    for (std::size_t i = 0; i < N; ++i) {
      Read(json[i], list.at(i), place + "[" + std::to_string(i) + "]", mistake);
    }
  }
  template <typename T>
  static void Read(const Json& json, std::map<std::string, T>& map, const std::string& place,
                   std::string& mistake) {
    if (!Check(json.is_object(), "an object", json, place, mistake)) {
      return;
    }
    map.clear();
    for (const auto& [key, value] : json.items()) {
      Read(value, map[key], place + "." + key, mistake);
    }
  }
  template <typename A, typename B>
  static void Read(const Json& json, std::pair<A, B>& pair, const std::string& place, std::string& mistake) {
    if (Check(json.is_array() && json.size() == 2, "a list of two", json, place, mistake)) {
      Read(json[0], pair.first, place + "[0]", mistake);
      Read(json[1], pair.second, place + "[1]", mistake);
    }
  }
  template <typename... T>
  static void Read(const Json& json, std::variant<T...>& value, const std::string& place,
                   std::string& mistake) {
    if (Check(json.is_object() && json.size() == 1, "an object with one key", json, place, mistake)) {
      ReadAlternative<0>(json.begin().key(), json.begin().value(), value, place, mistake);
    }
  }

 private:
  static bool Check(bool good, std::string_view expected, const Json& found, const std::string& place,
                    std::string& mistake) {
    if (!good && mistake.empty()) {
      mistake = place + ": expected " + std::string(expected) + ", found " +
                found.dump(-1, ' ', false, Json::error_handler_t::replace).substr(0, 80);
    }
    return good;
  }
  template <typename T>
  static void ReadName(const Json& json, T& value, const std::string& place, std::string& mistake) {
    std::string known;
    for (std::size_t i = 0; i < Names<T>::kValues.size(); ++i) {
      if (json.is_string() && json.template get_ref<const std::string&>() == Names<T>::kValues[i]) {
        value = static_cast<T>(i);
        return;
      }
      known += (i == 0 ? "" : ", ") + std::string(Names<T>::kValues[i]);
    }
    Check(false, "one of " + known, json, place, mistake);
  }
  template <std::size_t I, typename... T>
  static void ReadAlternative(const std::string& name, const Json& json, std::variant<T...>& value,
                              const std::string& place, std::string& mistake) {
    if constexpr (I == sizeof...(T)) {
      Check(false, "a known kind", Json(name), place, mistake);
    } else if (name == Names<std::variant<T...>>::kValues[I]) {
      Read(json, value.template emplace<I>(), place + "." + name, mistake);
    } else {
      ReadAlternative<I + 1>(name, json, value, place, mistake);
    }
  }

  const Json& object_;
  std::string place_;
  std::string& mistake_;
};

}  // namespace brink::json
