#pragma once

#include <mlp/base/types.hpp>
#include <mlp/initializer/he.hpp>

namespace mlp::inline MLP_ABI {

/// a = max(z, 0), with derivative 0 at 0. NaN stays NaN.
/// Source: Nair and Hinton, Rectified Linear Units Improve Restricted Boltzmann Machines (2010).
struct ReLU {
  static constexpr const char* name = "ReLU";
  using Initializer = HeUniform;
  static constexpr bool needs_input = false;

  void forward(auto& z) const {
    for (Index i = 0; i < z.size(); ++i) z(i) = z(i) < 0 ? 0 : z(i);
  }

  void backward(const auto& a, auto& delta) const {
    for (Index i = 0; i < a.size(); ++i) delta(i) = a(i) > 0 ? delta(i) : 0;
  }
};

}  // namespace mlp::inline MLP_ABI
