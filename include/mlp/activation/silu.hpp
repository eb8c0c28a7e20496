#pragma once

#include <mlp/base/elementary.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/initializer/he.hpp>

namespace mlp::inline MLP_ABI {

/// a = z s with s = 1 / (1 + exp(-z)), also called swish; a' = s (1 + z (1 - s)).
/// Source: Elfwing, Uchibe and Doya, Sigmoid-Weighted Linear Units for Neural Network Function Approximation
/// in Reinforcement Learning (2018).
struct SiLU {
  static constexpr const char* name = "SiLU";
  using Initializer = HeUniform;  // the mean of a'^2 over a normal z, 0.38, is closer to ReLU's 1/2 than to 1
  static constexpr bool needs_input = true;

  void forward(auto& z) const { z *= elementary::sigmoid(z); }

  template <class Z>
  void backward(const Z& z, const auto&, auto& delta) const {
    const Z s = elementary::sigmoid(z);
    delta *= s * multiply_add(z, 1 - s, 1);
  }
};

}  // namespace mlp::inline MLP_ABI
