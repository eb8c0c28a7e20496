#include <mlp/core/concepts.hpp>
#include <mlp/optimizer/adamw.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "optimizer/check_optimizer.hpp"

using mlp::AdamW;

static_assert(mlp::Optimizer<AdamW, float> && mlp::Optimizer<AdamW, double>);

TEST_CASE_TEMPLATE("AdamW: steps by hand", S, float, double) {
  // Adam's steps (adam_test.cpp), and before each theta -= theta / 8.
  const double second = 0.5 * (8.0 / 3) / (8 / std::sqrt(7.0) + 1);
  const AdamW adamw{.learning_rate = 0.5, .beta1 = 0.5, .beta2 = 0.75, .epsilon = 1, .weight_decay = 0.25};
  check_steps_by_hand<S>(adamw, {{4, 7 - 0.4, {2, 4}}, {2, 6.6 * 0.875 - second, {2, 4}}});
}

TEST_CASE_TEMPLATE("AdamW: ranges, extremes", S, float, double) {
  check_ranges<S>(AdamW{.learning_rate = 0.1, .weight_decay = 0.1});
  check_extremes<S>(AdamW{});
}

TEST_CASE("AdamW: defaults") {
  constexpr AdamW defaults{};
  CHECK(defaults.learning_rate == 1e-3);
  CHECK(defaults.beta1 == 0.9);
  CHECK(defaults.beta2 == 0.999);
  CHECK(defaults.epsilon == 1e-8);
  CHECK(defaults.weight_decay == 1e-2);
  CHECK_NOTHROW(defaults.validate());
}

TEST_CASE("AdamW: an option out of range is named") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  check_errors<AdamW>({
      {{.learning_rate = nan}, "AdamW: expected learning_rate >= 0, found nan"},
      {{.beta1 = 1}, "AdamW: expected beta1 in [0, 1), found 1"},
      {{.beta2 = 1}, "AdamW: expected beta2 in [0, 1), found 1"},
      {{.epsilon = -1}, "AdamW: expected epsilon >= 0, found -1"},
      {{.weight_decay = -2}, "AdamW: expected weight_decay >= 0, found -2"},
  });
}
