#pragma once

#include <mlp/base/elementary.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>

namespace mlp::inline MLP_ABI {

/// a = tanh(z); a' = 1 - a^2.
struct Tanh {
  static constexpr const char* name = "Tanh";
  static constexpr bool needs_input = false;

  void forward(auto& z) const { z = elementary::tanh(z); }
  void backward(const auto& a, auto& delta) const { delta *= multiply_add(-a, a, 1); }
};

}  // namespace mlp::inline MLP_ABI
