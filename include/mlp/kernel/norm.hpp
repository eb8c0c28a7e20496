#pragma once

#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/kernel/tile.hpp>

#include <cmath>
#include <limits>

namespace mlp {

/// The 2-norm of a vector, sqrt(sum_i v_i^2), in double and without overflow. A nan or an infinity in v makes
/// it nan or infinite.
template <class V>
requires(V::ColsAtCompileTime == 1) double norm(const Eigen::DenseBase<V>& v) {
  const auto view = dense_view<V::RowsAtCompileTime, 1>(v);
  const auto norm_of_scaled = [&](double scale) {
    // sum_tiles would take three times as long: a sum that a lambda captures by reference lies in memory.
    const auto* const data = view.data();
    double sums[tile_size] = {}, sum = 0;
    const auto add = [=](double& to, auto from) {
      const double x = scale * static_cast<double>(from);
      to = multiply_add(x, x, to);
    };
    Index i = 0;
    for (; i + tile_size <= view.size(); i += tile_size) {
      for (Index k = 0; k < tile_size; ++k) add(sums[k], data[i + k]);
    }
    for (; i < view.size(); ++i) add(sum, data[i]);
    for (const double s : sums) sum += s;
    return std::sqrt(sum);
  };
  const double plain = norm_of_scaled(1);
  // Squares of floats lie well within double's range; squares of doubles may lie outside it.
  constexpr double up = 0x1p600;
  if (plain < 1 / 0x1p450) return norm_of_scaled(up) / up;
  if (plain > std::numeric_limits<double>::max()) return norm_of_scaled(1 / up) * up;
  return plain;
}

}  // namespace mlp
