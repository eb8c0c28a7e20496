#pragma once

#include <mlp/base/types.hpp>

#include <type_traits>

namespace mlp::inline MLP_ABI {

/// Views rows x cols coefficients at `data`, column-major, as a matrix that is writable if *data is.
template <int Rows, int Cols, class S>
auto matrix_view(S* data, Index rows, Index cols) {
  using M = SizedMatrix<std::remove_const_t<S>, Rows, Cols>;
  return Eigen::Map<std::conditional_t<std::is_const_v<S>, const M, M>>(data, rows, cols);
}

/// Views column j of a column-major matrix, as a vector of fixed size if the number of rows is fixed.
template <class M>
auto column(M&& m, Index j) {
  return matrix_view<std::remove_cvref_t<M>::RowsAtCompileTime, 1>(m.data() + j * m.colStride(), m.rows(), 1);
}

namespace detail {

// Views a part of a vector: a layer's slice of the parameters, for instance.
auto segment_of(auto&& v, Index offset, Index size) {
  return matrix_view<Dynamic, 1>(v.data() + offset, size, 1);
}

// Whether the coefficients of an Eigen object lie side by side in memory along its columns (or, if row-major, its
// rows), so that a Map can view them.
template <class X>
inline constexpr bool is_dense = (X::Flags & Eigen::DirectAccessBit) != 0 && X::InnerStrideAtCompileTime == 1;

}  // namespace detail

/// Views an Eigen object of Rows x Cols (or Dynamic) in its own storage order, column- or row-major, without a copy.
template <int Rows, int Cols, class X>
requires(detail::is_dense<X>) auto dense_view(const Eigen::DenseBase<X>& object) {
  const X& x = object.derived();
  using Plain = SizedMatrix<typename X::Scalar, Rows, Cols>;
  constexpr int rows = Plain::RowsAtCompileTime, cols = Plain::ColsAtCompileTime;
  constexpr bool row_major = X::IsRowMajor && cols != 1;
  constexpr bool is_row = rows == 1 && cols != 1;
  // Eigen makes a fixed row row-major, hence contiguous; a row of a column-major matrix has strides.
  using M = std::conditional_t < is_row && !row_major, Matrix<typename X::Scalar>,
        Eigen::Matrix < typename X::Scalar, rows, cols,
        is_row || row_major ? Eigen::RowMajor : Eigen::ColMajor >>
      ;
  using Stride = Eigen::OuterStride<>;
  return Eigen::Map<const M, 0, Stride>(x.data(), x.rows(), x.cols(), Stride(x.outerStride()));
}

/// Evaluates any other object (an expression such as 2 * x, a vector with strides) into a matrix. Bind the result of
/// dense_view to a const auto, which serves for both.
template <int Rows, int Cols, class X>
requires(!detail::is_dense<X>) auto dense_view(const Eigen::DenseBase<X>& x) {
  return SizedMatrix<typename X::Scalar, Rows, Cols>(x.derived());
}

/// dense_view, always column-major: copies a row-major matrix.
template <int Rows, int Cols, class X>
auto column_major_view(const Eigen::DenseBase<X>& x) {
  return dense_view<Rows, Cols>(x);
}
template <int Rows, int Cols, class X>
requires(bool{X::IsRowMajor} &&
         X::RowsAtCompileTime != 1) auto column_major_view(const Eigen::DenseBase<X>& x) {
  return SizedMatrix<typename X::Scalar, Rows, Cols>(x.derived());
}

/// Sets each coefficient of a matrix or a view of contiguous coefficients, column after column, to draw().
template <class M, class Draw>
void fill(M&& m, Draw draw) {
  auto* const data = m.data();
  for (Index i = 0; i < m.size(); ++i) data[i] = static_cast<typename std::remove_cvref_t<M>::Scalar>(draw());
}

}  // namespace mlp::inline MLP_ABI
