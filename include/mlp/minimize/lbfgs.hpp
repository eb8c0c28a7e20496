#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/kernel/norm.hpp>
#include <mlp/kernel/tile.hpp>
#include <mlp/minimize/fit.hpp>
#include <mlp/minimize/minimize_result.hpp>
#include <mlp/training/callback.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>
#include <utility>

namespace mlp::inline MLP_ABI {

namespace detail {

template <class A, class B>
auto dot(const A& a, const B& b) {
  return sum_tiles<typename A::Scalar>([](const auto& p, const auto& q) { return rounded_product(p, q); }, a,
                                       b);
}

// A point of the line theta + a d: the loss there, and its derivative along d.
template <class S>
struct LinePoint {
  S a, value, slope;
};

// The minimum of the cubic with the values and slopes of two points: Nocedal and Wright, equation 3.59. Not
// finite if the cubic has no minimum, or a value is not finite.
template <class S>
S minimum_of_cubic(const LinePoint<S>& p, const LinePoint<S>& q) {
  const S d1 = p.slope + q.slope - 3 * (p.value - q.value) / (p.a - q.a);
  const S d2 = std::copysign(std::sqrt(multiply_add(d1, d1, -p.slope * q.slope)), q.a - p.a);
  return q.a - (q.a - p.a) * (q.slope + d2 - d1) / (q.slope - p.slope + 2 * d2);
}

// The strong Wolfe conditions: the loss falls by at least a part of the decrease that the slope predicts, and
// the slope shrinks.
template <class S>
bool falls_enough(const LinePoint<S>& start, const LinePoint<S>& p) {
  return p.value <= multiply_add(S(1e-4) * p.a, start.slope, start.value);
}
template <class S>
bool is_flat_enough(const LinePoint<S>& start, const LinePoint<S>& p) {
  return std::abs(p.slope) <= S(0.9) * -start.slope;
}

// A point of the line that meets both conditions; if `trials` evaluations of phi find none, the lowest point
// that falls enough, or start if no point falls. The first trial is at a. phi(a) is a LinePoint, whose value
// is infinite where the loss is not finite.
// Source: Nocedal and Wright, algorithms 3.5 and 3.6 combined: `low` is the lowest point that falls enough,
// and once there is a `high`, a point that meets both conditions lies between the two.
template <class S, class Phi>
LinePoint<S> line_search(Phi&& phi, const LinePoint<S>& start, S a, Index trials) {
  LinePoint<S> low = start, high = start;
  bool bracketed = false;
  S last_width = std::numeric_limits<S>::infinity();
  for (; trials > 0; --trials) {
    const LinePoint<S> p = phi(a);
    if (!falls_enough(start, p) || p.value > low.value) {
      high = p;
      bracketed = true;
    } else if (is_flat_enough(start, p)) {
      return p;
    } else {
      const LinePoint<S> before = low;
      low = p;
      if (!bracketed && p.slope < 0) {
        // Still downhill: try between 2 and 10 times as far.
        const S guess = minimum_of_cubic(before, p);
        a = std::isfinite(guess) ? std::clamp(guess, 2 * p.a, 10 * p.a) : 10 * p.a;
        continue;
      }
      if (!bracketed || p.slope * (high.a - p.a) >= 0) high = before;
      bracketed = true;
    }
    // The next trial lies between low and high and not too close to either; halfway if the last trial has not
    // narrowed the interval enough.
    const S width = high.a - low.a, guess = minimum_of_cubic(low, high);
    S share = (guess - low.a) / width;
    if (!std::isfinite(high.value)) {
      share = S(0.1);
    } else if (!std::isfinite(share) || std::abs(width) > S(0.66) * last_width) {
      share = S(0.5);
    }
    a = multiply_add(std::clamp(share, S(0.1), S(0.9)), width, low.a);
    last_width = std::abs(width);
  }
  return low.value < start.value ? low : start;
}

}  // namespace detail

/// Minimizes a smooth function with the limited-memory BFGS method: steps along
///   d = -H dL/dtheta,
/// where H approximates the inverse of the Hessian by the last history_size changes of theta and of the
/// gradient. Line searches seek points that meet the strong Wolfe conditions, with the usual c1 = 1e-4 and
/// c2 = 0.9. It is for full batches: noise in the loss defeats it. The options correspond to
/// torch.optim.LBFGS's; change_tolerance is relative.
/// Memory: 2 history_size + 5 vectors like theta.
/// Errors: std::invalid_argument if an option is out of range.
/// Source: Nocedal and Wright, Numerical Optimization (2006), algorithms 7.4 and 7.5.
struct Lbfgs {
  double learning_rate = 1;  // the first step tried along d; the first d has |d|_1 <= 1
  Index max_iterations = 1000;
  Index max_evaluations = 0;         // 0: no limit
  double gradient_tolerance = 1e-7;  // stop if no |dL/dtheta_i| is larger
  double change_tolerance = 1e-9;    // stop if the loss changes by no more than this fraction of it
  Index history_size = 100;          // more is faster: a network's Hessian is not simple

