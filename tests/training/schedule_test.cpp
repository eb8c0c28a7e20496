#include <mlp/training/schedule.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <functional>
#include <limits>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

#include "golden/optimizers.hpp"
#include "message_of.hpp"

using namespace mlp;

namespace {

constexpr double epsilon = std::numeric_limits<double>::epsilon();
constexpr double pi = 3.14159265358979323846;

// PyTorch's schedules multiply or add step by step, with a few roundings in each.
void check_factors(const Schedule& schedule, std::span<const double> expected) {
  REQUIRE(expected.size() > 0);
  Index step = 0;
  for (const double factor : expected) {
    ++step;
    CAPTURE(step);
    CHECK(std::abs(schedule(step) - factor) <= 4 * epsilon * static_cast<double>(step));
  }
}

// Steps and their factors, computed by hand.
void check_some(const Schedule& schedule, const std::vector<std::pair<Index, double>>& expected) {
  for (const auto& [at, factor] : expected) {
    const Index step = at;  // a name that CAPTURE can take
    CAPTURE(step);
    CHECK(std::abs(schedule(step) - factor) <= 4 * epsilon);
  }
}

}  // namespace

TEST_CASE("ConstantSchedule") {
  check_some(ConstantSchedule{}, {{1, 1.0}, {1000, 1.0}});
  check_some(ConstantSchedule{.factor = 0.5}, {{1, 0.5}, {1000, 0.5}});
}

TEST_CASE("StepSchedule: as StepLR, and by hand") {
  check_factors(StepSchedule{.step_size = 7, .gamma = 0.75}, golden::optimizers::step_lr);
  check_some(StepSchedule{.step_size = 100}, {{1, 1.0}, {100, 1.0}, {101, 0.1}, {200, 0.1}, {201, 0.01}});
}

TEST_CASE("ExponentialSchedule: as ExponentialLR, and by hand") {
  check_factors(ExponentialSchedule{.gamma = 0.9}, golden::optimizers::exponential_lr);
  check_some(ExponentialSchedule{.gamma = 0.5}, {{1, 1.0}, {2, 0.5}, {5, 0.0625}});
}

TEST_CASE("CosineSchedule: as CosineAnnealingLR and CosineAnnealingWarmRestarts") {
  check_factors(CosineSchedule{.steps = 20, .minimum = 0.125}, golden::optimizers::cosine);
  check_factors(CosineSchedule{.steps = 6, .restarts = true}, golden::optimizers::restarts);
  check_factors(CosineSchedule{.steps = 5, .minimum = 0.125, .restarts = true, .period_factor = 2},
                golden::optimizers::longer_restarts);
}

