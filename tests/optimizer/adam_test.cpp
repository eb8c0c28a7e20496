#include <mlp/core/concepts.hpp>
#include <mlp/optimizer/adam.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "optimizer/check_optimizer.hpp"

using mlp::Adam;

static_assert(mlp::Optimizer<Adam, float> && mlp::Optimizer<Adam, double>);

TEST_CASE_TEMPLATE("Adam: steps by hand", S, float, double) {
  // m^ = 4 and v^ = 16; then m^ = 2 / (3/4) and v^ = 4 / (7/16).
  const double second = 0.5 * (8.0 / 3) / (8 / std::sqrt(7.0) + 1);
  Adam adam{.learning_rate = 0.5, .beta1 = 0.5, .beta2 = 0.75, .epsilon = 1};
  check_steps_by_hand<S>(adam, {{4, 8 - 0.4, {2, 4}}, {2, 7.6 - second, {2, 4}}});
  // g = 4 + 8 / 4
  adam.weight_decay = 0.25;
  check_steps_by_hand<S>(adam, {{4, 8 - 3.0 / 7, {3, 9}}});
}

TEST_CASE_TEMPLATE("Adam: the first step is learning_rate, whatever the scale of the gradient", S, float,
                   double) {
  for (const double gradient : {1e-5, 1.0, 1e15}) {
    CAPTURE(gradient);
    mlp::Vector<S> theta = mlp::Vector<S>::Zero(3);
    mlp::Matrix<S> state = mlp::Matrix<S>::Zero(3, 2);
    const mlp::Vector<S> gradients = mlp::Vector<S>::Constant(3, static_cast<S>(gradient));
    Adam{}.step(theta, gradients, state, 1);
    // epsilon makes it smaller by 1e-8 / gradient
    constexpr auto rounding = 8 * static_cast<double>(std::numeric_limits<S>::epsilon());
    CHECK(std::abs(static_cast<double>(theta(2)) + 1e-3) <= 1e-3 * (rounding + 1e-8 / gradient));
  }
}

TEST_CASE_TEMPLATE("Adam: ranges, extremes", S, float, double) {
  check_ranges<S>(Adam{.learning_rate = 0.1, .weight_decay = 0.1});
  check_extremes<S>(Adam{});
}

TEST_CASE("Adam: defaults") {
  constexpr Adam defaults{};
  CHECK(defaults.learning_rate == 1e-3);
  CHECK(defaults.beta1 == 0.9);
  CHECK(defaults.beta2 == 0.999);
  CHECK(defaults.epsilon == 1e-8);
  CHECK(defaults.weight_decay == 0);
  CHECK_NOTHROW(defaults.validate());
  CHECK_NOTHROW(Adam{.learning_rate = 0, .beta1 = 0, .beta2 = 0, .epsilon = 0}.validate());
}

TEST_CASE("Adam: an option out of range is named") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  check_errors<Adam>({
      {{.learning_rate = -0.5}, "Adam: expected learning_rate >= 0, found -0.5"},
      {{.learning_rate = nan}, "Adam: expected learning_rate >= 0, found nan"},
      {{.beta1 = -0.5}, "Adam: expected beta1 in [0, 1), found -0.5"},
      {{.beta1 = 1}, "Adam: expected beta1 in [0, 1), found 1"},
      {{.beta1 = nan}, "Adam: expected beta1 in [0, 1), found nan"},
      {{.beta2 = -0.5}, "Adam: expected beta2 in [0, 1), found -0.5"},
      {{.beta2 = 1}, "Adam: expected beta2 in [0, 1), found 1"},
      {{.beta2 = nan}, "Adam: expected beta2 in [0, 1), found nan"},
      {{.epsilon = -1}, "Adam: expected epsilon >= 0, found -1"},
      {{.epsilon = nan}, "Adam: expected epsilon >= 0, found nan"},
      {{.weight_decay = -2}, "Adam: expected weight_decay >= 0, found -2"},
      {{.weight_decay = nan}, "Adam: expected weight_decay >= 0, found nan"},
  });
}
