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

namespace mlp {

/// Minimizes a sum of squares with the method of Levenberg and Marquardt. Where J is the Jacobian of the
/// residuals r, and the loss L = c r^T r, a step h solves
///   (H + mu I) h = -g,  g = dL/dtheta = 2c J^T r,  H = 2c J^T J.
/// mu falls smoothly when the loss has fallen as this model promised, and rises fast when not.
/// It is for few parameters: there are two matrices of P x P coefficients, and an iteration takes about
/// N P^2 / 2 multiplications for N residuals and P^3 / 6 for each step tried. Smooth regressions with up to
/// some hundreds of parameters it fits closest; from a few thousand on take Lbfgs. Parameters should be of
/// comparable size, as a network's are.
/// Errors: std::invalid_argument if an option is out of range.
/// Source: Madsen, Nielsen and Tingleff, Methods for Non-Linear Least Squares Problems (2004), algorithm 3.16;
/// the damping is that of Nielsen, Damping Parameter in Marquardt's Method (1999).
struct LevenbergMarquardt {
  double damping = 1e-3;  // mu at first, as a part of the largest H_ii
  Index max_iterations = 1000;
  Index max_evaluations = 0;         // 0: as many as it takes
  double gradient_tolerance = 1e-7;  // stop if no |dL/dtheta_i| is larger
  double change_tolerance = 1e-9;    // stop if the loss changes by no more than this part of it

  /// Moves theta, an Eigen vector or a view of one, to where f is smallest, as far as it can be found.
  /// f(theta) returns the loss; f(theta, gradient, curvature) does so too and writes g, a Vector<S>, and the
  /// lower triangle of H, a Matrix<S>: so it may add them up residual by residual and need never have all of
  /// J. A loss that is not finite counts as too large. After each iteration theta is what it has brought, and
  /// callback(const MinimizeResult&) is called; one that returns false ends it.
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
    const auto forward_eval = [&] {
      const S value = static_cast<S>(f(std::as_const(x), g, curvature));
      ++result.evaluations;
      result.max_gradient = static_cast<double>(detail::largest(g));
      diagonal = curvature.diagonal();
      return value;
    };

    S value = forward_eval();
    detail::check_start("LevenbergMarquardt", value, static_cast<S>(result.max_gradient));
    result.loss = static_cast<double>(value);
    S mu = static_cast<S>(damping) * detail::largest(diagonal), growth = 2;
    bool converged = false, rejected = false;
    for (;;) {
      if (result.max_gradient <= gradient_tolerance) return stop(StopReason::gradient_tolerance);
      if (converged) return stop(StopReason::change_tolerance);
      if (result.iterations == max_iterations) return stop(StopReason::max_iterations);
      if (max_evaluations > 0 && result.evaluations + 2 > max_evaluations) {  // a trial, and its curvature
        return stop(StopReason::max_evaluations);
      }

      curvature.diagonal().array() = diagonal.array() + mu;
      cholesky.compute(curvature);
      bool accepted = false;
      if (cholesky.info() == Eigen::Success) {
        h = cholesky.solve(-g);
        const S promised = (mu * h.squaredNorm() - h.dot(g)) / 2;
        if (promised <= epsilon * value) {  // can't be told from rounding
          return stop(rejected ? StopReason::no_progress : StopReason::change_tolerance);
        }
        x_new = x + h;
        const S value_new = static_cast<S>(f(std::as_const(x_new)));
        ++result.evaluations;
        accepted = std::isfinite(value_new) && value_new < value;
        if (accepted) {
          const S fallen = value - value_new, excess = 2 * fallen / promised - 1;
          mu *= std::max(S(1) / 3, 1 - excess * excess * excess);
          growth = 2;
          converged = static_cast<double>(std::max(fallen, promised)) <= change_tolerance * result.loss;
          value = value_new;
          x.swap(x_new);
        }
      }
      rejected = !accepted;
      if (rejected) {
        mu = std::max(mu, std::numeric_limits<S>::min()) * growth;
        growth *= 2;
        if (!std::isfinite(mu)) return stop(StopReason::no_progress);
        continue;
      }
      forward_eval();
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

}  // namespace mlp
