#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>

#include <cmath>
#include <stdexcept>
#include <string>
#include <vector>

namespace mlp::inline MLP_ABI {

/// Why a minimizer stopped.
enum class StopReason {
  gradient_tolerance,
  change_tolerance,
  no_progress,
  max_iterations,
  max_evaluations,
  callback
};

constexpr const char* to_string(StopReason reason) {
  switch (reason) {
    case StopReason::gradient_tolerance:
      return "the gradient is within its tolerance";
    case StopReason::change_tolerance:
      return "the change of the loss is within its tolerance";
    case StopReason::no_progress:
      return "no step makes the loss smaller";
    case StopReason::max_iterations:
      return "as many iterations as allowed";
    case StopReason::max_evaluations:
      return "as many evaluations as allowed";
    case StopReason::callback:
      return "the callback asked for it";
  }
  return "";
}

/// The result of a minimization.
struct MinimizeResult {
  double loss = 0;
  double max_gradient = 0;  // the largest |dL/dtheta|
  Index iterations = 0;
  Index evaluations = 0;  // of the loss, with or without its gradient
  StopReason reason{};
  std::vector<double> history{};  // the loss after each iteration

  bool converged() const {
    return reason == StopReason::gradient_tolerance || reason == StopReason::change_tolerance;
  }
};

namespace detail {

// Throws std::runtime_error unless the loss and the gradient are finite at the start.
template <class S>
void check_start(const char* who, S loss, S max_gradient) {
  if (!std::isfinite(loss) || !std::isfinite(max_gradient)) {
    raise<std::runtime_error>({who, ": expected a finite loss and gradient at the start, found ", loss,
                               " and a gradient whose largest coefficient is ", max_gradient});
  }
}

// The largest |g_i|, nan if any is.
template <class G>
typename G::Scalar largest(const G& g) {
  return g.size() == 0 ? 0 : g.cwiseAbs().template maxCoeff<Eigen::PropagateNaN>();
}

// Throws std::invalid_argument if one of the options that all minimizers have is out of range.
template <class O>
void check_limits(const char* who, const O& o) {
  const auto check = [who](bool right, const char* expected, auto found) {
    check_option(right, who, expected, found);
  };
  check(o.max_iterations > 0, "max_iterations > 0", o.max_iterations);
  check(o.max_evaluations >= 0, "max_evaluations >= 0", o.max_evaluations);
  check(o.gradient_tolerance >= 0, "gradient_tolerance >= 0", o.gradient_tolerance);
  check(o.change_tolerance >= 0, "change_tolerance >= 0", o.change_tolerance);
}

}  // namespace detail

}  // namespace mlp::inline MLP_ABI
