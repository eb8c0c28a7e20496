#include <mlp/training/stopwatch.hpp>

#include <doctest/doctest.h>

#include <chrono>

TEST_CASE("stopwatch: laps add up to the time since it was made") {
  using Clock = std::chrono::steady_clock;
  const auto seconds_since = [](Clock::time_point start) {
    return std::chrono::duration<double>(Clock::now() - start).count();
  };
  const Clock::time_point before = Clock::now();
  mlp::detail::Stopwatch watch;
  const Clock::time_point after = Clock::now();
  double laps = 0;
  while (seconds_since(after) < 1e-3) {
    const double lap = watch.lap();
    CHECK(lap >= 0);
    laps += lap;
  }
  const double shortest = seconds_since(after);
  laps += watch.lap();
  CHECK(laps >= shortest - 1e-9);
  CHECK(laps <= seconds_since(before) + 1e-9);
}