TEST_CASE("CosineSchedule: by hand") {
  const double third = std::sqrt(3.0) / 2;  // cos(pi / 6)
  check_some(CosineSchedule{.steps = 6}, {{1, 1.0},
                                          {2, (1 + third) / 2},
                                          {3, 0.75},
                                          {4, 0.5},
                                          {5, 0.25},
                                          {6, (1 - third) / 2},
                                          {7, 0.0},
                                          {8, 0.0},
                                          {1000, 0.0}});
  check_some(CosineSchedule{.steps = 2, .minimum = 0.5, .warmup_steps = 4},
             {{1, 0.25}, {2, 0.5}, {3, 0.75}, {4, 1.0}, {5, 1.0}, {6, 0.75}, {7, 0.5}, {8, 0.5}});
  // Periods of 2, 3 and 4.5 steps.
  check_some(CosineSchedule{.steps = 2, .warmup_steps = 1, .restarts = true, .period_factor = 1.5},
             {{1, 1.0},
              {2, 1.0},
              {3, 0.5},
              {4, 1.0},
              {5, 0.75},
              {6, 0.25},
              {7, 1.0},
              {8, (1 + std::cos(pi / 4.5)) / 2},
              {11, (1 + std::cos(pi * 4 / 4.5)) / 2},
              {12, (1 + std::cos(pi * 0.5 / 6.75)) / 2}});
  check_some(CosineSchedule{.steps = 1, .restarts = true}, {{1, 1.0}, {2, 1.0}, {1'000'000'000, 1.0}});
}

TEST_CASE("OneCycleSchedule: as OneCycleLR, and by hand") {
  check_factors(OneCycleSchedule{.steps = 25}, golden::optimizers::one_cycle);
  check_factors(
      OneCycleSchedule{.steps = 14, .warmup_fraction = 0.45, .initial_factor = 0.1, .final_factor = 0.1 / 50},
      golden::optimizers::one_cycle_all);
  // The peak is step 5.
  check_some(OneCycleSchedule{.steps = 10, .warmup_fraction = 0.5, .initial_factor = 0.5, .final_factor = 0},
             {{1, 0.5}, {3, 0.75}, {5, 1.0}, {10, 0.0}, {11, 0.0}, {1000, 0.0}});
  check_some(OneCycleSchedule{.steps = 10, .warmup_fraction = 0.1}, {{1, 1.0}, {10, 1.0 / 25e4}});
  check_some(OneCycleSchedule{.steps = 1, .warmup_fraction = 0}, {{1, 1.0 / 25e4}});
}

TEST_CASE("ReduceOnPlateau: as ReduceLROnPlateau") {
  const auto check = [](Schedule schedule, std::span<const double> expected) {
    CHECK(schedule(1) == 1);
    for (std::size_t epoch = 0; epoch < expected.size(); ++epoch) {
      CAPTURE(epoch);
      schedule.observe(golden::optimizers::plateau_losses[epoch]);
      CHECK(std::abs(schedule(1) - expected[epoch]) <= 4 * epsilon);
      CHECK(schedule(1000) == schedule(1));
    }
  };
  check(ReduceOnPlateau{.factor = 0.5, .patience = 2, .threshold = 0x1p-7, .cooldown = 2, .minimum = 0.1},
        golden::optimizers::plateau);
  check(ReduceOnPlateau{}, golden::optimizers::plateau_default);
}

TEST_CASE("ReduceOnPlateau: a loss of nan is not an improvement") {
  ReduceOnPlateau schedule{.factor = 0.5, .patience = 0};
  schedule.observe(std::numeric_limits<double>::quiet_NaN());
  CHECK(schedule(1) == 0.5);
  schedule.observe(1);
  CHECK(schedule(1) == 0.5);
}

TEST_CASE("Schedule: holds any callable; without one, it is 1") {
  CHECK(Schedule{}(7) == 1);
  const Schedule lambda = [](Index step) { return 1 / static_cast<double>(step); };
  CHECK(lambda(4) == 0.25);
  CHECK(Schedule([](Index) { return 1.5f; })(4) == 1.5);
  const std::function<double(Index)> function = StepSchedule{.step_size = 1};
  CHECK(Schedule(function)(2) == 0.1);
  Schedule constant;
  constant.observe(1);  // ignored
  CHECK(constant(1) == 1);
  static_assert(!std::is_constructible_v<Schedule, double>);

  const struct {
    Index epochs = 1;
    Schedule schedule = {};
  } options{.schedule = ExponentialSchedule{.gamma = 0.5}};
  CHECK(options.schedule(2) == 0.5);
}

TEST_CASE("Schedule: a copy has its own state") {
  Schedule schedule = ReduceOnPlateau{.factor = 0.5, .patience = 0};
  schedule.observe(1);
  schedule.observe(1);
  CHECK(schedule(1) == 0.5);
  Schedule copy = schedule;
  copy.observe(1);
  CHECK(copy(1) == 0.25);
  CHECK(schedule(1) == 0.5);
  schedule.observe(1);
  schedule.observe(1);
  CHECK(schedule(1) == 0.125);
  CHECK(copy(1) == 0.25);
  copy = schedule;
  CHECK(copy(1) == 0.125);
  const Schedule moved = std::move(copy);
  CHECK(moved(1) == 0.125);
}

TEST_CASE("Schedules: an option out of range is named") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const auto check = [](auto schedule, const char* message) {
    CHECK(message_of([&] { schedule.validate(); }) == message);
    CHECK(message_of([&] { Schedule{schedule}; }) == message);
  };
  check(ConstantSchedule{.factor = -1}, "ConstantSchedule: expected factor >= 0, found -1");
  check(ConstantSchedule{.factor = nan}, "ConstantSchedule: expected factor >= 0, found nan");
  check(StepSchedule{}, "StepSchedule: expected step_size > 0, found 0");
  check(StepSchedule{.step_size = 1, .gamma = 0}, "StepSchedule: expected gamma > 0, found 0");
  check(StepSchedule{.step_size = 1, .gamma = nan}, "StepSchedule: expected gamma > 0, found nan");
  check(ExponentialSchedule{}, "ExponentialSchedule: expected gamma > 0, found 0");
  check(ExponentialSchedule{.gamma = nan}, "ExponentialSchedule: expected gamma > 0, found nan");
  check(CosineSchedule{}, "CosineSchedule: expected steps > 0, found 0");
  check(CosineSchedule{.steps = 1, .minimum = -1}, "CosineSchedule: expected minimum in [0, 1], found -1");
  check(CosineSchedule{.steps = 1, .minimum = 2}, "CosineSchedule: expected minimum in [0, 1], found 2");
  check(CosineSchedule{.steps = 1, .minimum = nan}, "CosineSchedule: expected minimum in [0, 1], found nan");
  check(CosineSchedule{.steps = 1, .warmup_steps = -1},
        "CosineSchedule: expected warmup_steps >= 0, found -1");
  check(CosineSchedule{.steps = 1, .restarts = true, .period_factor = 0.5},
        "CosineSchedule: expected period_factor >= 1, found 0.5");
  check(CosineSchedule{.steps = 1, .period_factor = nan},
        "CosineSchedule: expected period_factor >= 1, found nan");
  check(OneCycleSchedule{}, "OneCycleSchedule: expected steps > 0, found 0");
  check(OneCycleSchedule{.steps = 1, .warmup_fraction = -1},
        "OneCycleSchedule: expected warmup_fraction in [0, 1), found -1");
  check(OneCycleSchedule{.steps = 1, .warmup_fraction = 1},
        "OneCycleSchedule: expected warmup_fraction in [0, 1), found 1");
  check(OneCycleSchedule{.steps = 1, .initial_factor = nan},
        "OneCycleSchedule: expected initial_factor in [0, 1], found nan");
  check(OneCycleSchedule{.steps = 1, .final_factor = 2},
        "OneCycleSchedule: expected final_factor in [0, 1], found 2");
  check(ReduceOnPlateau{.factor = 1}, "ReduceOnPlateau: expected factor in [0, 1), found 1");
  check(ReduceOnPlateau{.factor = nan}, "ReduceOnPlateau: expected factor in [0, 1), found nan");
  check(ReduceOnPlateau{.patience = -1}, "ReduceOnPlateau: expected patience >= 0, found -1");
  check(ReduceOnPlateau{.threshold = 1}, "ReduceOnPlateau: expected threshold in [0, 1), found 1");
  check(ReduceOnPlateau{.cooldown = -1}, "ReduceOnPlateau: expected cooldown >= 0, found -1");
  check(ReduceOnPlateau{.minimum = -1}, "ReduceOnPlateau: expected minimum in [0, 1], found -1");
}
