#pragma once

#include <mlp/base/elementary.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/initializer/lecun.hpp>

namespace mlp::inline MLP_ABI {

/// a = lambda z where z > 0, lambda alpha (exp(z) - 1) elsewhere, with derivative a + lambda alpha there. The
/// constants let a have mean 0 and variance 1 if z has them, as z does at first with
/// LeCunNormal.
/// Source: Klambauer, Unterthiner, Mayr and Hochreiter, Self-Normalizing Neural Networks (2017), eq. 2.
struct SELU {
  static constexpr const char* name = "SELU";
  using Initializer = LeCunNormal;
  static constexpr bool needs_input = false;
  static constexpr double lambda = 1.0507009873554804934, alpha = 1.6732632423543772848;

  template <class Z>
  void forward(Z& z) const {
    using S = typename Z::Scalar;
    z = multiply_add(S(lambda * alpha), elementary::expm1_of_negative(z), S(lambda) * (z.max)(0));
  }

  template <class A>
  void backward(const A& a, auto& delta) const {
    using S = typename A::Scalar;
    // Ahead of the choice: g++ vectorizes none between operations.
    const A slope = a + S(lambda * alpha);
    for (Index i = 0; i < a.size(); ++i) delta(i) *= a(i) > 0 ? S(lambda) : slope(i);
  }
};

}  // namespace mlp::inline MLP_ABI
