#pragma once

#include <mlp/types.hpp>

namespace mlp {

/// a = tanh(z); a' = 1 - a^2.
struct Tanh {
  static constexpr bool needs_input = false;

  void forward(auto& z) const { z = z.tanh(); }
  void backward(const auto& a, auto& delta) const { delta *= 1 - a.square(); }
};

}  // namespace mlp
