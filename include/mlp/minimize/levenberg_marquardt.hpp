#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>
#include <mlp/minimize/fit.hpp>
#include <mlp/minimize/minimize_result.hpp>
#include <mlp/training/callback.hpp>

#include <Eigen/Cholesky>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

namespace mlp::inline MLP_ABI {

/// Minimizes a sum of squares with the method of Levenberg and Marquardt. Where J is the Jacobian of the
/// residuals r, and the loss L = c r^T r, a step h solves
///   (H + mu I) h = -g,  g = dL/dtheta = 2c J^T r,  H = 2c J^T J.
/// mu falls smoothly while the loss falls as this model promises, and rises fast when it does not.
/// It is for few parameters: it holds two P x P matrices, and an iteration takes about N P^2 / 2
/// multiplications for N residuals, and P^3 / 6 for each step tried. It fits smooth regressions with up to
/// some hundreds of parameters more closely than the other optimizers; with a few thousand or more, use
/// Lbfgs. Parameters should be of comparable size, as a network's are.
/// Errors: std::invalid_argument if an option is out of range.
/// Source: Madsen, Nielsen and Tingleff, Methods for Non-Linear Least Squares Problems (2004), algorithm
/// 3.16; the damping is that of Nielsen, Damping Parameter in Marquardt's Method (1999).
struct LevenbergMarquardt {
  double damping = 1e-3;  // the first mu, as a fraction of the largest H_ii
  Index max_iterations = 1000;
  Index max_evaluations = 0;         // 0: no limit
  double gradient_tolerance = 1e-7;  // stop if no |dL/dtheta_i| is larger
  double change_tolerance = 1e-9;    // stop if the loss changes by no more than this fraction of it

  /// Moves theta, an Eigen vector or a view of one, to a local minimum of f, or as near to it as the options
  /// allow. f(theta) returns the loss; f(theta, gradient, curvature) also writes g, a Vector<S>, and the
  /// lower triangle of H, a Matrix<S>. f can sum both residual by residual and need never hold the whole J. A
  /// loss that is not finite counts as too large. callback(const MinimizeResult&) is called after each
  /// iteration, when theta holds the iteration's result; a callback that returns false ends the minimization.
  /// Errors: std::runtime_error if the loss or its gradient is not finite at the start.
  template <class F, class Theta, class Callback = detail::NoCallback>
  MinimizeResult minimize(F&& f, Theta&& theta, Callback&& callback = {}) const {
    using S = typename std::remove_cvref_t<Theta>::Scalar;
    constexpr S epsilon = std::numeric_limits<S>::epsilon();
    validate();
    const Index n = theta.size();
    Vector<S> x = theta, x_new(n), g(n), h(n), diagonal(n);
    Matrix<S> curvature(n, n);
    Eigen::LLT<Matrix<S>> cholesky(n);

    MinimizeResult result;
    const auto stop = [&](StopReason reason) {
      result.reason = reason;
      return result;
    };
    const auto evaluate = [&] {
      const S value = static_cast<S>(f(std::as_const(x), g, curvature));
      ++result.evaluations;
      result.max_gradient = static_cast<double>(detail::largest(g));
      diagonal = curvature.diagonal();
      return value;
    };

    S value = evaluate();
    detail::check_start("LevenbergMarquardt", value, static_cast<S>(result.max_gradient));
    result.loss = static_cast<double>(value);
    S mu = static_cast<S>(damping) * detail::largest(diagonal), growth = 2;
    bool converged = false, rejected = false;
    for (;;) {
      if (result.max_gradient <= gradient_tolerance) return stop(StopReason::gradient_tolerance);
      if (converged) return stop(StopReason::change_tolerance);
      if (result.iterations == max_iterations) return stop(StopReason::max_iterations);
      if (max_evaluations > 0 &&
          result.evaluations + 2 > max_evaluations) {  // a step, and the curvature after it
        return stop(StopReason::max_evaluations);
      }

      curvature.diagonal().array() = diagonal.array() + mu;
      cholesky.compute(curvature);
      bool accepted = false;
      if (cholesky.info() == Eigen::Success) {
        h = cholesky.solve(-g);
        const S promised = (mu * h.squaredNorm() - h.dot(g)) / 2;
        if (promised <= epsilon * value) {  // below the rounding error of the loss
          return stop(rejected ? StopReason::no_progress : StopReason::change_tolerance);
        }
        x_new = x + h;
        const S value_new = static_cast<S>(f(std::as_const(x_new)));
        ++result.evaluations;
        accepted = std::isfinite(value_new) && value_new < value;
        if (accepted) {
          const S fallen = value - value_new, excess = 2 * fallen / promised - 1;
          mu *= (std::max)(S(1) / 3, 1 - excess * excess * excess);
          growth = 2;
          converged = static_cast<double>((std::max)(fallen, promised)) <= change_tolerance * result.loss;
          value = value_new;
          x.swap(x_new);
        }
      }
      rejected = !accepted;
      if (rejected) {
        mu = (std::max)(mu, (std::numeric_limits<S>::min)()) * growth;
        growth *= 2;
        if (!std::isfinite(mu)) return stop(StopReason::no_progress);
        continue;
      }
      evaluate();
      theta = x;
      ++result.iterations;
      result.loss = static_cast<double>(value);
      result.history.push_back(result.loss);
      if (!detail::goes_on(callback, result)) return stop(StopReason::callback);
    }
  }

  void validate() const {
    detail::check_option(damping > 0, "LevenbergMarquardt", "damping > 0", damping);
    detail::check_limits("LevenbergMarquardt", *this);
  }
};

}  // namespace mlp::inline MLP_ABI
