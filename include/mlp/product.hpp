#pragma once

#include <mlp/types.hpp>

/// The one door to matrix products: every product of the library goes through add_product.
namespace mlp {

namespace detail {

// The same coefficients with run-time sizes, so that all large products share a few instances of Eigen's
// kernel.
template <class M>
auto unsized(M&& m) {
  using Plain = std::remove_cvref_t<M>;
  using Order = Eigen::Matrix<typename Plain::Scalar, Dynamic, Dynamic,
                              Plain::IsRowMajor ? Eigen::RowMajor : Eigen::ColMajor>;
  using Target =
      std::conditional_t<std::is_const_v<std::remove_pointer_t<decltype(m.data())>>, const Order, Order>;
  return Eigen::Map<Target, 0, Eigen::OuterStride<>>(m.data(), m.rows(), m.cols(),
                                                     Eigen::OuterStride<>(m.outerStride()));
}

// c += A b for Rows rows of A and c, with c in registers meanwhile and the terms added in the order of k.
// Addresses and strides, so that products of all types share few instances.
template <int Rows, bool RowMajor, class S>
void add_product_block(const S* a, Index lda, const S* b, Index stride_of_b, Index depth, S* c) {
  using Block = Eigen::Array<S, Rows, 1>;
  using Stride = Eigen::InnerStride<RowMajor ? Dynamic : 1>;
  using Column = Eigen::Map<const Block, 0, Stride>;
  Block sum = Eigen::Map<const Block>(c);
  for (Index k = 0; k < depth; ++k) {
    sum += Column(a + k * (RowMajor ? 1 : lda), Stride(RowMajor ? lda : 1)) * b[k * stride_of_b];
  }
  Eigen::Map<Block>{c} = sum;
}

template <class A, class B, class C>
void add_small_product(const A& a, const B& b, C& c) {
  constexpr int block = 16;
  constexpr int rest = C::RowsAtCompileTime == Dynamic ? 0 : C::RowsAtCompileTime % block;
  for (Index j = 0; j < c.cols(); ++j) {
    const auto add = [&]<int Rows>(std::integral_constant<int, Rows>, Index i) {
      add_product_block<Rows, A::IsRowMajor>(a.data() + i * a.rowStride(), a.outerStride(),
                                             b.data() + j * b.colStride(), b.rowStride(), a.cols(),
                                             c.data() + i + j * c.colStride());
    };
    Index i = 0;
    for (; i + block <= c.rows(); i += block) add(std::integral_constant<int, block>{}, i);
    if constexpr (C::RowsAtCompileTime == Dynamic) {
      for (; i < c.rows(); ++i) add(std::integral_constant<int, 1>{}, i);
    } else if constexpr (rest != 0) {
      add(std::integral_constant<int, rest>{}, i);
    }
  }
}

// Where the plain loops beat Eigen's packed kernel. A rule of sizes and layout alone, so that static and
// dynamic networks take the same way and give the same bits.
constexpr bool is_small_product(Index rows, Index depth, Index cols, bool columns_are_contiguous) {
  constexpr Index limit = 1024;
  if (cols == 1 && columns_are_contiguous) return true;
  return rows <= limit && depth <= limit && cols <= limit && rows * depth * cols <= limit;
}

}  // namespace detail

/// C += A B for Maps (or their transposes).
/// Shapes: A m x k, B k x n, C m x n; C overlaps neither A nor B.
/// Large products are Eigen's, small ones (and column-major matrix times vector) are loops that a compiler
/// unrolls where sizes are static.
template <class A, class B, class C>
void add_product(const A& a, const B& b, C&& c) {
  using Result = std::remove_cvref_t<C>;
  constexpr int rows = Result::RowsAtCompileTime, depth = A::ColsAtCompileTime,
                cols = Result::ColsAtCompileTime;
  if constexpr (rows != Dynamic && depth != Dynamic && cols != Dynamic) {
    constexpr bool columns_are_contiguous = !A::IsRowMajor || rows == 1 || depth == 1;
    if constexpr (detail::is_small_product(rows, depth, cols, columns_are_contiguous)) {
      detail::add_small_product(a, b, c);
    } else {
      detail::unsized(c).noalias() += detail::unsized(a) * detail::unsized(b);
    }
  } else if (detail::is_small_product(c.rows(), a.cols(), c.cols(), a.rowStride() == 1 || a.rows() == 1)) {
    detail::add_small_product(a, b, c);
  } else {
    detail::unsized(c).noalias() += detail::unsized(a) * detail::unsized(b);
  }
}

}  // namespace mlp
