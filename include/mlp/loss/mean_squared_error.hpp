#pragma once

#include <mlp/tile.hpp>
#include <mlp/types.hpp>

namespace mlp {

/// Mean of the squared errors over all elements, as torch.nn.MSELoss.
///   L = 1/(K B) sum_kj (y_kj - t_kj)^2,  dL/dy = 2 (y - t) / (K B)
/// Shapes: y K x B outputs; t K x B values.
/// Units:  the targets', squared.
/// Predictions are the outputs themselves.
struct MeanSquaredError {
  template <class S>
  using Target = Matrix<S>;

  template <class Y>
  typename Y::Scalar value(const Y& y, const auto& t) const {
    using S = typename Y::Scalar;
    return sum_tiles<S>([](const auto& a, const auto& b) { return (a - b).square(); }, y, t) /
           static_cast<S>(y.size());
  }

  template <class Y>
  void gradient(const Y& y, const auto& t, auto& dy) const {
    using S = typename Y::Scalar;
    const S scale = S(2) / static_cast<S>(y.size());
    for_each_tile([scale](const auto& a, const auto& b, auto& d) { d = scale * (a - b); }, y, t, dy);
  }

  void link(auto&) const noexcept {}
};

}  // namespace mlp
