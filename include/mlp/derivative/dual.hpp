#pragma once

#include <mlp/base/types.hpp>
#include <mlp/kernel/product.hpp>

#include <cmath>
#include <compare>
#include <limits>
#include <numbers>
#include <type_traits>

namespace mlp::inline MLP_ABI {

/// A number q with its derivative q'. Code that computes with Duals in place of doubles computes its usual
/// results and, by the rules of calculus and exactly but for rounding, their derivatives:
///   (a b)' = a b' + a' b,  f(a)' = f'(a) a'
/// net.cast<Dual<double>>() is a network that computes with Duals. A layer, an activation or a loss of your
/// own works in it if its code keeps three rules:
///   - Functions are called as Eigen's array functions (z.exp()) or, on a coefficient, without a namespace
///     after `using std::exp;`. Duals have abs, sqrt, pow, exp, expm1, log, log1p, sin, cos, atan, tanh, erf,
///     erfc, isfinite, isinf and isnan; std::max, std::min and std::clamp work unchanged.
///   - Whatever depends on the arguments stays in their scalar S, since a Dual converts neither to double nor
///     to int: S(0.5) * a(i), static_cast<S>(n) and 1 / (1 + a(i)) are right.
///   - Quotients such as sin(q) / q near 0, and constants in their place, are avoided: the value may keep its
///     digits, but the derivative loses them.
///
/// Where values are equal, <, >, <= and >= compare the derivatives, and decide as they would for q + h q'
/// with a small h > 0. A smooth function that is written with branches, such as a softplus as max(q, 0) +
/// log(1 + exp(-|q|)), therefore has its derivative there too, and a kink has the one-sided derivative in the
/// direction of q'. == compares values alone. An infinite value has the derivative 0; therefore 1 / (1 +
/// exp(-q)) has the derivative 0 where exp(-q) overflows.
/// Source: Griewank and Walther, Evaluating Derivatives (2008), section 3.1.
template <class S>
struct Dual {
  S value = 0, derivative = 0;

  constexpr Dual() = default;
  constexpr Dual(S q, S dq) : value(q), derivative(dq) {}
  /// A constant, whose derivative is 0.
  template <class T>
  requires std::is_arithmetic_v<T>
  constexpr Dual(T q) : value(static_cast<S>(q)) {}

  constexpr Dual& operator+=(const Dual& b) { return *this = *this + b; }
  constexpr Dual& operator-=(const Dual& b) { return *this = *this - b; }
  constexpr Dual& operator*=(const Dual& b) { return *this = *this * b; }
  constexpr Dual& operator/=(const Dual& b) { return *this = *this / b; }

  friend constexpr Dual operator-(const Dual& a) { return {-a.value, -a.derivative}; }
  friend constexpr Dual operator+(const Dual& a, const Dual& b) {
    return {a.value + b.value, a.derivative + b.derivative};
  }
  friend constexpr Dual operator-(const Dual& a, const Dual& b) {
    return {a.value - b.value, a.derivative - b.derivative};
  }
  friend constexpr Dual operator*(const Dual& a, const Dual& b) {
    return unless_infinite(a.value * b.value, a.value * b.derivative + a.derivative * b.value);
  }
  friend constexpr Dual operator/(const Dual& a, const Dual& b) {
    const S q = a.value / b.value;
    return unless_infinite(q, (a.derivative - q * b.derivative) / b.value);
  }

  friend constexpr bool operator==(const Dual& a, const Dual& b) { return a.value == b.value; }
  friend constexpr std::partial_ordering operator<=>(const Dual& a, const Dual& b) {
    const auto order = a.value <=> b.value;
    return order == std::partial_ordering::equivalent ? a.derivative <=> b.derivative : order;
  }

