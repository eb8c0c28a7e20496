#pragma once

#include <mlp/base/types.hpp>
#include <mlp/core/concepts.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <vector>

/// Checks for every optimizer.

struct HandStep {
  double gradient, theta;  // input, result
  std::vector<double> state;
};

/// Steps from theta = 8 computed by hand, for any number of equal parameters.
template <class S>
void check_steps_by_hand(const auto& optimizer, const std::vector<HandStep>& steps) {
  // No number exceeds 32 or depends on more than eight roundings.
  constexpr double bound = 32 * 8 / 2 * static_cast<double>(std::numeric_limits<S>::epsilon());
  const auto worst = [](const auto& found, double expected) {
    return (found.template cast<double>().array() - expected).abs().template maxCoeff<Eigen::PropagateNaN>();
  };
  for (const mlp::Index n : {1, 15, 16, 17, 40}) {
    CAPTURE(n);
    mlp::Vector<S> theta = mlp::Vector<S>::Constant(n, 8);
    mlp::Matrix<S> state = mlp::Matrix<S>::Zero(n, optimizer.slots);
    mlp::Index t = 0;
    for (const HandStep& step : steps) {
      CAPTURE(t);
      const mlp::Vector<S> gradient = mlp::Vector<S>::Constant(n, static_cast<S>(step.gradient));
      optimizer.step(theta, gradient, state, ++t);
      CHECK(worst(theta, step.theta) <= bound);
      for (mlp::Index k = 0; k < optimizer.slots; ++k) {
        CHECK(worst(state.col(k), step.state[static_cast<std::size_t>(k)]) <= bound);
      }
    }
  }
}

/// Steps on ranges of the parameters equal one step on all of them: bit by bit if a range begins at a
/// multiple of 16, otherwise up to rounding.
template <class S>
void check_ranges(const auto& optimizer) {
  using mlp::Index;
  constexpr Index n = 100;
  const mlp::Vector<S> start = mlp::Vector<S>::LinSpaced(n, -1, 1);
  const auto run = [&](const std::vector<Index>& cuts, auto& theta, auto& state) {
    theta = start;
    state.setZero(n, optimizer.slots);
    for (Index t = 1; t <= 4; ++t) {
      const mlp::Vector<S> gradient = (static_cast<S>(t) * start.array() + S(0.3)).matrix();
      for (std::size_t c = 1; c < cuts.size(); ++c) {
        const Index first = cuts[c - 1], count = cuts[c] - first;
        auto theta_range = theta.segment(first, count);
        auto state_range = state.middleRows(first, count);
        optimizer.step(theta_range, gradient.segment(first, count), state_range, t);
      }
    }
  };
  mlp::Vector<S> theta, other_theta;
  mlp::Matrix<S> state, other_state;
  run({0, n}, theta, state);
  run({0, 16, 64, n}, other_theta, other_state);
  CHECK(other_theta == theta);
  CHECK(other_state == state);
  run({0, 5, 50, n}, other_theta, other_state);
  // Numbers below 32, with a few roundings in each of four steps.
  constexpr double bound = 32 * 4 * 8 / 2 * static_cast<double>(std::numeric_limits<S>::epsilon());
  CHECK(static_cast<double>((other_theta - theta).cwiseAbs().maxCoeff()) <= bound);
  CHECK(static_cast<double>((other_state - state).cwiseAbs().maxCoeff()) <= bound);
  CHECK(theta != start);
}

/// Gradients whose squares overflow give finite parameters and normal steps; a nan is not hidden.
template <class S>
void check_extremes(const auto& optimizer) {
  constexpr S large = std::numeric_limits<S>::max() / 16, nan = std::numeric_limits<S>::quiet_NaN();
  mlp::Vector<S> theta = mlp::Vector<S>::Ones(20), gradient = mlp::Vector<S>::Constant(20, large);
  mlp::Matrix<S> state = mlp::Matrix<S>::Zero(20, optimizer.slots);
  gradient.tail(10).setZero();
  for (mlp::Index t = 1; t <= 3; ++t) optimizer.step(theta, gradient, state, t);
  CHECK(theta.allFinite());
  CHECK(state.allFinite());
  CHECK((theta.head(10).array() < 1).all());
  CHECK((theta.array() >= 0).all());
  gradient.setConstant(nan);
  optimizer.step(theta, gradient, state, 4);
  CHECK(theta.array().isNaN().all());
}

template <class O>
struct BadOption {
  O optimizer;
  const char* message;
};

template <class O>
void check_errors(const std::vector<BadOption<O>>& bad) {
  for (const auto& [optimizer, message] : bad) {
    CHECK_THROWS_WITH_AS(optimizer.validate(), message, std::invalid_argument);
  }
}
