#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <vector>

/// Times, and what a report makes of them.
namespace timing {

/// Seconds that a call of run() takes, over `turns` calls in a row.
double seconds(int turns, auto&& run) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < turns; ++i) run();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / turns;
}

inline double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace timing
