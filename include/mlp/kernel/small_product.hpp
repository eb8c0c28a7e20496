#pragma once

#include <mlp/base/types.hpp>

#include <cmath>
#include <limits>
#include <type_traits>

/// Products of few multiplications, and of a matrix and a vector, for product.hpp. They are written with
/// Eigen's packets (a vector register, or one scalar) and not with its expressions: little of the code
/// depends on a network's sizes, and it compiles in a fraction of the time.
namespace mlp::detail {

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"  // a vector register's type as a template argument

template <class P>
inline constexpr int packet_size = Eigen::internal::unpacket_traits<P>::size;

// a b + c, rounded once where the processor has an instruction for it. Left to itself, a compiler contracts
// a * b + c for some sizes and not for others (g++ tuned for Zen does), and static and dynamic sizes would
// give different bits.
template <class P>
P multiply_add(const P& a, const P& b, const P& c) {
  if constexpr (!std::is_floating_point_v<P>) {
    return Eigen::internal::pmadd(a, b, c);
  } else {
#ifdef EIGEN_VECTORIZE_FMA
    return std::fma(a, b, c);
#else
    return a * b + c;
#endif
  }
}

// c = start + A b for the rows of N packets; the sums stay in registers. Each sum is split into `chains`
// partial sums, one for each residue of k modulo `chains`: with few packets, one chain would leave the
// processor waiting for the result of each multiply-add. One sample takes 140 ns through 16-64-64-4; with 16
// rows at a time in one chain it takes 297 ns (Zen 4).
template <class P, int N, bool RowMajor, bool ContiguousB, class S>
EIGEN_STRONG_INLINE void small_product_block(const S* a, Index lda, const S* b, Index stride_of_b,
                                             Index depth, const S* start, S* c) {
  using namespace Eigen::internal;
  constexpr int width = packet_size<P>, rows = N * width, chains = rows >= 64 ? 1 : rows >= 32 ? 2 : 4;
  P sum[chains][N];
  for (int i = 0; i < N; ++i) sum[0][i] = start == nullptr ? pset1<P>(S(0)) : ploadu<P>(start + i * width);
  const auto add = [&](P(&to)[N], Index k) {
    const P b_k = pset1<P>(b[ContiguousB ? k : k * stride_of_b]);
    for (int i = 0; i < N; ++i) {
      const S* const at = RowMajor ? a + k + i * width * lda : a + k * lda + i * width;
      to[i] = multiply_add<P>(RowMajor ? pgather<S, P>(at, lda) : ploadu<P>(at), b_k, to[i]);
    }
  };
  const Index chained = depth >= 16 ? depth - depth % chains : 0;
  if (chained > 0) {
    for (int chain = 1; chain < chains; ++chain) {
      for (P& packet : sum[chain]) packet = pset1<P>(S(0));
    }
    for (Index k = 0; k < chained; k += chains) {
      for (int chain = 0; chain < chains; ++chain) add(sum[chain], k + chain);
    }
    for (int chain = 1; chain < chains; ++chain) {
      for (int i = 0; i < N; ++i) sum[0][i] = padd(sum[0][i], sum[chain][i]);
    }
  }
  for (Index k = chained; k < depth; ++k) add(sum[0], k);
  for (int i = 0; i < N; ++i) pstoreu(c + i * width, sum[0][i]);
}

// c = start + A b: N packets at a time while they fit into `rows`, then fewer and narrower packets, and
// single rows last. MaxRows is an upper bound of `rows`.
template <class P, int N, int MaxRows, bool RowMajor, bool ContiguousB, class S>
EIGEN_STRONG_INLINE void small_product_column(Index rows, const S* a, Index lda, const S* b,
                                              Index stride_of_b, Index depth, const S* start, S* c) {
  constexpr int height = N * packet_size<P>;
  if constexpr (MaxRows >= height) {
    for (; rows >= height; rows -= height) {
      small_product_block<P, N, RowMajor, ContiguousB>(a, lda, b, stride_of_b, depth, start, c);
      a += height * (RowMajor ? lda : 1);
      c += height;
      if (start != nullptr) start += height;
    }
  }
  constexpr int left = MaxRows == height ? 0 : MaxRows;
  using Half = typename Eigen::internal::unpacket_traits<P>::half;
  if constexpr (left == 0 || height == 1) {
    return;
  } else if constexpr (N > 1) {
    small_product_column<P, N / 2, left, RowMajor, ContiguousB>(rows, a, lda, b, stride_of_b, depth, start,
                                                                c);
  } else if constexpr (packet_size<Half> < packet_size<P>) {
    small_product_column<Half, 1, left, RowMajor, ContiguousB>(rows, a, lda, b, stride_of_b, depth, start, c);
  } else {
    small_product_column<S, 1, left, RowMajor, ContiguousB>(rows, a, lda, b, stride_of_b, depth, start, c);
  }
}

// C = start 1^T + A B, or A B if start is null, column by column.
// Shapes: A m x depth, B depth x n, start m, C m x n.
template <class A, class B, class C>
void small_product(const A& a, const B& b, const typename C::Scalar* start, C& c) {
  using S = typename C::Scalar;
  using P = typename Eigen::internal::packet_traits<S>::type;
  constexpr int rows = C::RowsAtCompileTime, most = 128 / packet_size<P>;
  for (Index j = 0; j < c.cols(); ++j) {
    small_product_column<P, most, rows == Dynamic ? std::numeric_limits<int>::max() : rows, A::IsRowMajor,
                         !B::IsRowMajor>(c.rows(), a.data(), a.outerStride(), b.data() + j * b.colStride(),
                                         b.rowStride(), a.cols(), start, c.data() + j * c.colStride());
  }
}

#pragma GCC diagnostic pop

}  // namespace mlp::detail
