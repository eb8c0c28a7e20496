#pragma once

#include <mlp/base/types.hpp>
#include <mlp/kernel/tile.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

namespace mlp {

/// The 2-norm sqrt(sum v_i^2) of a vector, summed up in double: no square overflows. nan or infinite if v
/// holds such.
template <class V>
requires(V::ColsAtCompileTime == 1) double norm(const Eigen::DenseBase<V>& v) {
  const auto view = dense_view<V::RowsAtCompileTime, 1>(v);
  const auto norm_of_scaled = [&](double scale) {
    // Not sum_tiles: a sum that a lambda refers to is in memory, which takes three times as long.
    const auto* const data = view.data();
    double sums[tile_size] = {}, sum = 0;
    const auto add = [=](double& to, auto from) {
      const double x = scale * static_cast<double>(from);
      to += x * x;
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
  // Squares of floats are far from the ends of double; those of doubles may have passed them.
  constexpr double up = 0x1p600;
  if (plain < 1 / 0x1p450) return norm_of_scaled(up) / up;
  if (plain > std::numeric_limits<double>::max()) return norm_of_scaled(1 / up) * up;
  return plain;
}

/// Scales a gradient in place to a 2-norm of at most max_norm (up to rounding):
///   g = g min(1, max_norm / norm(g))
/// Returns the norm before. As torch.nn.utils.clip_grad_norm_, without the 1e-6 that PyTorch adds to the norm.
/// A gradient with a nan becomes nan everywhere; one with an infinity becomes nan there and 0 elsewhere.
/// Errors: std::invalid_argument if max_norm is not > 0.
/// Source: Pascanu, Mikolov and Bengio, On the difficulty of training recurrent neural networks (2013).
template <class G>
double clip_norm(G&& gradient, double max_norm) {
  using S = typename std::remove_cvref_t<G>::Scalar;
  detail::check_option(max_norm > 0, "clip_norm", "max_norm > 0", max_norm);
  const double before = norm(gradient);
  if (!(before <= max_norm)) {
    const double scale = max_norm / before;  // in double, since it may be too small for float
    for_each_tile(
        [=](auto& g) {
          for (S& x : g) x = static_cast<S>(scale * static_cast<double>(x));
        },
        gradient);
  }
  return before;
}

/// Clamps each coefficient of a gradient to [-limit, limit], in place; a nan stays nan.
/// Errors: std::invalid_argument if limit is not > 0.
template <class G>
void clip_value(G&& gradient, double limit) {
  detail::check_option(limit > 0, "clip_value", "limit > 0", limit);
  using S = typename std::remove_cvref_t<G>::Scalar;
  const S high = static_cast<S>(limit);
  for_each_tile(
      [=](auto& g) {
        for (S& x : g) x = std::clamp(x, -high, high);
      },
      gradient);
}

}  // namespace mlp
