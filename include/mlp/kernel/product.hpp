#pragma once

#include <mlp/base/types.hpp>
#include <mlp/kernel/threads.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#ifdef MLP_USE_ONEDNN
#include <dnnl.h>

#ifdef _OPENMP
#include <omp.h>
#endif
#endif

/// The one door to matrix products: every product of the library goes through set_product or set_affine.
namespace mlp {

namespace detail {

// Small products are written on Eigen's packets, the processor's vectors (or one scalar), rather than its
// expressions: they compile in a fraction of the time, since nothing depends on a network's sizes.
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wignored-attributes"  // a processor's vector type as a template's argument

template <class P>
inline constexpr int packet_size = Eigen::internal::unpacket_traits<P>::size;

// a b + c, rounded once where the machine has an instruction for it. Left to itself, a compiler chooses
// differently for different sizes (g++ tuned for Zen does), and static and dynamic sizes would give other
// bits.
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

// c = start + A b for the rows of N packets, with c in registers meanwhile. A sum is kept in one chain for
// each residue of k modulo `chains`: few packets need several for the processor to have enough to do while it
// waits for a result. One sample takes 140 ns through 16-64-64-4 so, and 297 ns with 16 rows at a time in one
// chain (Zen 4).
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

// As many packets at once as fit into `rows`, then narrower ones, at last single rows. MaxRows is what is
// known of them.
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

// How Eigen's kernel cuts a product, and the room for packed copies of its operands: each thread keeps its
// own, so that a step allocates nothing, where Eigen would take megabytes from the system and give them back
// for each product. That made a step of 784-1024-1024-10 a twentieth faster.
template <class S>
struct Blocking : Eigen::internal::level3_blocking<S, S> {
  Blocking(Index rows, Index cols, Index depth) {
    this->m_mc = rows;
    this->m_nc = cols;
    this->m_kc = depth;
    Eigen::internal::computeProductBlockingSizes<S, S>(this->m_kc, this->m_mc, this->m_nc, Index{1});
    constexpr Index line = 64 / sizeof(S);
    const Index size_a = (this->m_kc * this->m_mc + line - 1) / line * line;
    thread_local Vector<S> packed;
    if (packed.size() < size_a + this->m_kc * this->m_nc) packed.resize(size_a + this->m_kc * this->m_nc);
    this->m_blockA = packed.data();
    this->m_blockB = packed.data() + size_a;
  }
};

#ifdef MLP_USE_ONEDNN
// While it lives, oneDNN starts no threads for the calling one.
class OneThread {
 public:
#ifdef _OPENMP
  OneThread() : before_(omp_get_max_threads()) { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }

