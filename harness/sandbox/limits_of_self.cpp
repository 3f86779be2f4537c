// SPDX-License-Identifier: MIT
#include "sandbox/limits_of_self.h"

#include <sys/resource.h>

namespace brink {

nlohmann::ordered_json OwnLimits() {
  auto limits = nlohmann::ordered_json::array();
  for (int resource = 0; resource < static_cast<int>(RLIMIT_NLIMITS); ++resource) {
    rlimit limit = {};
    if (::getrlimit(static_cast<__rlimit_resource>(resource), &limit) == 0) {
      limits.push_back({resource, limit.rlim_cur, limit.rlim_max});
    }
  }
  return limits;
}

void TakeLimits(const nlohmann::ordered_json& limits) {
  for (const auto& entry : limits) {
    const rlimit limit{.rlim_cur = entry.at(1).get<rlim_t>(), .rlim_max = entry.at(2).get<rlim_t>()};
    // Refused for example where fs.nr_open is smaller in the guest; its own limit then stays.
    static_cast<void>(::setrlimit(static_cast<__rlimit_resource>(entry.at(0).get<int>()), &limit));
  }
}

}  // namespace brink
