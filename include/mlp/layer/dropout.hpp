#pragma once

#include <mlp/base/buffer.hpp>
#include <mlp/base/counts.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/sizes.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/kernel/tile.hpp>

#include <algorithm>
#include <cstdint>
#include <utility>

namespace mlp::inline MLP_ABI {

/// In training, sets each coefficient to 0 with probability p, independently of the others, and scales the
/// rest so that the expectation stays the same, as torch.nn.Dropout:
///   y = m x, m = 0 with probability p and 1 / (1 - p) otherwise;  dx = m dy
/// A prediction leaves x unchanged. The masks are drawn from the workspace's rng, which fit seeds.
/// Shapes: x and y N x B; no parameters.
/// Source: Srivastava, Hinton, Krizhevsky, Sutskever and Salakhutdinov, Dropout: A Simple Way to Prevent
/// Neural Networks from Overfitting (2014).
template <int N>
class Dropout : public Sizes<N, N> {
 public:
  static constexpr const char* name = "Dropout";
  using Dropout::Sizes::inputs;

  /// m.
  template <class S, int Batch = Dynamic>
  struct Cache {
    Buffer<S, N, Batch> mask;
  };

  /// Errors: std::invalid_argument if p is not in [0, 1), or the size is not positive or not the one in the
  /// type.
  constexpr explicit Dropout(double p = 0.5) requires(N != Dynamic) : Dropout(N, p) {}
  constexpr explicit Dropout(Index size) requires(N == Dynamic) : Dropout(size, 0.5) {}
  constexpr Dropout(Index size, double p)
      : Dropout::Sizes(detail::checked_size<N>(size, "Dropout"), size), p_(p) {
    detail::check_option(p >= 0 && p < 1, "Dropout", "a probability in [0, 1)", p);
  }

  double p() const { return p_; }

  void describe(auto& text) const {
    text.add_size(inputs());
    text.add_option("p", p_);
  }
  static Dropout read(const auto& text) { return Dropout(text.size(0), text.option("p", 0.5)); }

  void initialize(auto&, Rng&) const {}

  template <class Y>
  void infer(const auto&, const auto& x, Y& y) const noexcept(Y::ColsAtCompileTime == 1) {
    y = x;
  }

  void forward(const auto&, const auto& x, auto& y, auto& cache, Rng& rng) const {
    cache.mask.resize(y.rows(), y.cols());
    draw(cache.mask.view(), rng);
    for_each_tile([](const auto& a, const auto& m, auto& b) { b = a * m; }, x,
                  std::as_const(cache.mask).view(), y);
  }

  void forward_eval(const auto&, const auto& x, auto& y, auto& cache) const {
    cache.mask.resize(y.rows(), y.cols());
    cache.mask.view().setOnes();
    y = x;
  }

  void backward(const auto&, const auto&, const auto&, const auto& cache, const auto& dy, auto&,
                auto& dx) const {
    for_each_tile([](const auto& d, const auto& m, auto& dx_i) { dx_i = d * m; }, dy, cache.mask.view(), dx);
  }
  void backward(const auto&, const auto&, const auto&, const auto&, const auto&, auto&) const {}

 private:
  // One draw decides two coefficients, with 32 bits each: one is kept with probability 1 - p, within 2^-32.
  template <class M>
  void draw(M mask, Rng& rng) const {
    using S = typename M::Scalar;
    const S scale = static_cast<S>(1 / (1 - p_));
    const auto limit = static_cast<std::uint32_t>((std::min)(p_ * 0x1p32, 0x1p32 - 1));
    constexpr Index piece = 256;
    std::uint32_t bits[piece];
    for (Index begin = 0; begin < mask.size(); begin += piece) {
      const Index count = (std::min)(piece, mask.size() - begin);
      for (Index i = 0; i < count; i += 2) {
        const std::uint64_t both = rng();
        bits[i] = static_cast<std::uint32_t>(both);
        bits[i + 1] = static_cast<std::uint32_t>(both >> 32);
      }
      // A separate loop, which compilers vectorize.
      S* const m = mask.data() + begin;
      for (Index i = 0; i < count; ++i) m[i] = bits[i] >= limit ? scale : S(0);
    }
  }

  double p_;
};

}  // namespace mlp::inline MLP_ABI