 private:
  int before_;
#else
  OneThread() {}
#endif
};
#endif

// C = A B, or C += A B where `add`, for column-major C: by oneDNN where it is asked for and wins (it is slow
// for a layer of few outputs), else by Eigen's kernel or, with EIGEN_USE_BLAS, the BLAS that it calls in its
// place. The kernel is called itself, since it is one for all types, where the expression A * B instantiates
// a dozen ways to multiply for each; and since the expression shares its work among threads by rules of
// Eigen's own.
template <int OrderA, int OrderB, class S>
void multiply(Index rows, Index cols, Index depth, const S* a, Index lda, const S* b, Index ldb, bool add,
              S* c, Index ldc) {
  // One column is the same in both orders; a type of run-time size does not know it.
  if constexpr (OrderB == Eigen::RowMajor) {
    if (cols == 1 && ldb == 1) {
      return multiply<OrderA, Eigen::ColMajor>(rows, cols, depth, a, lda, b, depth, add, c, ldc);
    }
  }
#ifdef MLP_USE_ONEDNN
  if constexpr (std::is_same_v<S, float>) {
    if (rows >= 16 && cols >= 16 && depth > 0) {
      const auto transposition = [](int order) { return order == Eigen::ColMajor ? 'N' : 'T'; };
      // Its matrices are row-major: C^T = B^T A^T.
      const OneThread alone;
      dnnl_sgemm(transposition(OrderB), transposition(OrderA), cols, rows, depth, 1, b, ldb, a, lda,
                 add ? 1.f : 0.f, c, ldc);
      return;
    }
  }
#endif
  if (!add) {
    for (Index j = 0; j < cols; ++j) std::fill_n(c + j * ldc, rows, S(0));
  }
  if (rows == 0 || cols == 0 || depth == 0) return;
#ifdef EIGEN_USE_BLAS
  Eigen::internal::level3_blocking<S, S> blocking;
#else
  Blocking<S> blocking(rows, cols, depth);
#endif
  Eigen::internal::general_matrix_matrix_product<Index, S, OrderA, false, S, OrderB, false, Eigen::ColMajor,
                                                 1>::run(rows, cols, depth, a, lda, b, ldb, c, 1, ldc, S(1),
                                                         blocking, nullptr);
}

// C = start 1^T + A B, or A B where start is null, in so many parts.
template <class A, class B, class C>
void large_product(const A& a, const B& b, const typename C::Scalar* start, C& c, Index parts) {
  using S = typename C::Scalar;
  const auto run = [&](Index row, Index rows, Index col, Index cols) {
    S* const block = c.data() + row + col * c.colStride();
    if (start != nullptr) {
      for (Index j = 0; j < cols; ++j) std::copy_n(start + row, rows, block + j * c.colStride());
    }
    multiply<A::IsRowMajor ? Eigen::RowMajor : Eigen::ColMajor,
             B::IsRowMajor ? Eigen::RowMajor : Eigen::ColMajor>(
        rows, cols, a.cols(), a.data() + row * a.rowStride(), a.outerStride(), b.data() + col * b.colStride(),
        b.outerStride(), start != nullptr, block, c.colStride());
  };
  // Each part packs all of the operand that isn't cut, so it is the longer side that is cut, and where the
  // kernel itself begins a new block: each sum is then made by the same code.
  using Kernel = Eigen::internal::gebp_traits<S, S>;
  if (c.rows() > c.cols()) {
    parallel_for(c.rows(), Kernel::mr, parts,
                 [&](Index begin, Index end) { run(begin, end - begin, 0, c.cols()); });
  } else {
    parallel_for(c.cols(), Kernel::nr, parts,
                 [&](Index begin, Index end) { run(0, c.rows(), begin, end - begin); });
  }
}

// Eigen's kernel gives the same bits however it is cut, so there are as many parts as threads. Others don't:
// there it is the size alone that decides.
inline Index part_count_of_product(Index multiplications) {
#if defined(MLP_USE_ONEDNN) || defined(EIGEN_USE_BLAS)
  return std::clamp<Index>(multiplications / 16'000'000, 1, 4);
#else
  return part_count(multiplications, 250'000);  // at least a few microseconds of work for each
#endif
}

// Where the plain loops beat Eigen's packed kernel. A rule of sizes and layout alone, so that static and
// dynamic networks take the same way and give the same bits.
constexpr bool is_small_product(Index rows, Index depth, Index cols, bool columns_are_contiguous) {
  constexpr Index limit = 1024;
  if (cols == 1 && columns_are_contiguous) return true;
  return rows <= limit && depth <= limit && cols <= limit && rows * depth * cols <= limit;
}

// How numbers that are no floating-point numbers multiply: run(a, b, start, c) of a specialization, such as
// dual.hpp's.
template <class S>
struct Product;

// C = start 1^T + A B, or A B where start is null.
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

/// C = A B for Maps (or their transposes).
/// Shapes: A m x k, B k x n, C m x n; C overlaps neither A nor B. Large products are Eigen's (oneDNN's with
/// MLP_USE_ONEDNN, a BLAS's with EIGEN_USE_BLAS), and shared among threads. Small ones, and a column-major
/// matrix times a vector, are loops that a compiler unrolls where sizes are static: they allocate nothing and
/// start no thread.
template <class A, class B, class C>
void set_product(const A& a, const B& b, C&& c) {
  detail::product(a, b, nullptr, c);
}

/// Y = W X + b 1^T, as set_product, with a vector b for each column.
/// Shapes: b m.
template <class W, class X, class Bias, class Y>
void set_affine(const W& weights, const X& x, const Bias& bias, Y&& y) {
  detail::product(weights, x, bias.data(), y);
}

}  // namespace mlp