  friend Dual abs(const Dual& q) { return {std::abs(q.value), q < 0 ? -q.derivative : q.derivative}; }
  friend Dual sqrt(const Dual& q) {
    const S root = std::sqrt(q.value);
    return chain(root, S(0.5) / root, q);
  }
  friend Dual pow(const Dual& q, const Dual& exponent) {
    const S power = std::pow(q.value, exponent.value);
    return chain(power, exponent.value * std::pow(q.value, exponent.value - 1), q) +
           chain(0, power * std::log(q.value), exponent);
  }
  friend Dual exp(const Dual& q) {
    const S e = std::exp(q.value);
    return chain(e, e, q);
  }
  friend Dual expm1(const Dual& q) { return chain(std::expm1(q.value), std::exp(q.value), q); }
  friend Dual log(const Dual& q) { return chain(std::log(q.value), 1 / q.value, q); }
  friend Dual log1p(const Dual& q) { return chain(std::log1p(q.value), 1 / (1 + q.value), q); }
  friend Dual sin(const Dual& q) { return chain(std::sin(q.value), std::cos(q.value), q); }
  friend Dual cos(const Dual& q) { return chain(std::cos(q.value), -std::sin(q.value), q); }
  friend Dual atan(const Dual& q) { return chain(std::atan(q.value), 1 / (1 + q.value * q.value), q); }
  friend Dual tanh(const Dual& q) {
    const S t = std::tanh(q.value);
    return chain(t, (1 - t) * (1 + t), q);
  }
  friend Dual erf(const Dual& q) { return chain(std::erf(q.value), bell(q.value), q); }
  friend Dual erfc(const Dual& q) { return chain(std::erfc(q.value), -bell(q.value), q); }

  friend bool isfinite(const Dual& q) { return std::isfinite(q.value); }
  friend bool isinf(const Dual& q) { return std::isinf(q.value); }
  friend bool isnan(const Dual& q) { return std::isnan(q.value); }

 private:
  // The value with its derivative, or with the derivative 0 if the value is infinite.
  static constexpr Dual unless_infinite(S value, S derivative) {
    constexpr S max = (std::numeric_limits<S>::max)();
    return {value, value > max || value < -max ? S(0) : derivative};
  }

  // f(q), from f = f(q) and df = f'(q). The derivative of a constant is 0 even where f' is infinite.
  static constexpr Dual chain(S f, S df, const Dual& q) {
    return unless_infinite(f, q.derivative == 0 ? S(0) : df * q.derivative);
  }

  // The derivative of erf.
  static S bell(S q) { return S(2 * std::numbers::inv_sqrtpi) * std::exp(-q * q); }
};

template <class S>
inline constexpr bool is_real<Dual<S>> = is_real<S>;

namespace detail {

// The product of Duals as two products of S, which have fast kernels:
//   C = A B,  C' = (A A') (B'; B)
template <class S>
struct Product<Dual<S>> {
  template <class A, class B, class C>
  static void run(const A& a, const B& b, const Dual<S>* start, C& c) {
    const Index depth = a.cols();
    Matrix<S> left(a.rows(), 2 * depth), right(2 * depth, b.cols());
    left << a.unaryExpr(value_of), a.unaryExpr(derivative_of);
    right << b.unaryExpr(derivative_of), b.unaryExpr(value_of);
    Matrix<S> values(c.rows(), c.cols()), derivatives(c.rows(), c.cols());
    product(left.leftCols(depth), right.bottomRows(depth), nullptr, values);
    product(left, right, nullptr, derivatives);
    for (Index j = 0; j < c.cols(); ++j) {
      for (Index i = 0; i < c.rows(); ++i) {
        c(i, j) = Dual<S>(values(i, j), derivatives(i, j));
        if (start != nullptr) c(i, j) += start[i];
      }
    }
  }

 private:
  static constexpr auto value_of = [](const Dual<S>& q) { return q.value; };
  static constexpr auto derivative_of = [](const Dual<S>& q) { return q.derivative; };
};

}  // namespace detail

}  // namespace mlp::inline MLP_ABI

template <class S>
struct std::numeric_limits<mlp::Dual<S>> : std::numeric_limits<S> {};

template <class S>
struct Eigen::NumTraits<mlp::Dual<S>> : Eigen::NumTraits<S> {
  using Real = mlp::Dual<S>;
  using NonInteger = Real;
  using Nested = Real;
  using Literal = Real;
  enum { RequireInitialization = 1 };
};
