#pragma once

#include <mlp/types.hpp>

#include <cmath>

/// The one door to matrix products: every product of the library goes through set_product or add_product.
namespace mlp::detail {

// x factor + y, rounded once where the machine has an instruction for it. Left to itself, a compiler chooses
// differently for different sizes (g++ tuned for Zen does), and static and dynamic sizes would give other bits.
template <class S>
struct MultiplyAdd {
  S factor;

  S operator()(S x, S y) const {
#ifdef EIGEN_VECTORIZE_FMA
    return std::fma(x, factor, y);
#else
    return x * factor + y;
#endif
  }
  template <class Packet>
  Packet packetOp(const Packet& x, const Packet& y) const {
    return Eigen::internal::pmadd(x, Eigen::internal::pset1<Packet>(factor), y);
  }
};

}  // namespace mlp::detail

template <class S>
struct Eigen::internal::functor_traits<mlp::detail::MultiplyAdd<S>> {
  enum {
    Cost = 2 * NumTraits<S>::MulCost,
    PacketAccess = packet_traits<S>::HasMul && packet_traits<S>::HasAdd
  };
};

namespace mlp {

namespace detail {

// The same coefficients with run-time sizes, so that all large products share a few instances of Eigen's kernel.
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

// c = A b or c += A b for Rows rows of A and c, with c in registers meanwhile and the terms added in the order of
// k. Addresses and strides, so that products of all types share few instances.
template <bool Add, int Rows, bool RowMajor, class S>
void small_product_block(const S* a, Index lda, const S* b, Index stride_of_b, Index depth, S* c) {
  using Block = Eigen::Array<S, Rows, 1>;
  using Stride = Eigen::InnerStride<RowMajor ? Dynamic : 1>;
  using Column = Eigen::Map<const Block, 0, Stride>;
  const Index next = RowMajor ? 1 : lda;
  if constexpr (Rows == 1) {
    S sum = Add ? *c : S(0);
    for (Index k = 0; k < depth; ++k) sum = MultiplyAdd<S>{b[k * stride_of_b]}(a[k * next], sum);
    *c = sum;
  } else {
    Block sum;
    for (int i = 0; i < Rows; ++i) sum(i) = Add ? c[i] : S(0);
    for (Index k = 0; k < depth; ++k) {
      const Column column(a + k * next, Stride(RowMajor ? lda : 1));
      sum = column.binaryExpr(sum, MultiplyAdd<S>{b[k * stride_of_b]});
    }
    Eigen::Map<Block>{c} = sum;
  }
}

template <bool Add, class A, class B, class C>
void small_product(const A& a, const B& b, C& c) {
  constexpr int block = 16, rows = C::RowsAtCompileTime;
  for (Index j = 0; j < c.cols(); ++j) {
    const auto compute = [&]<int Rows>(std::integral_constant<int, Rows>, Index i) {
      small_product_block<Add, Rows, A::IsRowMajor>(a.data() + i * a.rowStride(), a.outerStride(),
                                                    b.data() + j * b.colStride(), b.rowStride(), a.cols(),
                                                    c.data() + i + j * c.colStride());
    };
    Index i = 0;
    if constexpr (rows == Dynamic || rows >= block) {
      for (; i + block <= c.rows(); i += block) compute(std::integral_constant<int, block>{}, i);
    }
    if constexpr (rows == Dynamic) {
      for (; i < c.rows(); ++i) compute(std::integral_constant<int, 1>{}, i);
    } else if constexpr (rows % block != 0) {
      compute(std::integral_constant<int, rows % block>{}, i);
    }
  }
}

template <bool Add, class A, class B, class C>
void large_product(const A& a, const B& b, C& c) {
  if constexpr (Add) {
    unsized(c).noalias() += unsized(a) * unsized(b);
  } else {
    unsized(c).noalias() = unsized(a) * unsized(b);
  }
}

// Where the plain loops beat Eigen's packed kernel. A rule of sizes and layout alone, so that static and dynamic
// networks take the same way and give the same bits.
constexpr bool is_small_product(Index rows, Index depth, Index cols, bool columns_are_contiguous) {
  constexpr Index limit = 1024;
  if (cols == 1 && columns_are_contiguous) return true;
  return rows <= limit && depth <= limit && cols <= limit && rows * depth * cols <= limit;
}

template <bool Add, class A, class B, class C>
void product(const A& a, const B& b, C& c) {
  constexpr int rows = C::RowsAtCompileTime, depth = A::ColsAtCompileTime, cols = C::ColsAtCompileTime;
  if constexpr (rows != Dynamic && depth != Dynamic && cols != Dynamic) {
    constexpr bool columns_are_contiguous = !A::IsRowMajor || rows == 1 || depth == 1;
    if constexpr (is_small_product(rows, depth, cols, columns_are_contiguous)) {
      small_product<Add>(a, b, c);
    } else {
      large_product<Add>(a, b, c);
    }
  } else if (a.cols() > 0 &&
             is_small_product(c.rows(), a.cols(), c.cols(), a.rowStride() == 1 || a.rows() == 1)) {
    small_product<Add>(a, b, c);
  } else {
    large_product<Add>(a, b, c);
  }
}

}  // namespace detail

/// C = A B for Maps (or their transposes).
/// Shapes: A m x k, B k x n, C m x n; C overlaps neither A nor B.
/// Large products are Eigen's, small ones (and column-major matrix times vector) are loops that a compiler unrolls
/// where sizes are static.
template <class A, class B, class C>
void set_product(const A& a, const B& b, C&& c) {
  detail::product<false>(a, b, c);
}

/// C += A B, as set_product.
template <class A, class B, class C>
void add_product(const A& a, const B& b, C&& c) {
  detail::product<true>(a, b, c);
}

}  // namespace mlp
