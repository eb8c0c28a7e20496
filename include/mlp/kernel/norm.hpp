#pragma once

#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/kernel/tile.hpp>

#include <cmath>
#include <limits>
#include <type_traits>

namespace mlp::inline MLP_ABI {

namespace detail {

MLP_BEGIN_PACKETS

// sums[k] = sum_i (scale v_{16 i + k})^2. Returns the number of coefficients in the sums. On packets, since g++
// vectorizes no fused multiply-adds.
inline Index add_squares(const double* v, Index size, double scale, double* sums) {
  using P = Eigen::internal::packet_traits<double>::type;
  constexpr int width = packet_size<P>, count = static_cast<int>(tile_size) / width;
  P packets[count];
  MLP_UNROLL for (int k = 0; k < count; ++k) packets[k] = Eigen::internal::pset1<P>(0);
  Index i = 0;
  for (; i + tile_size <= size; i += tile_size) {
    MLP_UNROLL for (int k = 0; k < count; ++k) {
      const P x = Eigen::internal::pmul(Eigen::internal::pset1<P>(scale),
                                        Eigen::internal::ploadu<P>(v + i + k * width));
      packets[k] = packet_multiply_add<P>(x, x, packets[k]);
    }
  }
  MLP_UNROLL for (int k = 0; k < count; ++k) Eigen::internal::pstoreu(sums + k * width, packets[k]);
  return i;
}

MLP_END_PACKETS

}  // namespace detail

/// The 2-norm of a vector, sqrt(sum_i v_i^2), in double and without overflow. A nan or an infinity in v makes
/// it nan or infinite.
template <class V>
requires(V::ColsAtCompileTime == 1) double norm(const Eigen::DenseBase<V>& v) {
  const auto view = dense_view<V::RowsAtCompileTime, 1>(v);
  const auto norm_of_scaled = [&](double scale) {
    // sum_tiles would take three times as long: a sum that a lambda captures by reference lies in memory.
    using S = typename V::Scalar;
    const auto* const data = view.data();
    double sums[tile_size] = {}, sum = 0;
    Index i = 0;
    if constexpr (std::is_same_v<S, double>) {
      i = detail::add_squares(data, view.size(), scale, sums);
    } else {
      for (; i + tile_size <= view.size(); i += tile_size) {
        for (Index k = 0; k < tile_size; ++k) {
          const double x = scale * static_cast<double>(data[i + k]);
          sums[k] += x * x;  // the square of a float is exact in double, so that a compiler may contract it
        }
      }
    }
    for (; i < view.size(); ++i) {
      const double x = scale * static_cast<double>(data[i]);
      sum = multiply_add(x, x, sum);
    }
    for (const double s : sums) sum += s;
    return std::sqrt(sum);
  };
  const double plain = norm_of_scaled(1);
  // Squares of floats lie well within double's range; squares of doubles may lie outside it.
  constexpr double up = 0x1p600;
  if (plain < 1 / 0x1p450) return norm_of_scaled(up) / up;
  if (plain > (std::numeric_limits<double>::max)()) return norm_of_scaled(1 / up) * up;
  return plain;
}

}  // namespace mlp::inline MLP_ABI
