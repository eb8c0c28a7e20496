#pragma once

#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/kernel/blocked_product.hpp>
#include <mlp/kernel/large_product.hpp>

#include <algorithm>
#include <type_traits>

/// The entry point of matrix products. All products of the library go through set_product or set_affine:
///   C = start 1^T + A B
/// where start holds a number for each row of C, or is absent. blocked_product.hpp computes it; small products
/// of static sizes become straight-line code, and large_product.hpp shares large ones among threads.
/// A scalar that is not a floating-point number (Dual) brings a kernel of its own, a specialization of
/// Product.
namespace mlp::inline MLP_ABI {

namespace detail {

/// C = start 1^T + A B, or A B if start is null: the reference, with the same bits as blocked_product.
///   c_ij = start_i + a_i0 b_0j + a_i1 b_1j + ..., in blocks of block_length(depth)
/// Shapes: A m x depth, B depth x n, start m, C m x n.
template <class A, class B, class C>
void plain_product(const A& a, const B& b, const typename C::Scalar* start, C& c) {
  using S = typename C::Scalar;
  const Index depth = a.cols(), block = block_length(depth);
  for (Index j = 0; j < c.cols(); ++j) {
    for (Index i = 0; i < c.rows(); ++i) {
      c(i, j) = start == nullptr ? S(0) : start[i];
      for (Index begin = 0; begin < depth; begin += block) {
        S sum = begin == 0 ? c(i, j) : S(0);
        for (Index k = begin; k < (std::min)(begin + block, depth); ++k)
          sum = packet_multiply_add<S>(a(i, k), b(k, j), sum);
        c(i, j) = begin == 0 ? sum : c(i, j) + sum;
      }
    }
  }
}

// The product of matrices whose scalar S is not a floating-point number: a specialization defines
// run(a, b, start, c), as dual.hpp does.
template <class S>
struct Product;

// The distance between the rows of a row-major operand, or the columns of any other.
template <bool RowMajor>
Index leading_dimension(const auto& m) {
  return RowMajor ? m.rowStride() : m.colStride();
}

// Whether an operand must be read as row-major: not if it is a column without gaps.
template <class M>
inline constexpr bool is_row_major = M::IsRowMajor&& M::OuterStrideAtCompileTime != 1;

// C = start 1^T + A B for sizes that are static, or Dynamic.
template <bool RowMajorA, bool RowMajorB, int Rows, int Depth, int Cols, class S>
EIGEN_ALWAYS_INLINE void real_product(Index rows, Index depth, Index cols, const ProductOperands<S>& at) {
  constexpr bool is_static = Rows != Dynamic && Depth != Dynamic && Cols != Dynamic;
  if constexpr (is_static && is_small_product<RowMajorA>(Rows, Depth, Cols)) {
    blocked_product<RowMajorA, RowMajorB, Rows, Cols>(Rows, Depth, Cols, at);
  } else {
    large_product<RowMajorA, RowMajorB>(rows, depth, cols, at, part_count_of_product(rows * depth * cols));
  }
}

// C = start 1^T + A B, or A B if start is null.
template <class A, class B, class C>
EIGEN_ALWAYS_INLINE void product(const A& a, const B& b, const typename C::Scalar* start, C& c) {
  using S = typename C::Scalar;
  if constexpr (!std::is_floating_point_v<S>) {
    Product<S>::run(a, b, start, c);
  } else {
    constexpr int rows = C::RowsAtCompileTime, depth = A::ColsAtCompileTime, cols = C::ColsAtCompileTime;
    constexpr bool row_major_a = is_row_major<A>, row_major_b = is_row_major<B>;
    const ProductOperands<S> at{a.data(), leading_dimension<row_major_a>(a),
                                b.data(), leading_dimension<row_major_b>(b),
                                start,    1,
                                c.data(), c.colStride()};
    if constexpr ((rows == 1 || rows == Dynamic) && cols != 1 && !row_major_a) {
      // A single row would leave most of a packet empty; C^T = B^T A^T fills it, with the same bits. It is not
      // worth a copy of B for a few columns.
      const bool is_row = c.rows() == 1 && c.colStride() == 1 && at.lda == 1;
      if (is_row && (row_major_b || c.cols() >= 16)) {
        const ProductOperands<S> transposed{b.data(), at.ldb, a.data(), a.cols(),
                                            start,    0,      c.data(), c.cols()};
        return real_product<!row_major_b, false, cols, depth, 1>(c.cols(), a.cols(), 1, transposed);
      }
    }
    real_product<row_major_a, row_major_b, rows, depth, cols>(c.rows(), a.cols(), c.cols(), at);
  }
}

}  // namespace detail

/// C = A B for Maps or their transposes.
/// Shapes: A m x k, B k x n, C m x n; C is column-major and overlaps neither A nor B.
/// Nothing is allocated. Large products are shared among threads; small ones, and a matrix of static size times
/// a vector, start no thread.
template <class A, class B, class C>
EIGEN_ALWAYS_INLINE void set_product(const A& a, const B& b, C&& c) {
  detail::product(a, b, nullptr, c);
}

/// Y = W X + b 1^T: set_product with the vector b added to each column.
/// Shapes: W m x k, X k x n, b m, Y m x n.
template <class W, class X, class Bias, class Y>
EIGEN_ALWAYS_INLINE void set_affine(const W& weights, const X& x, const Bias& bias, Y&& y) {
  detail::product(weights, x, bias.data(), y);
}

}  // namespace mlp::inline MLP_ABI
