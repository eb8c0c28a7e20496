#pragma once

#include <doctest/doctest.h>

#include <mlp/minimize/minimize_result.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "least_squares.hpp"

/// Checks that an optimizer with default tolerances finds the minimum of a problem, and prints how.
template <class S>
void check_finds_minimum(const auto& optimizer, const LeastSquares& problem) {
  INFO(std::string(problem.name));
  SumOfSquares<S> f{problem};
  mlp::Vector<S> theta = f.start();
  const mlp::MinimizeResult found = optimizer.minimize(f, theta);
  MESSAGE(std::string(problem.name) << ": " << found.loss << " after " << found.iterations << " iterations, "
                                    << found.evaluations
                                    << " evaluations: " << std::string(to_string(found.reason)));
  // In float the gradient near a minimum may exceed its tolerance although no step lowers the loss.
  CHECK((found.converged() || (sizeof(S) == 4 && found.reason == mlp::StopReason::no_progress)));
  CHECK(found.loss == static_cast<double>(f(theta)));
  CHECK(found.history.size() == static_cast<std::size_t>(found.iterations));
  CHECK(std::is_sorted(found.history.rbegin(), found.history.rend()));
  // The loss is accurate to a billionth, or to the resolution of the scalar type; theta then to the root of
  // that.
  const double tolerance = std::max(1e-9, 10. * static_cast<double>(std::numeric_limits<S>::epsilon()));
  CHECK(std::abs(found.loss - problem.minimum) <= tolerance * std::max(1., problem.minimum));
  for (std::size_t i = 0; i < problem.solution.size(); ++i) {
    const double error = static_cast<double>(theta(static_cast<mlp::Index>(i))) - problem.solution[i];
    CHECK(std::abs(error) <= std::sqrt(tolerance) * std::max(1., std::abs(problem.solution[i])));
  }
}

/// Checks that an optimizer without tolerances finds the certified solution of a regression: the loss to nine
/// digits, and each parameter to a small part of its standard deviation.
void check_finds_certified(const auto& optimizer, const LeastSquares& problem, double part) {
  INFO(std::string(problem.name));
  SumOfSquares<double> f{problem};
  mlp::Vector<double> theta = f.start();
  const mlp::MinimizeResult found = optimizer.minimize(f, theta);
  MESSAGE(std::string(problem.name) << ": " << found.loss << " after " << found.iterations << " iterations, "
                                    << found.evaluations
                                    << " evaluations: " << std::string(to_string(found.reason)));
  CHECK(std::abs(found.loss - problem.minimum) <= 1e-9 * problem.minimum);
  for (std::size_t i = 0; i < problem.solution.size(); ++i) {
    const double error = theta(static_cast<mlp::Index>(i)) - problem.solution[i];
    CHECK(std::abs(error) <= part * problem.deviation[i]);
  }
}
