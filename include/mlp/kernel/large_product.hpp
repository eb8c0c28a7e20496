#pragma once

#include <mlp/base/types.hpp>
#include <mlp/kernel/threads.hpp>

#include <algorithm>
#include <type_traits>

#ifdef MLP_USE_ONEDNN
#include <dnnl.h>

#ifdef _OPENMP
#include <omp.h>
#endif
#endif

/// Products of many multiplications, for product.hpp: by Eigen's packed kernel, by oneDNN with
/// MLP_USE_ONEDNN, or by a BLAS with EIGEN_USE_BLAS; shared among threads.
namespace mlp::detail {

// The block sizes of Eigen's kernel, and the memory for its packed copies of the operands. Each thread keeps
// its memory, and a training step allocates none; Eigen itself would allocate and free megabytes for each
// product. This makes a step of 784-1024-1024-10 about 5 % faster.
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
#endif

// C = A B, or C += A B if `add`, for a column-major C. With MLP_USE_ONEDNN, oneDNN computes it unless a side
// of C is short (oneDNN is slow for a layer of few outputs); otherwise Eigen's kernel does, or the BLAS that
// Eigen calls with EIGEN_USE_BLAS. The kernel is called directly: the expression A * B would instantiate a
// dozen kernels for each type, and would share its work among threads by Eigen's own rules.
// Shapes: A rows x depth, B depth x cols, C rows x cols; lda, ldb and ldc are the distances between
// columns, or between rows of a row-major operand.
template <int OrderA, int OrderB, class S>
void multiply(Index rows, Index cols, Index depth, const S* a, Index lda, const S* b, Index ldb, bool add,
              S* c, Index ldc) {
  // A single column lies the same way in both orders. Types of fixed size know it; here dynamic ones follow,
  // and get the same bits.
  if constexpr (OrderB == Eigen::RowMajor) {
    if (cols == 1 && ldb == 1) {
      return multiply<OrderA, Eigen::ColMajor>(rows, cols, depth, a, lda, b, depth, add, c, ldc);
    }
  }
#ifdef MLP_USE_ONEDNN
  if constexpr (std::is_same_v<S, float>) {
    if (rows >= 16 && cols >= 16 && depth > 0) {
      const auto transposition = [](int order) { return order == Eigen::ColMajor ? 'N' : 'T'; };
      // oneDNN's matrices are row-major: C^T = B^T A^T.
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

// C = start 1^T + A B, or A B if start is null, cut into `parts` that threads share.
// Shapes: A m x depth, B depth x n, start m, C m x n.
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
  // Each part packs the whole of the operand that is not cut; therefore the longer side of C is cut. The cuts
  // lie where the kernel itself begins a new block, and the same code computes each sum for any number of
  // parts.
  using Kernel = Eigen::internal::gebp_traits<S, S>;
  if (c.rows() > c.cols()) {
    parallel_for(c.rows(), Kernel::mr, parts,
                 [&](Index begin, Index end) { run(begin, end - begin, 0, c.cols()); });
  } else {
    parallel_for(c.cols(), Kernel::nr, parts,
                 [&](Index begin, Index end) { run(0, c.rows(), begin, end - begin); });
  }
}

// Eigen's kernel gives the same bits for any number of parts, and the threads decide the number. oneDNN and a
// BLAS do not; for them the size of the product alone decides.
inline Index part_count_of_product(Index multiplications) {
#if defined(MLP_USE_ONEDNN) || defined(EIGEN_USE_BLAS)
  return std::clamp<Index>(multiplications / 16'000'000, 1, 4);
#else
  return part_count(multiplications, 250'000);  // a part takes a few microseconds or more
#endif
}

}  // namespace mlp::detail
