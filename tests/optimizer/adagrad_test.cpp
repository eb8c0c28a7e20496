#include <mlp/core/concepts.hpp>
#include <mlp/optimizer/adagrad.hpp>

#include <doctest/doctest.h>

#include <limits>

#include "optimizer/check_optimizer.hpp"

using mlp::Adagrad;

static_assert(mlp::Optimizer<Adagrad, float> && mlp::Optimizer<Adagrad, double>);

TEST_CASE_TEMPLATE("Adagrad: steps by hand", S, float, double) {
  constexpr Adagrad plain{.learning_rate = 0.5, .epsilon = 1};
  check_steps_by_hand<S>(plain, {{4, 8 - 0.5 * 4 / 5, {16}}, {3, 7.6 - 0.5 * 3 / 6, {25}}});

  Adagrad slower = plain;  // a third of the rate in step 2
  slower.learning_rate_decay = 2;
  check_steps_by_hand<S>(slower, {{4, 8 - 0.5 * 4 / 5, {16}}, {3, 7.6 - 0.5 / 3 * 3 / 6, {25}}});

  Adagrad decay = plain;  // g = 4 + 8 / 16
  decay.weight_decay = 0.0625;
  check_steps_by_hand<S>(decay, {{4, 8 - 0.5 * 4.5 / 5.5, {20.25}}});

  Adagrad initial = plain;  // once, in step 1
  initial.initial_accumulator_value = 9;
  check_steps_by_hand<S>(initial, {{4, 8 - 0.5 * 4 / 6, {25}}, {0, 8 - 0.5 * 4 / 6, {25}}});
}

TEST_CASE_TEMPLATE("Adagrad: ranges, extremes", S, float, double) {
  check_ranges<S>(Adagrad{.learning_rate = 0.1,
                          .learning_rate_decay = 0.1,
                          .weight_decay = 0.1,
                          .initial_accumulator_value = 0.1});
  check_extremes<S>(Adagrad{});
}

TEST_CASE("Adagrad: defaults") {
  constexpr Adagrad defaults{};
  CHECK(defaults.learning_rate == 1e-2);
  CHECK(defaults.learning_rate_decay == 0);
  CHECK(defaults.weight_decay == 0);
  CHECK(defaults.initial_accumulator_value == 0);
  CHECK(defaults.epsilon == 1e-10);
  CHECK_NOTHROW(defaults.validate());
  CHECK_NOTHROW(Adagrad{.learning_rate = 0, .epsilon = 0}.validate());
}

TEST_CASE("Adagrad: an option out of range is named") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  check_errors<Adagrad>({
      {{.learning_rate = -0.5}, "Adagrad: expected learning_rate >= 0, found -0.5"},
      {{.learning_rate = nan}, "Adagrad: expected learning_rate >= 0, found nan"},
      {{.learning_rate_decay = -0.5}, "Adagrad: expected learning_rate_decay >= 0, found -0.5"},
      {{.learning_rate_decay = nan}, "Adagrad: expected learning_rate_decay >= 0, found nan"},
      {{.weight_decay = -2}, "Adagrad: expected weight_decay >= 0, found -2"},
      {{.weight_decay = nan}, "Adagrad: expected weight_decay >= 0, found nan"},
      {{.initial_accumulator_value = -1}, "Adagrad: expected initial_accumulator_value >= 0, found -1"},
      {{.initial_accumulator_value = nan}, "Adagrad: expected initial_accumulator_value >= 0, found nan"},
      {{.epsilon = -1}, "Adagrad: expected epsilon >= 0, found -1"},
      {{.epsilon = nan}, "Adagrad: expected epsilon >= 0, found nan"},
  });
}
