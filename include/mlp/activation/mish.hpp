#pragma once

#include <mlp/base/elementary.hpp>
#include <mlp/initializer/he.hpp>

namespace mlp::inline MLP_ABI {

/// a = z t with t = tanh(log(1 + exp(z))); a' = t + z (1 - t^2) / (1 + exp(-z)).
/// Source: Misra, Mish: A Self Regularized Non-Monotonic Activation Function (2020).
struct Mish {
  static constexpr const char* name = "Mish";
  using Initializer = HeUniform;  // the mean of a'^2 over a normal z, 0.48, is close to ReLU's 1/2
  static constexpr bool needs_input = true;

  template <class Z>
  void forward(Z& z) const {
    const Z v = elementary::exp(-z);
    z *= gate(v);
  }

  template <class Z>
  void backward(const Z& z, const auto&, auto& delta) const {
    const Z v = elementary::exp(-z), t = gate(v);
    delta *= t + z * (1 - t) * (1 + t) / (1 + v);
  }

 private:
  // tanh(log(1 + exp(z))) = (2v + 1) / (2v + 1 + 2v^2) with v = exp(-z), in a form that is also right for v =
  // 0 and v = inf.
  template <class Z>
  static Z gate(const Z& v) {
    return 1 / (1 + 2 * v / (2 + 1 / v));
  }
};

}  // namespace mlp::inline MLP_ABI
