#pragma once

#include <mlp/base/elementary.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/initializer/he.hpp>

namespace mlp::inline MLP_ABI {

/// a = 1/beta log(1 + exp(beta z)), a smooth ReLU; a' = 1 / (1 + exp(-beta z)) = 1 - exp(-beta a). Computed
/// as max(z, 0) + 1/beta log(1 + exp(-|beta z|)), which no z overflows: PyTorch's threshold, above which it
/// sets a = z, is not needed.
/// Errors: std::invalid_argument if beta is not positive.
/// Source: Dugas, Bengio, Belisle, Nadeau and Garcia, Incorporating Second-Order Functional Knowledge for
/// Better Option Pricing (2001).
struct Softplus {
  static constexpr const char* name = "Softplus";
  using Initializer = HeUniform;  // the mean of a'^2 over a normal z, 0.29, is closer to ReLU's 1/2 than to 1
  static constexpr bool needs_input = false;

  double beta = 1;

  static void each_option(auto& self, auto&& f) { f("beta", self.beta); }

  template <class Z>
  void forward(Z& z) const {
    const auto b = static_cast<typename Z::Scalar>(beta);
    const Z e = elementary::exp(-(b * z).abs());
    z = (z.max)(0) + elementary::log1p_up_to_1(e) / b;
  }

  template <class A>
  void backward(const A& a, auto& delta) const {
    delta *= -elementary::expm1_of_negative(a * static_cast<typename A::Scalar>(-beta));
  }

  void validate() const { detail::check_option(beta > 0, "Softplus", "beta > 0", beta); }
};

}  // namespace mlp::inline MLP_ABI