  /// Moves theta, an Eigen vector or a view of one, to a local minimum of f, or as near to it as the options
  /// allow. f(theta, gradient) returns the loss and writes its gradient; both arguments are a Vector<S>. A
  /// loss that is not finite counts as too large. callback(const MinimizeResult&) is called after each
  /// iteration, when theta holds the iteration's result; a callback that returns false ends the minimization.
  /// Errors: std::runtime_error if the loss or its gradient is not finite at the start.
  template <class F, class Theta, class Callback = detail::NoCallback>
  MinimizeResult minimize(F&& f, Theta&& theta, Callback&& callback = {}) const {
    using S = typename std::remove_cvref_t<Theta>::Scalar;
    constexpr S epsilon = std::numeric_limits<S>::epsilon();
    validate();
    const Index n = theta.size(), history = (std::min)(history_size, max_iterations);
    // Column i % history is iteration i's: s the step, y the change of the gradient, rho = 1 / s^T y.
    Matrix<S> s(n, history), y(n, history);
    Vector<S> rho(history), alpha(history);
    Vector<S> x = theta, gradient(n), x_new(n), gradient_new(n), d(n);
    Index first = 0, next = 0;  // the iterations whose s and y are known: [first, next)

    MinimizeResult result;
    S value = static_cast<S>(f(std::as_const(x), gradient));
    S norm = detail::largest(gradient);
    detail::check_start("Lbfgs", value, norm);
    result.evaluations = 1;

    S tried = 0;
    const auto phi = [&](S a) -> detail::LinePoint<S> {
      tried = a;
      detail::add_multiple(a, d, x, x_new);
      const S value_new = static_cast<S>(f(std::as_const(x_new), gradient_new));
      ++result.evaluations;
      const S slope = detail::dot(gradient_new, d);
      if (std::isfinite(value_new) && std::isfinite(slope)) return {a, value_new, slope};
      return {a, std::numeric_limits<S>::infinity(), 0};
    };
    const auto stop = [&](StopReason reason) {
      result.reason = reason;
      return result;
    };

    double change = std::numeric_limits<double>::infinity();
    result.loss = static_cast<double>(value);
    result.max_gradient = static_cast<double>(norm);
    for (;;) {
      if (result.max_gradient <= gradient_tolerance) return stop(StopReason::gradient_tolerance);
      if (change <= change_tolerance * std::abs(result.loss)) return stop(StopReason::change_tolerance);
      if (result.iterations == max_iterations) return stop(StopReason::max_iterations);
      const Index left = max_evaluations == 0 ? max_trials + 1 : max_evaluations - result.evaluations;
      if (left <= 0) return stop(StopReason::max_evaluations);

      // Algorithm 7.4. The first H is the identity times the inverse of the latest curvature.
      d = -gradient;
      for (Index i = next; i-- > first;) {
        const Index k = i % history;
        alpha(k) = rho(k) * detail::dot(s.col(k), d);
        detail::add_multiple(-alpha(k), y.col(k), d, d);
      }
      if (first < next) {
        const Index k = (next - 1) % history;
        d /= rho(k) * detail::dot(y.col(k), y.col(k));
      } else {
        d /= (std::max)(S(1), sum_tiles<S>([](const auto& a) -> Tile<S> { return a.abs(); }, d));
      }
      for (Index i = first; i < next; ++i) {
        const Index k = i % history;
        const S beta = multiply_add(-rho(k), detail::dot(y.col(k), d), alpha(k));
        detail::add_multiple(beta, s.col(k), d, d);
      }

      const detail::LinePoint<S> start{0, value, detail::dot(gradient, d)};
      // The decrease that d promises is below the rounding error of the loss.
      if (first < next && start.slope <= 0 && -start.slope <= epsilon * std::abs(value)) {
        return stop(StopReason::change_tolerance);
      }
      const Index trials = std::clamp<Index>(left - 1, 1, max_trials);
      detail::LinePoint<S> end = start;
      if (start.slope < 0) end = detail::line_search<S>(phi, start, static_cast<S>(learning_rate), trials);
      if (!(end.a > 0)) {
        if (trials < max_trials) return stop(StopReason::max_evaluations);
        if (first == next) return stop(StopReason::no_progress);
        first = next;  // no progress along d: drop H, and start again along the gradient
        continue;
      }
      if (end.a != tried) phi(end.a);  // the best trial was not the last: evaluate it again
      const Index k = next % history;
      first = (std::max)(first, next - history + 1);
      s.col(k) = x_new - x;
      y.col(k) = gradient_new - gradient;
      const S curvature = detail::dot(s.col(k), y.col(k));
      if (curvature > epsilon * static_cast<S>(mlp::norm(s.col(k))) * static_cast<S>(mlp::norm(y.col(k)))) {
        rho(k) = 1 / curvature;
        ++next;
      }

      change = static_cast<double>(value - end.value);
      value = end.value;
      x.swap(x_new);
      gradient.swap(gradient_new);
      norm = detail::largest(gradient);
      theta = x;
      ++result.iterations;
      result.loss = static_cast<double>(value);
      result.max_gradient = static_cast<double>(norm);
      result.history.push_back(result.loss);
      if (!detail::goes_on(callback, result)) return stop(StopReason::callback);
    }
  }

  void validate() const {
    detail::check_option(learning_rate > 0, "Lbfgs", "learning_rate > 0", learning_rate);
    detail::check_limits("Lbfgs", *this);
    detail::check_option(history_size > 0, "Lbfgs", "history_size > 0", history_size);
  }

 private:
  static constexpr Index max_trials = 25;  // of a line search
};

}  // namespace mlp::inline MLP_ABI
