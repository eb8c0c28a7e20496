#pragma once

#include <mlp/base/elementary.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/initializer/he.hpp>

namespace mlp::inline MLP_ABI {

/// a = z where z > 0, alpha (exp(z) - 1) elsewhere, with derivative a + alpha there.
/// Errors: std::invalid_argument if alpha is negative: the sign of a would no longer be z's.
/// Source: Clevert, Unterthiner and Hochreiter, Fast and Accurate Deep Network Learning by Exponential Linear
/// Units (2016).
struct ELU {
  static constexpr const char* name = "ELU";
  using Initializer = HeUniform;  // as in the paper
  static constexpr bool needs_input = false;

  double alpha = 1;

  static void each_option(auto& self, auto&& f) { f("alpha", self.alpha); }

  template <class Z>
  void forward(Z& z) const {
    const auto scale = static_cast<typename Z::Scalar>(alpha);
    z = multiply_add(scale, elementary::expm1_of_negative(z), (z.max)(0));
  }

  template <class A>
  void backward(const A& a, auto& delta) const {
    const auto scale = static_cast<typename A::Scalar>(alpha);
    // Ahead of the choice: g++ vectorizes none between operations.
    const A slope = a + scale;
    for (Index i = 0; i < a.size(); ++i) delta(i) *= a(i) > 0 ? 1 : slope(i);
  }

  void validate() const { detail::check_option(alpha >= 0, "ELU", "alpha >= 0", alpha); }
};

}  // namespace mlp::inline MLP_ABI
