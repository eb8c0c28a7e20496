#pragma once

#include <mlp/base/types.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <span>

/// Golden numbers as Eigen matrices, and the distance of a result from them.
namespace golden {

template <class S, class T>
mlp::Matrix<S> matrix(std::span<const T> numbers, mlp::Index rows, mlp::Index cols) {
  return Eigen::Map<const mlp::Matrix<T>>(numbers.data(), rows, cols).template cast<S>();
}

/// The largest |found - expected|; NaN if any is NaN, or if their numbers differ.
template <class X>
double worst_error(const Eigen::DenseBase<X>& found, std::span<const double> expected) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  if (static_cast<std::size_t>(found.size()) != expected.size()) return nan;
  double worst = 0;
  for (mlp::Index j = 0; j < found.cols(); ++j) {
    for (mlp::Index i = 0; i < found.rows(); ++i) {
      const double error = std::abs(static_cast<double>(found.derived().coeff(i, j)) -
                                    expected[static_cast<std::size_t>(j * found.rows() + i)]);
      if (std::isnan(error)) return nan;
      if (error > worst) worst = error;
    }
  }
  return worst;
}

}  // namespace golden
