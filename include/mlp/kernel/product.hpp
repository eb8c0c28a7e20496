#pragma once

#include <mlp/base/types.hpp>
#include <mlp/kernel/large_product.hpp>
#include <mlp/kernel/small_product.hpp>

#include <type_traits>

/// The one door to matrix products: every product of the library goes through set_product or set_affine, and
/// has the form
///   C = start 1^T + A B
/// where start holds a number for each row of C, or is absent. The sizes alone choose the kernel:
///   small_product.hpp  a matrix times a vector, and few multiplications
///   large_product.hpp  all else
/// A scalar that is not a floating-point number (Dual) brings a kernel of its own, a specialization of
/// Product.
namespace mlp {

namespace detail {

/// C = start 1^T + A B, or A B if start is null: the reference with which the tests compare the kernels.
///   c_ij = start_i + a_i0 b_0j + a_i1 b_1j + ..., one chain of multiply-adds in the order of k
/// Shapes: A m x depth, B depth x n, start m, C m x n.
template <class A, class B, class C>
void plain_product(const A& a, const B& b, const typename C::Scalar* start, C& c) {
  using S = typename C::Scalar;
  for (Index j = 0; j < c.cols(); ++j) {
    for (Index i = 0; i < c.rows(); ++i) {
      S sum = start == nullptr ? S(0) : start[i];
      for (Index k = 0; k < a.cols(); ++k) sum = multiply_add<S>(a(i, k), b(k, j), sum);
      c(i, j) = sum;
    }
  }
}

// Where small_product is faster than Eigen's packed kernel. The rule looks at sizes and layout alone: static
// and dynamic networks take the same path and get the same bits.
constexpr bool is_small_product(Index rows, Index depth, Index cols, bool columns_are_contiguous) {
  constexpr Index limit = 1024;
  if (cols == 1 && columns_are_contiguous) return true;
  return rows <= limit && depth <= limit && cols <= limit && rows * depth * cols <= limit;
}

// The product of matrices whose scalar S is not a floating-point number: a specialization defines
// run(a, b, start, c), as dual.hpp does.
template <class S>
struct Product;

// C = start 1^T + A B, or A B if start is null, by the kernel that the sizes choose.
template <class A, class B, class C>
void product(const A& a, const B& b, const typename C::Scalar* start, C& c) {
  constexpr int rows = C::RowsAtCompileTime, depth = A::ColsAtCompileTime, cols = C::ColsAtCompileTime;
  if constexpr (!std::is_floating_point_v<typename C::Scalar>) {
    Product<typename C::Scalar>::run(a, b, start, c);
  } else if constexpr (rows != Dynamic && depth != Dynamic && cols != Dynamic) {
    constexpr bool columns_are_contiguous = !A::IsRowMajor || rows == 1 || depth == 1;
    if constexpr (is_small_product(rows, depth, cols, columns_are_contiguous)) {
      small_product(a, b, start, c);
    } else {
      large_product(a, b, start, c, part_count_of_product(c.size() * a.cols()));
    }
  } else if (a.cols() > 0 &&
             is_small_product(c.rows(), a.cols(), c.cols(), a.rowStride() == 1 || a.rows() == 1)) {
    small_product(a, b, start, c);
  } else {
    large_product(a, b, start, c, part_count_of_product(c.size() * a.cols()));
  }
}

}  // namespace detail

/// C = A B for Maps or their transposes.
/// Shapes: A m x k, B k x n, C m x n; C is column-major and overlaps neither A nor B.
/// Large products are Eigen's (oneDNN's with MLP_USE_ONEDNN, a BLAS's with EIGEN_USE_BLAS) and are shared
/// among threads. Small products, and a column-major matrix times a vector, are loops that a compiler unrolls
/// where the sizes are static; they allocate nothing and start no thread.
template <class A, class B, class C>
void set_product(const A& a, const B& b, C&& c) {
  detail::product(a, b, nullptr, c);
}

/// Y = W X + b 1^T: set_product with the vector b added to each column.
/// Shapes: W m x k, X k x n, b m, Y m x n.
template <class W, class X, class Bias, class Y>
void set_affine(const W& weights, const X& x, const Bias& bias, Y&& y) {
  detail::product(weights, x, bias.data(), y);
}

}  // namespace mlp
