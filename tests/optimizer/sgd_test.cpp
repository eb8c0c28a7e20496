#include <mlp/base/views.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/optimizer/sgd.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <vector>

#include "optimizer/check_optimizer.hpp"

using mlp::Index;
using mlp::Matrix;
using mlp::Sgd;
using mlp::Vector;

static_assert(mlp::Optimizer<Sgd, float> && mlp::Optimizer<Sgd, double>);
static_assert(Sgd::slots == 1);

namespace {

struct Step {
  double gradient, theta, v;  // input, results
};

// By hand, from theta = 8, v = 0. All numbers are exact in float.
struct Case {
  const char* name;
  Sgd optimizer;
  std::vector<Step> steps;
};

const Case cases[] = {
    {"learning rate alone: theta -= g / 2",
     {.learning_rate = 0.5},
     {{4, 8 - 2, 0}, {-8, 6 + 4, 0}, {0, 10, 0}}},
    {"weight decay: g = gradient + theta / 4",
     {.learning_rate = 0.5, .weight_decay = 0.25},
     {{4, 8 - 3, 0}, {0.75, 5 - 1, 0}, {-5, 4 + 2, 0}}},
    {"momentum: v = v / 2 + g, theta -= v / 2",
     {.learning_rate = 0.5, .momentum = 0.5},
     {{4, 8 - 2, 4}, {2, 6 - 2, 4}, {0, 4 - 1, 2}, {-1, 3 - 0, 0}}},
    {"momentum and decay: g = gradient + theta / 4",
     {.learning_rate = 0.5, .momentum = 0.5, .weight_decay = 0.25},
     {{4, 8 - 3, 6}, {-0.25, 5 - 2, 4}, {1.25, 3 - 2, 4}}},
    {"Nesterov: theta -= (g + v / 2) / 2",
     {.learning_rate = 0.5, .momentum = 0.5, .nesterov = true},
     {{4, 8 - 3, 4}, {2, 5 - 2, 4}, {0, 3 - 0.5, 2}}},
    {"Nesterov and decay",
     {.learning_rate = 0.5, .momentum = 0.5, .weight_decay = 0.25, .nesterov = true},
     {{4, 8 - 4.5, 6}, {0.125, 3.5 - 1.5, 4}}},
};

}  // namespace

TEST_CASE_TEMPLATE("Sgd: steps by hand, for any number of parameters", S, float, double) {
  for (const Case& c : cases) {
    CAPTURE(c.name);
    for (const Index n : {1, 15, 16, 17, 40}) {
      CAPTURE(n);
      // A step is linear: parameter i moves as the first one does, times i + 1.
      const Vector<S> factor = Vector<S>::LinSpaced(n, S(1), static_cast<S>(n));
      Vector<S> parameters = S(8) * factor;
      Matrix<S> state = Matrix<S>::Zero(n, Sgd::slots);
      auto theta = mlp::matrix_view<mlp::Dynamic, 1>(parameters.data(), n, 1);
      Index t = 0;
      for (const Step& step : c.steps) {
        const Vector<S> gradient = static_cast<S>(step.gradient) * factor;
        c.optimizer.step(theta, gradient, state, ++t);
        CHECK(parameters == static_cast<S>(step.theta) * factor);
        CHECK(state.col(0) == static_cast<S>(step.v) * factor);
      }
    }
  }
}

TEST_CASE_TEMPLATE("Sgd: ranges", S, float, double) {
  for (const double momentum : {0.0, 0.5}) {
    CAPTURE(momentum);
    check_ranges<S>(Sgd{.learning_rate = 0.1, .momentum = momentum, .weight_decay = 0.1});
  }
}

TEST_CASE("Sgd: defaults") {
  constexpr Sgd defaults{};
  CHECK(defaults.learning_rate == 1e-3);
  CHECK(defaults.momentum == 0);
  CHECK(defaults.weight_decay == 0);
  CHECK(!defaults.nesterov);
  CHECK_NOTHROW(defaults.validate());
  CHECK_NOTHROW(Sgd{.learning_rate = 0}.validate());
}

TEST_CASE("Sgd: an option out of range is named") {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  check_errors<Sgd>({
      {{.learning_rate = -0.5}, "Sgd: expected learning_rate >= 0, found -0.5"},
      {{.learning_rate = nan}, "Sgd: expected learning_rate >= 0, found nan"},
      {{.momentum = -0.5}, "Sgd: expected momentum in [0, 1), found -0.5"},
      {{.momentum = 1}, "Sgd: expected momentum in [0, 1), found 1"},
      {{.momentum = nan}, "Sgd: expected momentum in [0, 1), found nan"},
      {{.weight_decay = -2}, "Sgd: expected weight_decay >= 0, found -2"},
      {{.weight_decay = nan}, "Sgd: expected weight_decay >= 0, found nan"},
      {{.nesterov = true}, "Sgd: expected momentum > 0 with nesterov, found 0"},
  });
}
