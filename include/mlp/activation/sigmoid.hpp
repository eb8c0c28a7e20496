#pragma once

#include <mlp/types.hpp>

namespace mlp {

/// a = 1 / (1 + exp(-z)), the logistic function; a' = a (1 - a). Exactly 0 or 1 where exp(-z) leaves the
/// type's range.
struct Sigmoid {
  static constexpr bool needs_input = false;

  void forward(auto& z) const { z = (1 + (-z).exp()).inverse(); }
  void backward(const auto& a, auto& delta) const { delta *= a * (1 - a); }
};

}  // namespace mlp
