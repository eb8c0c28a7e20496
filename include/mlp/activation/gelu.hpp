#pragma once

#include <mlp/base/elementary.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/initializer/he.hpp>

#include <cmath>
#include <limits>
#include <numbers>
#include <type_traits>

namespace mlp::inline MLP_ABI {

/// a = z Phi(z), where Phi is the standard normal distribution function, 1/2 erfc(-z / sqrt(2));
/// a' = Phi(z) + z Phi'(z). If approximate, Phi(z) = 1/2 (1 + tanh(c (z + 0.044715 z^3))) with
/// c = sqrt(2 / pi), which takes less time; its a differs from the exact one by less than 5e-4.
/// Source: Hendrycks and Gimpel, Gaussian Error Linear Units (2016).
struct GELU {
  static constexpr const char* name = "GELU";
  using Initializer = HeUniform;  // the mean of a'^2 over a normal z, 0.46, is close to ReLU's 1/2
  static constexpr bool needs_input = true;

  bool approximate = false;

  static void each_option(auto& self, auto&& f) { f("approximate", self.approximate); }

  template <class Z>
  void forward(Z& z) const {
    if (approximate) {
      z /= 1 + exp_minus_2u(z);
    } else {
      z *= elementary::normal_cdf(z);
    }
  }

  template <class Z>
  void backward(const Z& z, const auto& a, auto& delta) const {
    using S = typename Z::Scalar;
    // Beyond +-40 a' is 0 or 1, and z^2 might overflow.
    const Z x = ((z.max)(S(-40)).min)(S(40));
    if (approximate) {
      const Z e = exp_minus_2u(x);
      delta *= 1 / (1 + e) + x * multiply_add(S(3 * two_c * cubic), x.square(), S(two_c)) / (2 + e + 1 / e);
    } else {
      const Z phi =
          S(0.5 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi) * elementary::exp(S(-0.5) * x.square());
      delta *= multiply_add(x, phi, cdf(z, a));
    }
  }

 private:
  static constexpr double two_c = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi, cubic = 0.044715;

  // Phi(z), as a / z, which takes less time. Near 0, where a may be subnormal, Phi is 1/2. Duals compute it anew,
  // since the division would magnify the rounding error of a's derivative.
  template <class Z>
  static Z cdf(const Z& z, const Z& a) {
    using S = typename Z::Scalar;
    if constexpr (std::is_floating_point_v<S>) {
      Z result = a / z;
      for (Index i = 0; i < z.size(); ++i) {
        result(i) = std::abs(z(i)) < std::numeric_limits<S>::epsilon() ? S(0.5) : result(i);
      }
      return result;
    } else {
      return elementary::normal_cdf(z);
    }
  }

  // exp(-2u): 1/2 (1 + tanh(u)) = 1 / (1 + exp(-2u)), without cancellation where u is far below 0.
  template <class Z>
  static Z exp_minus_2u(const Z& z) {
    using S = typename Z::Scalar;
    return elementary::exp(z * multiply_add(S(-two_c * cubic), z.square(), S(-two_c)));
  }
};

}  // namespace mlp::inline MLP_ABI
