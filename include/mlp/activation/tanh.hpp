#pragma once

#include <mlp/base/types.hpp>
#include <mlp/kernel/elementary.hpp>

namespace mlp {

/// a = tanh(z); a' = 1 - a^2.
struct Tanh {
  static constexpr const char* name = "Tanh";
  static constexpr bool needs_input = false;

  void forward(auto& z) const { z = elementary::tanh(z); }
  void backward(const auto& a, auto& delta) const {
    for (Index i = 0; i < a.size(); ++i) delta(i) *= 1 - a(i) * a(i);
  }
};

}  // namespace mlp
