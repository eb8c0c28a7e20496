#pragma once

#include <mlp/base/elementary.hpp>
#include <mlp/base/types.hpp>

namespace mlp::inline MLP_ABI {

/// a = 1 / (1 + exp(-z)), the logistic function; a' = a (1 - a). Exactly 0 or 1 where exp(-z) leaves the
/// type's range.
struct Sigmoid {
  static constexpr const char* name = "Sigmoid";
  static constexpr bool needs_input = false;

  void forward(auto& z) const { z = elementary::sigmoid(z); }
  void backward(const auto& a, auto& delta) const {
    for (Index i = 0; i < a.size(); ++i) delta(i) *= a(i) * (1 - a(i));
  }
};

}  // namespace mlp::inline MLP_ABI
