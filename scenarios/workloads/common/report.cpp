// SPDX-License-Identifier: MIT
#include "common/report.h"

#include <unistd.h>

#include <mutex>
#include <string>

namespace workload {
namespace {

using SteadyClock = std::chrono::steady_clock;

struct Channel {
  std::string name = "workload";
  SteadyClock::time_point start = SteadyClock::now();
  std::mutex mutex;
};

Channel& TheChannel() {
  static Channel channel;
  return channel;
}

}  // namespace

void SetReportName(std::string_view name) {
  TheChannel().name = name;
  TheChannel().start = SteadyClock::now();
}

double SecondsSinceStart() {
  return std::chrono::duration<double>(SteadyClock::now() - TheChannel().start).count();
}

void Report(std::string_view event, const nlohmann::json& fields) {
  Channel& channel = TheChannel();
  nlohmann::ordered_json line = {{"event", event}, {"workload", channel.name}, {"t_s", SecondsSinceStart()}};
  for (const auto& [key, value] : fields.items()) {
    line[key] = value;
  }
  const std::string text = line.dump() + "\n";
  const std::lock_guard lock(channel.mutex);
  std::size_t done = 0;
  while (done < text.size()) {
    const ssize_t count = ::write(STDOUT_FILENO, text.data() + done, text.size() - done);
    if (count < 0 && errno != EINTR) {
      return;  // nobody listens any more; the work itself goes on
    }
    done += count > 0 ? static_cast<std::size_t>(count) : 0;
  }
}

bool EveryInterval::Due(SteadyClock::time_point now) {
  SteadyClock::time_point next = next_.load(std::memory_order_relaxed);
  return now >= next && next_.compare_exchange_strong(next, now + interval_, std::memory_order_relaxed);
}

}  // namespace workload
