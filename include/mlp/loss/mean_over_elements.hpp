#pragma once

#include <mlp/kernel/tile.hpp>

namespace mlp::inline MLP_ABI::detail {

// The mean of l(y_kj, t_kj) over all elements,
//   L = 1/(K B) sum_kj l(y_kj, t_kj)
// where terms(y, t, dy, w...) returns the tile of l for tiles of y and t (and of further matrices w), and
// writes dl/dy to the tile dy, which is not used here.
// Shapes: y, t and w K x B.
template <class Y>
typename Y::Scalar mean(const auto& terms, const Y& y, const auto& t, const auto&... w) {
  using S = typename Y::Scalar;
  return sum_tiles<S>(
             [&](const auto& y_tile, const auto& t_tile, const auto&... w_tiles) {
               Tile<S> dy;
               return terms(y_tile, t_tile, dy, w_tiles...);
             },
             y, t, w...) /
         static_cast<S>(y.size());
}

// The same mean L, and its gradient dL/dy = 1/(K B) dl/dy.
// Shapes: y, t, dy and w K x B.
template <class Y>
typename Y::Scalar mean_and_gradient(const auto& terms, const Y& y, const auto& t, auto& dy,
                                     const auto&... w) {
  using S = typename Y::Scalar;
  const S scale = S(1) / static_cast<S>(y.size());
  return scale * sum_tiles<S>(
                     [&](const auto& y_tile, const auto& t_tile, auto& dy_tile, const auto&... w_tiles) {
                       const Tile<S> result = terms(y_tile, t_tile, dy_tile, w_tiles...);
                       dy_tile *= scale;
                       return result;
                     },
                     y, t, dy, w...);
}

}  // namespace mlp::inline MLP_ABI::detail
