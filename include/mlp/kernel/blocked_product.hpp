#pragma once

#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>

#include <algorithm>
#include <type_traits>

/// Matrix products on Eigen's packets, for product.hpp. C is computed in tiles of a few packets of rows by a
/// few columns, which stay in registers. Operands are read in place where that is fast, and otherwise copied, a
/// part at a time, into buffers on the stack.
///
/// The order of each sum depends on the depth (the columns of A) alone, neither on the tile nor on the other
/// sizes, the thread or the processor: see block_length.
namespace mlp::inline MLP_ABI::detail {

MLP_BEGIN_PACKETS

// AVX-512 and AArch64 have 32 vector registers, others 16.
template <class P>
inline constexpr bool has_32_registers = sizeof(P) == 64 || EIGEN_ARCH_ARM64;

inline constexpr Index longest_block = 128;

// Each sum over k is cut into blocks of this length,
//   c = (s_0 + s_1) + s_2 + ...
// where each s is one chain of multiply-adds in the order of k, and s_0 begins at `start`. A product of few
// rows computes several blocks at a time: one chain would leave the processor waiting for the result of each
// multiply-add. A product of many computes one block after the other, so that the part of A which a block
// needs stays in the first-level cache.
constexpr Index block_length(Index depth) { return std::clamp<Index>((depth + 3) / 4, 32, longest_block); }

// Where the operands of C = start 1^T + A B begin. C is column-major. lda, ldb and ldc are the distances
// between columns, or between the rows of an operand that is row-major.
template <class S>
struct ProductOperands {
  const S* a;
  Index lda;
  const S* b;
  Index ldb;
  const S* start;    // or null
  Index start_step;  // 1: a number for each row, 0: one for all rows
  S* c;
  Index ldc;

  // The operands of the part of C that begins at (row, col), for sums that begin at k.
  template <bool RowMajorA, bool RowMajorB>
  EIGEN_ALWAYS_INLINE ProductOperands part(Index row, Index k, Index col) const {
    ProductOperands result = *this;
    result.a += RowMajorA ? row * lda + k : row + k * lda;
    result.b += RowMajorB ? k * ldb + col : k + col * ldb;
    result.c += row + col * ldc;
    if (start != nullptr) result.start += row * start_step;
    return result;
  }

