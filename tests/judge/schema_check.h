// SPDX-License-Identifier: MIT
#pragma once

#include <string>

namespace brink::testing {

/// What in the result document breaks its published schema, one complaint a line; empty when nothing does.
[[nodiscard]] std::string SchemaComplaints(const std::string& document);

}  // namespace brink::testing
