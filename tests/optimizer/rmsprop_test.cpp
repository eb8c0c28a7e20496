#include <mlp/core/concepts.hpp>
#include <mlp/optimizer/rmsprop.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "optimizer/check_optimizer.hpp"

using mlp::RMSprop;

static_assert(mlp::Optimizer<RMSprop, float> && mlp::Optimizer<RMSprop, double>);

TEST_CASE_TEMPLATE("RMSprop: steps by hand", S, float, double) {
  constexpr RMSprop plain{.learning_rate = 0.5, .alpha = 0.75, .epsilon = 1};
  // v = 4 and r = 3, twice; the state is v, b, h
  check_steps_by_hand<S>(plain, {{4, 8 - 2.0 / 3, {4, 0, 0}}, {2, 7, {4, 0, 0}}});

  // g = 4 + 8 / 4, v = 9
  RMSprop decay = plain;
  decay.weight_decay = 0.25;
  check_steps_by_hand<S>(decay, {{4, 8 - 0.5 * 6 / 4, {9, 0, 0}}});

  // b = 4 / 3, then 4 / 6 + 2 / 3
  RMSprop momentum = plain;
  momentum.momentum = 0.5;
  check_steps_by_hand<S>(momentum, {{4, 8 - 2.0 / 3, {4, 4.0 / 3, 0}}, {2, 8 - 4.0 / 3, {4, 4.0 / 3, 0}}});

  // h = 1, then 3 / 4 + 1 / 2
  RMSprop centered = plain;
  centered.centered = true;
  const double first = 4 / (std::sqrt(4 - 1.0) + 1), second = 2 / (std::sqrt(4 - 1.25 * 1.25) + 1);
  check_steps_by_hand<S>(centered,
                         {{4, 8 - first / 2, {4, 0, 1}}, {2, 8 - first / 2 - second / 2, {4, 0, 1.25}}});

  centered.momentum = 0.5;
  check_steps_by_hand<S>(centered, {{4, 8 - first / 2, {4, first, 1}},
                                    {2, 8 - 0.75 * first - second / 2, {4, first / 2 + second, 1.25}}});
}

// Rounding may leave the mean of g^2 below the square of the mean of g; here it is set so.
TEST_CASE_TEMPLATE("RMSprop: a negative variance counts as 0", S, float, double) {
  const RMSprop centered{.learning_rate = 0.5, .epsilon = 0.25, .centered = true};
  const mlp::Vector<S> gradient = mlp::Vector<S>::LinSpaced(100, S(0.1), S(3.3));
  mlp::Vector<S> theta = mlp::Vector<S>::Zero(100);
  mlp::Matrix<S> state(100, 3);
  state.col(0) = S(0.999) * gradient.array().square();
  state.col(2) = gradient;
  centered.step(theta, gradient, state, 1);
  CHECK((state.col(0).array() < state.col(2).array().square()).all());
  CHECK(theta == -2 * gradient);
}

TEST_CASE_TEMPLATE("RMSprop: ranges, extremes", S, float, double) {
  for (const bool centered : {false, true}) {
    for (const double momentum : {0.0, 0.5}) {
      CAPTURE(centered);
      CAPTURE(momentum);
      check_ranges<S>(
          RMSprop{.epsilon = 0.1, .weight_decay = 0.1, .momentum = momentum, .centered = centered});
      check_extremes<S>(RMSprop{.epsilon = 0.1, .momentum = momentum, .centered = centered});
    }
  }
}

TEST_CASE("RMSprop: defaults") {
  constexpr RMSprop defaults{};
  CHECK(defaults.learning_rate == 1e-2);
  CHECK(defaults.alpha == 0.99);
  CHECK(defaults.epsilon == 1e-8);
  CHECK(defaults.weight_decay == 0);
  CHECK(defaults.momentum == 0);
  CHECK(!defaults.centered);
  CHECK_NOTHROW(defaults.validate());
  CHECK_NOTHROW(RMSprop{.learning_rate = 0, .alpha = 0, .epsilon = 0}.validate());
}

TEST_CASE("RMSprop: an option out of range is named") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  check_errors<RMSprop>({
      {{.learning_rate = -0.5}, "RMSprop: expected learning_rate >= 0, found -0.5"},
      {{.learning_rate = nan}, "RMSprop: expected learning_rate >= 0, found nan"},
      {{.alpha = -0.5}, "RMSprop: expected alpha in [0, 1), found -0.5"},
      {{.alpha = 1}, "RMSprop: expected alpha in [0, 1), found 1"},
      {{.alpha = nan}, "RMSprop: expected alpha in [0, 1), found nan"},
      {{.epsilon = -1}, "RMSprop: expected epsilon >= 0, found -1"},
      {{.epsilon = nan}, "RMSprop: expected epsilon >= 0, found nan"},
      {{.weight_decay = -2}, "RMSprop: expected weight_decay >= 0, found -2"},
      {{.weight_decay = nan}, "RMSprop: expected weight_decay >= 0, found nan"},
      {{.momentum = -0.5}, "RMSprop: expected momentum in [0, 1), found -0.5"},
      {{.momentum = 1}, "RMSprop: expected momentum in [0, 1), found 1"},
      {{.momentum = nan}, "RMSprop: expected momentum in [0, 1), found nan"},
  });
}