  template <class P>
  EIGEN_ALWAYS_INLINE P start_packet(Index row) const {
    using namespace Eigen::internal;
    if (start == nullptr) return pset1<P>(S(0));
    return start_step == 0 ? pset1<P>(*start) : ploadu<P>(start + row);
  }
};

// Blocks of a sum: of `block` coefficients each, `depth` in all; the last may be shorter. They are added to C, unless
// they are the first ones.
struct ProductBlocks {
  Index block, depth;
  bool are_first;
};

// A tile of N packets of rows and Cols columns. Stores the rows from `first` on.
template <class P, int N, int Cols, bool RowMajorB, class S>
EIGEN_ALWAYS_INLINE void product_tile(const ProductOperands<S>& at, ProductBlocks blocks, Index first) {
  using namespace Eigen::internal;
  constexpr int width = packet_size<P>;
  const S *a = at.a, *b = at.b;
  while (blocks.depth > 0) {
    P sum[Cols][N];
    MLP_UNROLL for (int i = 0; i < N; ++i) {
      const P s = blocks.are_first ? at.template start_packet<P>(i * width) : pset1<P>(S(0));
      MLP_UNROLL for (int j = 0; j < Cols; ++j) sum[j][i] = s;
    }
    for (Index k = (std::min)(blocks.block, blocks.depth); k > 0; --k) {
      P a_k[N];
      MLP_UNROLL for (int i = 0; i < N; ++i) a_k[i] = ploadu<P>(a + i * width);
      MLP_UNROLL for (int j = 0; j < Cols; ++j) {
        const P b_kj = pset1<P>(b[j * (RowMajorB ? 1 : at.ldb)]);
        MLP_UNROLL for (int i = 0; i < N; ++i) sum[j][i] = packet_multiply_add<P>(a_k[i], b_kj, sum[j][i]);
      }
      a += at.lda;
      b += RowMajorB ? at.ldb : 1;
    }
    MLP_UNROLL for (int j = 0; j < Cols; ++j) {
      MLP_UNROLL for (int i = 0; i < N; ++i) {
        S* const c = at.c + j * at.ldc + i * width;
        const P value = blocks.are_first ? sum[j][i] : padd(ploadu<P>(c), sum[j][i]);
        if (N > 1 || first == 0) {
          pstoreu(c, value);
        } else {
          alignas(EIGEN_MAX_ALIGN_BYTES) S rows[width];
          pstore(rows, value);
          for (Index r = first; r < width; ++r) c[r] = rows[r];
        }
      }
    }
    blocks.depth -= blocks.block;
    blocks.are_first = false;
  }
}

// The tiles of a panel of N packets of rows: Cols columns at a time, then fewer. Left is the number of columns
// left, or Dynamic.
template <class P, int N, int Cols, int Left, bool RowMajorB, class S>
EIGEN_ALWAYS_INLINE void product_panel(ProductOperands<S>& at, Index left, const ProductBlocks& blocks,
                                       Index first) {
  if constexpr (Left == Dynamic || Left >= Cols) {
    for (; left >= Cols; left -= Cols) {
      product_tile<P, N, Cols, RowMajorB>(at, blocks, first);
      at.b += Cols * (RowMajorB ? 1 : at.ldb);
      at.c += Cols * at.ldc;
    }
  }
  if constexpr (Cols > 1 && (Left == Dynamic || Left % Cols != 0)) {
    product_panel<P, N, Cols == 12 ? 4 : (Cols + 1) / 2, Left == Dynamic ? Dynamic : Left % Cols, RowMajorB>(
        at, left, blocks, first);
  }
}

// The same for any number of columns: a function of its own, since it is long and often needed.
template <class P, int N, int Cols, bool RowMajorB, class S>
EIGEN_DONT_INLINE void wide_product_panel(ProductOperands<S> at, Index cols, const ProductBlocks& blocks,
                                          Index first) {
  product_panel<P, N, Cols, Dynamic, RowMajorB>(at, cols, blocks, first);
}

template <class P, int N>
struct PacketPanel {
  using Packet = P;
  static constexpr int packets = N, rows = N * packet_size<P>;
};

// Cuts rows into panels of N packets, then of N / Divisor and so on, and calls f(PacketPanel{}, row, first) for
// each. The last packet ends with the last row and may overlap the one before, with which it has `first` rows
// in common; a matrix of fewer rows than a packet takes narrower packets. Left is rows - row, or Dynamic.
template <class P, int N, int Divisor, int Left>
EIGEN_ALWAYS_INLINE void for_each_panel(Index row, Index rows, auto&& f) {
  constexpr int width = packet_size<P>, height = N * width;
  if constexpr (Left == Dynamic || Left >= height) {
    for (; rows - row >= height; row += height) f(PacketPanel<P, N>{}, row, Index{0});
  }
  if constexpr (Left == Dynamic || Left % height != 0) {
    constexpr int left = Left == Dynamic ? Dynamic : Left % height;
    if constexpr (N > 1) {
      for_each_panel<P, N / Divisor, Divisor, left>(row, rows, f);
    } else if constexpr (width > 1) {
      if (row == rows) return;
      if (rows >= width) return f(PacketPanel<P, 1>{}, rows - width, width - (rows - row));
      using Traits = Eigen::internal::unpacket_traits<P>;
      constexpr bool has_half = packet_size<typename Traits::half> < width;
      for_each_panel<std::conditional_t<has_half, typename Traits::half, typename Traits::type>, 1, 1, left>(
          row, rows, f);
    }
  }
}

// A part of A, `rows` times `depth`, as a column-major matrix without gaps.
template <class P, bool RowMajorA, class S>
EIGEN_ALWAYS_INLINE void copy_panel(const S* a, Index lda, Index rows, Index depth, S* to) {
  using namespace Eigen::internal;
  constexpr int width = packet_size<P>;
  for (Index i = 0; i < rows; i += width) {
    Index k = 0;
    if constexpr (!RowMajorA) {
      for (; k < depth; ++k) pstoreu(to + k * rows + i, ploadu<P>(a + k * lda + i));
    } else if constexpr (width > 1) {
      for (; k + width <= depth; k += width) {
        PacketBlock<P, width> block;
        for (int r = 0; r < width; ++r) block.packet[r] = ploadu<P>(a + (i + r) * lda + k);
        ptranspose(block);
        for (int r = 0; r < width; ++r) pstoreu(to + (k + r) * rows + i, block.packet[r]);
      }
    }
    for (; k < depth; ++k) {
      for (int r = 0; r < width; ++r) to[k * rows + i + r] = a[(i + r) * lda + k];
    }
  }
}

// C = start 1^T + A B in tiles. Rows and Cols are the sizes of C, or Dynamic.
// Shapes: A rows x depth, B depth x cols, start rows, C rows x cols; depth > 0.
template <bool RowMajorA, bool RowMajorB, int Rows, int Cols, class S>
EIGEN_ALWAYS_INLINE void blocked_matrix_product(Index rows, Index depth, Index cols,
                                                const ProductOperands<S>& all) {
  using P = typename Eigen::internal::packet_traits<S>::type;
  constexpr int packets = 4, tile_cols = has_32_registers<P> ? 6 : 3;  // sums in 24 or 12 registers
  const Index block = block_length(depth);
  // Columns of A, or rows of B, that lie far apart fall into few lines of the first-level cache, and farther apart each
  // into a page of its own: they are copied if that pays.
  constexpr bool may_copy_b = RowMajorB && Rows == Dynamic;
  const Index bytes_between = all.lda * Index{sizeof(S)};
  const bool is_far = (std::min)(depth, longest_block) * bytes_between > 32'768;
  const bool copies_a = RowMajorA || (Cols == Dynamic && is_far && cols >= (bytes_between >= 2048 ? 24 : 32));
  const bool copies_b = may_copy_b && rows >= 64 && all.ldb * Index{sizeof(S)} >= 1024;
  // The part of B that a step needs stays in the second-level cache, or fits on the stack. The parts are about equally
  // wide, since a copy of A is not worth a few columns.
  constexpr Index most_copied = may_copy_b ? 49'152 / Index{sizeof(S)} : 1;
  const Index step = copies_b ? block : longest_block / block * block;
  const Index most_cols = copies_b ? most_copied / step / 12 * 12 : 384;
  const Index parts = std::max<Index>(1, (cols + most_cols - 1) / most_cols);
  const Index part_cols = ((cols + parts - 1) / parts + 11) / 12 * 12;
  alignas(EIGEN_MAX_ALIGN_BYTES) S copy_of_a[packets * packet_size<P> * longest_block];
  alignas(EIGEN_MAX_ALIGN_BYTES) S copy_of_b[most_copied];
  for (Index j = 0; j < cols; j += part_cols) {
    const Index col_count = (std::min)(part_cols, cols - j);
    for (Index k = 0; k < depth; k += step) {
      const ProductBlocks blocks{block, (std::min)(step, depth - k), k == 0};
      if (copies_b) {
        for (Index i = 0; i < blocks.depth; ++i) {
          std::copy_n(all.b + (k + i) * all.ldb + j, col_count, copy_of_b + i * part_cols);
        }
      }
      for_each_panel<P, packets, packets, Rows>(
          0, rows, [&]<class Panel>(Panel, Index row, Index first) MLP_ALWAYS_INLINE {
            using Q = typename Panel::Packet;
            ProductOperands<S> at = all.template part<RowMajorA, RowMajorB>(row, k, j);
            if (copies_a) {
              copy_panel<Q, RowMajorA>(at.a, at.lda, Panel::rows, blocks.depth, copy_of_a);
              at.a = copy_of_a;
              at.lda = Panel::rows;
            }
            if (copies_b) {
              at.b = copy_of_b;
              at.ldb = part_cols;
            }
            constexpr int most = packet_size<Q> < packet_size<P> ? 4 : Panel::packets == 1 ? 12 : tile_cols;
            if constexpr (Cols == Dynamic) {
              wide_product_panel<Q, Panel::packets, most, RowMajorB>(at, col_count, blocks, first);
            } else {
              product_panel<Q, Panel::packets, most, Cols, RowMajorB>(at, col_count, blocks, first);
            }
          });
    }
  }
}

// c = start + A b for a panel of N packets of rows, several blocks at a time if N is small.
template <class P, int N, bool RowMajorB, class S>
EIGEN_ALWAYS_INLINE void matrix_vector_panel(const ProductOperands<S>& at, Index depth) {
  using namespace Eigen::internal;
  constexpr int width = packet_size<P>, blocks = N >= 8 ? 1 : N >= 4 ? 2 : 4;
  const Index block = block_length(depth);
  P total[N];
  MLP_UNROLL for (int i = 0; i < N; ++i) total[i] = at.template start_packet<P>(i * width);
  for (Index begin = 0; begin < depth; begin += blocks * block) {
    P sum[blocks][N];
    MLP_UNROLL for (int n = 0; n < blocks; ++n) {
      MLP_UNROLL for (int i = 0; i < N; ++i) sum[n][i] = n + begin == 0 ? total[i] : pset1<P>(S(0));
    }
    Index k = 0;
    MLP_UNROLL for (int active = blocks; active > 0; --active) {  // the last block may be shorter or missing
      const Index length = (std::min)(block, depth - begin - (active - 1) * block);
      for (; k < length; ++k) {
        MLP_UNROLL for (int n = 0; n < active; ++n) {
          const Index at_k = begin + n * block + k;
          const P b_k = pset1<P>(at.b[at_k * (RowMajorB ? at.ldb : 1)]);
          MLP_UNROLL for (int i = 0; i < N; ++i) {
            sum[n][i] = packet_multiply_add<P>(ploadu<P>(at.a + at_k * at.lda + i * width), b_k, sum[n][i]);
          }
        }
      }
    }
    MLP_UNROLL for (int n = 0; n < blocks; ++n) {
      if (begin + n * block >= depth) break;
      MLP_UNROLL for (int i = 0; i < N; ++i) {
        total[i] = n + begin == 0 ? sum[n][i] : padd(total[i], sum[n][i]);
      }
    }
  }
  MLP_UNROLL for (int i = 0; i < N; ++i) pstoreu(at.c + i * width, total[i]);
}

// s_i = s_i + a_i0 b_0 + a_i1 b_1 + ... in this order, over Cols columns of A, for the rows from i on. `begins` says that
// the sums begin here, at `start`.
template <class P, int Cols, bool RowMajorB, class S>
EIGEN_ALWAYS_INLINE void add_columns(const ProductOperands<S>& at, bool begins, S* sums, Index i,
                                     Index rows) {
  using namespace Eigen::internal;
  constexpr int width = packet_size<P>;
  P b[Cols];
  MLP_UNROLL for (int k = 0; k < Cols; ++k) b[k] = pset1<P>(at.b[k * (RowMajorB ? at.ldb : 1)]);
  for (; i + width <= rows; i += width) {
    P sum = begins ? at.template start_packet<P>(i) : ploadu<P>(sums + i);
    MLP_UNROLL for (int k = 0; k < Cols; ++k) {
      sum = packet_multiply_add<P>(ploadu<P>(at.a + k * at.lda + i), b[k], sum);
    }
    pstoreu(sums + i, sum);
  }
  if constexpr (width > 1) add_columns<S, Cols, RowMajorB>(at, begins, sums, i, rows);
}

// c = start + A b for a large A, which is read in the order in which it lies in memory: the parts of a panel's columns
// lie far apart, and would come one by one from the caches behind the first.
template <bool RowMajorB, class S>
EIGEN_DONT_INLINE void streamed_matrix_vector_product(Index rows, Index depth,
                                                      const ProductOperands<S>& all) {
  using P = typename Eigen::internal::packet_traits<S>::type;
  constexpr Index most_rows = 8192 / Index{sizeof(S)}, cols = 8;
  alignas(EIGEN_MAX_ALIGN_BYTES) S sums[most_rows];
  const Index block = block_length(depth);
  for (Index row = 0; row < rows; row += most_rows) {
    const Index count = (std::min)(most_rows, rows - row);
    S* const c = all.c + row;
    for (Index begin = 0; begin < depth; begin += block) {
      const bool is_first = begin == 0;
      const auto add = [&]<int Cols>(std::integral_constant<int, Cols>, Index k) {
        ProductOperands<S> at = all.template part<false, RowMajorB>(row, k, 0);
        if (!is_first) at.start = nullptr;
        add_columns<P, Cols, RowMajorB>(at, k == begin, is_first ? c : sums, 0, count);
      };
      const Index end = (std::min)(begin + block, depth);
      Index k = begin;
      for (; k + cols <= end; k += cols) add(std::integral_constant<int, cols>{}, k);
      for (; k < end; ++k) add(std::integral_constant<int, 1>{}, k);
      if (is_first) continue;
      for (Index i = 0; i < count; ++i) c[i] += sums[i];
    }
  }
}

// c = start + A b, with the bits of blocked_matrix_product, for a column-major A and depth > 0. Rows is the number
// of rows, or Dynamic.
template <bool RowMajorB, int Rows, class S>
EIGEN_ALWAYS_INLINE void blocked_matrix_vector_product(Index rows, Index depth,
                                                       const ProductOperands<S>& all) {
  using P = typename Eigen::internal::packet_traits<S>::type;
  if (rows * depth * Index{sizeof(S)} > 49'152) {  // larger than the first-level cache
    return streamed_matrix_vector_product<RowMajorB>(rows, depth, all);
  }
  for_each_panel<P, has_32_registers<P> ? 8 : 4, 2, Rows>(
      0, rows, [&]<class Panel>(Panel, Index row, Index) MLP_ALWAYS_INLINE {
        matrix_vector_panel<typename Panel::Packet, Panel::packets, RowMajorB>(
            all.template part<false, RowMajorB>(row, 0, 0), depth);
      });
}

// C = start 1^T + A B, by one of these two.
template <bool RowMajorA, bool RowMajorB, int Rows, int Cols, class S>
EIGEN_ALWAYS_INLINE void blocked_product(Index rows, Index depth, Index cols, const ProductOperands<S>& at) {
  if constexpr (!RowMajorA && (Cols == 1 || Cols == Dynamic)) {
    if (cols == 1) return blocked_matrix_vector_product<RowMajorB, Rows>(rows, depth, at);
  }
  if constexpr (RowMajorA || Cols != 1) {
    blocked_matrix_product<RowMajorA, RowMajorB, Rows, Cols>(rows, depth, cols, at);
  }
}

MLP_END_PACKETS

}  // namespace mlp::inline MLP_ABI::detail
