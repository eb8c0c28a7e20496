#pragma once

#include <mlp/base/buffer.hpp>
#include <mlp/base/counts.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/sizes.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/kernel/tile.hpp>

#include <cmath>

namespace mlp::inline MLP_ABI {

/// Normalizes each sample over its coefficients, as torch.nn.LayerNorm:
///   x^ = (x - mean) / sqrt(variance + epsilon),  y = gamma x^ + beta
/// with mean and variance (the mean of the squared deviations) over the N coefficients of a sample.
///   backward: g = gamma dy,  dx = (g - mean(g) - x^ mean(g x^)) / sqrt(variance + epsilon),
///             dgamma = sum_j dy_j x^_j,  dbeta = sum_j dy_j
/// Shapes: x and y N x B; theta is gamma (N), then beta (N), initially 1 and 0.
/// Range:  finite as long as the squares of x are: up to 1e18 in float.
/// Source: Ba, Kiros and Hinton, Layer Normalization (2016).
template <int N>
class LayerNorm : public Sizes<N, N, N == Dynamic ? Dynamic : 2 * N> {
 public:
  static constexpr const char* name = "LayerNorm";
  using LayerNorm::Sizes::inputs;

  /// For each sample: the mean, and one over the standard deviation.
  template <class S, int Batch = Dynamic>
  struct Cache {
    Buffer<S, 2, Batch> statistics;
  };

  /// Errors: std::invalid_argument if epsilon is not positive, or the size is not positive or not the one in
  /// the type.
  constexpr explicit LayerNorm(double epsilon = 1e-5) requires(N != Dynamic) : LayerNorm(N, epsilon) {}
  constexpr explicit LayerNorm(Index size) requires(N == Dynamic) : LayerNorm(size, 1e-5) {}
  constexpr LayerNorm(Index size, double epsilon)
      : LayerNorm::Sizes(detail::checked_size<N>(size, "LayerNorm"), size, 2 * size), epsilon_(epsilon) {
    detail::check_option(epsilon > 0, "LayerNorm", "epsilon > 0", epsilon);
  }

  double epsilon() const { return epsilon_; }

  void describe(auto& text) const {
    text.add_size(inputs());
    text.add_option("epsilon", epsilon_);
  }
  static LayerNorm read(const auto& text) { return LayerNorm(text.size(0), text.option("epsilon", 1e-5)); }

  /// gamma and beta as views into theta (or its gradient, which has the same layout).
  auto weights(auto&& theta) const { return matrix_view<N, 1>(theta.data(), inputs(), 1); }
  auto bias(auto&& theta) const { return matrix_view<N, 1>(theta.data() + inputs(), inputs(), 1); }

  void initialize(auto& theta, Rng&) const {
    weights(theta).setOnes();
    bias(theta).setZero();
  }

  void mark_weights(auto& mask) const { mask.setZero(); }

  template <class Y>
  void infer(const auto& theta, const auto& x, Y& y) const noexcept(Y::ColsAtCompileTime == 1) {
    for (Index j = 0; j < x.cols(); ++j) normalize(theta, x, y, j, statistics(x, j));
  }

  void forward(const auto& theta, const auto& x, auto& y, auto& cache, Rng&) const {
    cache.statistics.resize(2, x.cols());
    auto all = cache.statistics.view();
    for (Index j = 0; j < x.cols(); ++j) {
      const auto s = statistics(x, j);
      all(0, j) = s.mean;
      all(1, j) = s.scale;
      normalize(theta, x, y, j, s);
    }
  }

  template <class Y>
  void backward(const auto& theta, const auto& x, const Y& y, const auto& cache, const auto& dy, auto& dtheta,
                auto& dx) const {
    using S = typename Y::Scalar;
    backward(theta, x, y, cache, dy, dtheta);
    const auto gamma = weights(theta);
    const S n = static_cast<S>(inputs());
    const auto all = cache.statistics.view();
    for (Index j = 0; j < x.cols(); ++j) {
      const S mean = all(0, j), scale = all(1, j);
      const auto x_j = column(x, j), dy_j = column(dy, j);
      const S g_mean =
          sum_tiles<S>([](const auto& w, const auto& d) { return rounded_product(w, d); }, gamma, dy_j) / n;
      const S gx_mean =
          sum_tiles<S>([=](const auto& a, const auto& w,
                           const auto& d) { return rounded_product(w * d, (a - mean) * scale); },
                       x_j, gamma, dy_j) /
          n;
      for_each_tile(
          [=](const auto& a, const auto& w, const auto& d, auto& out) {
            out = multiply_add((a - mean) * scale, -gx_mean, multiply_add(w, d, -g_mean)) * scale;
          },
          x_j, gamma, dy_j, column(dx, j));
    }
  }
  template <class Y>
  void backward(const auto&, const auto& x, const Y&, const auto& cache, const auto& dy, auto& dtheta) const {
    using S = typename Y::Scalar;
    auto dgamma = weights(dtheta), dbeta = bias(dtheta);
    dgamma.setZero();
    dbeta.setZero();
    const auto all = cache.statistics.view();
    for (Index j = 0; j < x.cols(); ++j) {
      const S mean = all(0, j), scale = all(1, j);
      for_each_tile(
          [=](const auto& a, const auto& d, auto& dw, auto& db) {
            dw = multiply_add(d, (a - mean) * scale, dw);
            db += d;
          },
          column(x, j), column(dy, j), dgamma, dbeta);
    }
  }

 private:
  template <class S>
  struct Statistics {
    S mean, scale;
  };

  // Two passes, relative to the first coefficient: else the variance would be a small difference of large
  // numbers, and the mean a sum of large ones.
  template <class X>
  auto statistics(const X& x, Index j) const {
    using S = typename X::Scalar;
    const auto x_j = column(x, j);
    const S n = static_cast<S>(x.rows());
    const S first = x_j(0);
    const S mean = first + sum_tiles<S>([first](const auto& a) { return Tile<S>(a - first); }, x_j) / n;
    const S variance =
        sum_tiles<S>([mean](const auto& a) { return rounded_product(a - mean, a - mean); }, x_j) / n;
    using std::sqrt;
    return Statistics<S>{mean, 1 / sqrt(variance + static_cast<S>(epsilon_))};
  }

  template <class S>
  void normalize(const auto& theta, const auto& x, auto& y, Index j, Statistics<S> s) const {
    for_each_tile([s](const auto& a, const auto& w, const auto& b,
                      auto& out) { out = multiply_add(w, (a - s.mean) * s.scale, b); },
                  column(x, j), weights(theta), bias(theta), column(y, j));
  }

  double epsilon_;
};

}  // namespace mlp::inline MLP_ABI
