#pragma once

#include <mlp/base/abi.hpp>

#include <chrono>
#include <utility>

namespace mlp::inline MLP_ABI::detail {

/// Measures the time between two calls of lap().
class Stopwatch {
 public:
  /// Returns the seconds since the last call; since construction for the first one.
  double lap() {
    const Clock::time_point before = std::exchange(last_, Clock::now());
    return std::chrono::duration<double>(last_ - before).count();
  }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point last_ = Clock::now();
};

}  // namespace mlp::inline MLP_ABI::detail
