#pragma once

#include <mlp/base/abi.hpp>

namespace mlp::inline MLP_ABI {

/// a = z / (1 + |z|); a' = 1 / (1 + |z|)^2 = (1 - |a|)^2.
/// Source: Bergstra, Desjardins, Lamblin and Bengio, Quadratic Polynomials Learn Better Image Features
/// (2009).
struct Softsign {
  static constexpr const char* name = "Softsign";
  static constexpr bool needs_input = false;

  void forward(auto& z) const { z /= 1 + z.abs(); }
  void backward(const auto& a, auto& delta) const { delta *= (1 - a.abs()).square(); }
};

}  // namespace mlp::inline MLP_ABI
