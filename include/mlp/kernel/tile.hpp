#pragma once

#include <mlp/base/bit_cast.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/kernel/threads.hpp>

#include <algorithm>
#include <array>
#include <cstdint>
#include <type_traits>

/// Element-wise work in tiles of 16 coefficients. Eigen treats the last coefficients of an array, and those
/// before an aligned address, with scalar functions, whose exp and tanh differ in the last bit from the
/// vectorized ones. A tile is always whole (the last one is padded with zeros); a coefficient's result
/// therefore depends on its value alone, not on its position, its address or whether sizes are static. Tiles
/// are local variables without aliases, and compilers vectorize plain loops over them.
namespace mlp::inline MLP_ABI {

inline constexpr Index tile_size = 16;

template <class S>
using Tile = Eigen::Array<S, tile_size, 1>;

namespace detail {

// A tile of n < tile_size coefficients, padded with zeros: by a masked load where the processor has one. A
// tile written coefficient by coefficient cannot be read as a vector before all writes have reached the
// cache: a step of xor took 157 ns with such writes and takes 137 with masked loads.
MLP_BEGIN_PACKETS
template <class S>
EIGEN_STRONG_INLINE Tile<S> load_partial_tile(const S* from, Index n) {
  using Packet = typename Eigen::internal::packet_traits<S>::type;
  using Traits = Eigen::internal::unpacket_traits<Packet>;
  if constexpr (Traits::masked_load_available) {
    Tile<S> tile;
    for (Index i = 0; i < tile_size; i += Traits::size) {
      const auto count = static_cast<unsigned>(std::clamp<Index>(n - i, 0, Traits::size));
      const auto mask = static_cast<typename Traits::mask_t>((1u << count) - 1);
      Eigen::internal::pstoreu(tile.data() + i,
                               Eigen::internal::ploadu<Packet>(from + (std::min)(i, n), mask));
    }
    return tile;
  } else {
    Tile<S> tile;
    for (Index i = 0; i < tile_size; ++i) tile(i) = i < n ? from[i] : S(0);
    return tile;
  }
}

// tile_size words of ones, then tile_size words of zeros. Read from tile_size - n on, it masks the first n
// coefficients.
template <class S>
inline constexpr auto padding_mask = [] {
  using Bits = std::conditional_t<sizeof(S) == 4, std::uint32_t, std::uint64_t>;
  std::array<S, 2 * tile_size> mask{};
  std::fill_n(mask.begin(), tile_size, detail::bit_cast<S>(~Bits{0}));
  return mask;
}();

// Sets the coefficients from n on to zero, in registers. With a constant n, a select per coefficient spills
// to memory: the sum of four squares took 15 ns with it and takes 2 with a mask.
template <class S>
EIGEN_STRONG_INLINE void clear_padding(Tile<S>& tile, Index n) {
  if constexpr (std::is_floating_point_v<S> && sizeof(S) <= sizeof(double)) {
    using Packet = typename Eigen::internal::packet_traits<S>::type;
    for (Index i = 0; i < tile_size; i += Eigen::internal::unpacket_traits<Packet>::size) {
      const auto mask = Eigen::internal::ploadu<Packet>(padding_mask<S>.data() + tile_size - n + i);
      const auto packet = Eigen::internal::ploadu<Packet>(tile.data() + i);
      Eigen::internal::pstoreu(tile.data() + i, Eigen::internal::pand(packet, mask));
    }
  } else {
    for (Index i = n; i < tile_size; ++i) tile(i) = S(0);
  }
}
MLP_END_PACKETS

template <class S>
EIGEN_STRONG_INLINE Tile<S> load_tile(const S* from, Index n) {
  if (n == tile_size) return Eigen::Map<const Tile<S>>(from);
  return load_partial_tile(from, n);
}

template <class S>
EIGEN_STRONG_INLINE void store_tile(const Tile<S>& tile, S* to, Index n) {
  if (n == tile_size) {
    Eigen::Map<Tile<S>>{to} = tile;
  } else {
    for (Index i = 0; i < n; ++i) to[i] = tile(i);
  }
}

template <class S>
EIGEN_STRONG_INLINE void store_tile(const Tile<S>&, const S*, Index) {}

// Coefficients below -limit become -limit, those above limit become limit.
template <class S>
EIGEN_STRONG_INLINE Tile<S> clamped(const Tile<S>& tile, S limit) {
  return ((tile.max)(-limit).min)(limit);
}

// By halves, so that the width of a vector register does not decide the order.
template <class S, int N>
EIGEN_STRONG_INLINE S sum_of_halves(const Eigen::Array<S, N, 1>& v) {
  if constexpr (N == 1) return v(0);
  else return sum_of_halves(Eigen::Array<S, N / 2, 1>(v.template head<N / 2>() + v.template tail<N / 2>()));
}

// Calls f(n, tile...) on the n <= tile_size coefficients at each pointer, and stores the tiles of mutable
// ones.
template <class F, class... S>
EIGEN_STRONG_INLINE void visit_tile(F& f, Index n, S*... data) {
  const auto visit = [&](auto... tile) {
    f(n, tile...);
    (store_tile(tile, data, n), ...);
  };
  visit(load_tile<std::remove_const_t<S>>(data, n)...);
}

// Calls f for the tiles of `size` coefficients at each pointer. gnu::flatten inlines all calls within f;
// without it g++ stops inlining in a large program and passes tiles through memory, and a step of Sgd takes
// 4.3 ns per parameter where it takes 0.15.
template <class F, class... S>
[[gnu::flatten]] void visit_run(F& f, Index size, S*... data) {
  Index i = 0;
  for (; i + tile_size <= size; i += tile_size) visit_tile(f, tile_size, (data + i)...);
  if (i < size) visit_tile(f, size - i, (data + i)...);
}

// Calls f for the tiles of equally large matrices, in `parts` parts where the matrices are contiguous, and
// column by column where they are not.
template <class F, class M, class... Ms>
void visit_tiles(F&& f, Index parts, M& m, Ms&... ms) {
  const auto contiguous = [](const auto& a) {
    return a.outerStride() == a.innerSize() || a.outerSize() <= 1;
  };
  if (contiguous(m) && (contiguous(ms) && ...)) {
    if (parts == 1) return visit_run(f, m.size(), m.data(), ms.data()...);
    parallel_for(m.size(), tile_size, parts, [&](Index begin, Index end) {
      visit_run(f, end - begin, m.data() + begin, (ms.data() + begin)...);
    });
  } else {
    for (Index j = 0; j < m.cols(); ++j) {
      visit_run(f, m.rows(), m.data() + j * m.colStride(), (ms.data() + j * ms.colStride())...);
    }
  }
}

}  // namespace detail

/// Calls f(tile...) for the tiles of equally large column-major matrices (Maps, or columns of Maps). Each
/// tile is a Tile<S>& and holds the same places of its matrix as the others; what f writes to a tile of a
/// mutable matrix is stored. In a program with OpenMP, several threads may call f at once, for different
/// tiles.
template <class F, class M, class... Ms>
void for_each_tile(F&& f, M&& m, Ms&&... ms) {
  constexpr Index grain = 32'768;  // coefficients, which take a thread a few microseconds
  detail::visit_tiles([&](Index, auto&... tiles) { f(tiles...); }, detail::part_count(m.size(), grain), m,
                      ms...);
}

namespace detail {

// sum = a x + y for equally large matrices, where sum may be y.
template <class S>
void add_multiple(S a, const auto& x, const auto& y, auto& sum) {
  for_each_tile([a](const auto& p, const auto& q, auto& r) { r = multiply_add(a, p, q); }, x, y, sum);
}

}  // namespace detail

/// Calls f as for_each_tile does, on the calling thread, and returns the sum of the coefficients of the tiles
/// that f returns, without the padding.
template <class S, class F, class... Ms>
S sum_tiles(F&& f, Ms&&... ms) {
  Tile<S> sum;
  std::fill_n(sum.data(), tile_size, S(0));
  detail::visit_tiles(
      [&](Index n, auto&... tiles) {
        Tile<S> term = f(tiles...);
        if (n < tile_size) detail::clear_padding(term, n);
        sum += term;
      },
      1, ms...);
  return detail::sum_of_halves(sum);
}

}  // namespace mlp::inline MLP_ABI
