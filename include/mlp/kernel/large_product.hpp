#pragma once

#include <mlp/base/types.hpp>
#include <mlp/kernel/blocked_product.hpp>
#include <mlp/kernel/threads.hpp>

#include <algorithm>
#include <type_traits>

#ifdef MLP_USE_ONEDNN
#include <dnnl.h>

#ifdef _OPENMP
#include <omp.h>
#endif
#endif

/// Products of many multiplications, for product.hpp, shared among threads: by blocked_product; by Eigen with
/// MLP_USE_EIGEN_PRODUCT, which calls a BLAS with EIGEN_USE_BLAS; or by oneDNN with MLP_USE_ONEDNN.
namespace mlp::inline MLP_ABI::detail {

// C = start 1^T, or 0 without a start.
template <class S>
void set_start(Index rows, Index cols, const ProductOperands<S>& at) {
  for (Index j = 0; j < cols; ++j) {
    for (Index i = 0; i < rows; ++i) {
      at.c[j * at.ldc + i] = at.start == nullptr ? S(0) : at.start[i * at.start_step];
    }
  }
}

#ifdef MLP_USE_ONEDNN
// During its lifetime oneDNN uses the calling thread alone.
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

// C = start 1^T + A B, unless a side of C is short: oneDNN is slow for a layer of few outputs.
template <bool RowMajorA, bool RowMajorB>
bool multiply_by_onednn(Index rows, Index depth, Index cols, const ProductOperands<float>& at) {
  if (rows < 16 || cols < 16) return false;
  if (at.start != nullptr) set_start(rows, cols, at);
  const OneThread alone;
  // oneDNN's matrices are row-major: C^T = B^T A^T.
  dnnl_sgemm(RowMajorB ? 'T' : 'N', RowMajorA ? 'T' : 'N', cols, rows, depth, 1, at.b, at.ldb, at.a, at.lda,
             at.start != nullptr ? 1.f : 0.f, at.c, at.ldc);
  return true;
}
#endif

#if defined(MLP_USE_EIGEN_PRODUCT) || defined(EIGEN_USE_BLAS)
// C = start 1^T + A B by Eigen, with the same bits for static and dynamic sizes: all of them are dynamic here.
template <bool RowMajorA, bool RowMajorB, class S>
void multiply_by_eigen(Index rows, Index depth, Index cols, const ProductOperands<S>& at) {
  using Stride = Eigen::OuterStride<>;
  constexpr auto order = [](bool row_major) { return row_major ? Eigen::RowMajor : Eigen::ColMajor; };
  const Eigen::Map<const Eigen::Matrix<S, Dynamic, Dynamic, order(RowMajorA)>, 0, Stride> a(at.a, rows, depth,
                                                                                            Stride(at.lda));
  const Eigen::Map<const Eigen::Matrix<S, Dynamic, Dynamic, order(RowMajorB)>, 0, Stride> b(at.b, depth, cols,
                                                                                            Stride(at.ldb));
  Eigen::Map<Matrix<S>, 0, Stride> c(at.c, rows, cols, Stride(at.ldc));
  set_start(rows, cols, at);
  c.noalias() += a * b;
}
#endif

// Products that blocked_product computes in any case; of static sizes, they become straight-line code.
template <bool RowMajorA>
constexpr bool is_small_product(Index rows, Index depth, Index cols) {
  return (cols == 1 && !RowMajorA) || rows * depth * cols <= 1024;
}

// C = start 1^T + A B by one thread. A function of its own for all static sizes.
template <bool RowMajorA, bool RowMajorB, class S>
EIGEN_DONT_INLINE void multiply(Index rows, Index depth, Index cols, const ProductOperands<S>& at) {
#if defined(MLP_USE_ONEDNN) || defined(MLP_USE_EIGEN_PRODUCT) || defined(EIGEN_USE_BLAS)
  if (!is_small_product<RowMajorA>(rows, depth, cols)) {
#ifdef MLP_USE_ONEDNN
    if constexpr (std::is_same_v<S, float>) {
      if (multiply_by_onednn<RowMajorA, RowMajorB>(rows, depth, cols, at)) return;
    }
#endif
#if defined(MLP_USE_EIGEN_PRODUCT) || defined(EIGEN_USE_BLAS)
    return multiply_by_eigen<RowMajorA, RowMajorB>(rows, depth, cols, at);
#endif
  }
#endif
  blocked_product<RowMajorA, RowMajorB, Dynamic, Dynamic>(rows, depth, cols, at);
}

// C = start 1^T + A B, cut into `parts` that threads share.
// Shapes: A rows x depth, B depth x cols, start rows, C rows x cols.
template <bool RowMajorA, bool RowMajorB, class S>
void large_product(Index rows, Index depth, Index cols, const ProductOperands<S>& all, Index parts) {
  if (depth == 0) return set_start(rows, cols, all);
  if (parts == 1) return multiply<RowMajorA, RowMajorB>(rows, depth, cols, all);
  const auto run = [&](Index row, Index count, Index col, Index col_count) {
    multiply<RowMajorA, RowMajorB>(count, depth, col_count,
                                   all.template part<RowMajorA, RowMajorB>(row, 0, col));
  };
  // The longer side is cut, at multiples of what a kernel computes at a time.
  if (rows > cols) {
    parallel_for(rows, 32, parts, [&](Index begin, Index end) { run(begin, end - begin, 0, cols); });
  } else {
    parallel_for(cols, 12, parts, [&](Index begin, Index end) { run(0, rows, begin, end - begin); });
  }
}

// blocked_product gives the same bits for any number of parts, and the threads decide the number. Other
// libraries do not; for them the size of the product alone decides.
inline Index part_count_of_product(Index multiplications) {
#if defined(MLP_USE_ONEDNN) || defined(MLP_USE_EIGEN_PRODUCT) || defined(EIGEN_USE_BLAS)
  return std::clamp<Index>(multiplications / 16'000'000, 1, 4);
#else
  return part_count(multiplications, 250'000);  // a part takes a few microseconds or more
#endif
}

}  // namespace mlp::inline MLP_ABI::detail
