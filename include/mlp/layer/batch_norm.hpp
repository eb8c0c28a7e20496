#pragma once

#include <mlp/base/buffer.hpp>
#include <mlp/base/counts.hpp>
#include <mlp/base/elementary.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/sizes.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/kernel/tile.hpp>

#include <stdexcept>
#include <string>
#include <utility>

namespace mlp::inline MLP_ABI {

/// Normalizes each coefficient over the samples of a batch, as torch.nn.BatchNorm1d:
///   x^ = (x - mean) / sqrt(variance + epsilon),  y = gamma x^ + beta
/// with mean and variance (the mean of the squared deviations) over the batch in training. A prediction uses
/// the running statistics instead: the layer's part of the network's state().
///   backward: g = gamma dy,  dx = (g - mean(g) - x^ mean(g x^)) / sqrt(variance + epsilon),
///             dgamma = sum_j dy_j x^_j,  dbeta = sum_j dy_j, with means over the batch
///   after a step: running = (1 - momentum) running + momentum (mean, or B / (B - 1) variance)
/// Shapes: x and y N x B; theta is gamma (N), then beta (N), initially 1 and 0; the state is mean (N), then
/// variance (N), initially 0 and 1.
/// Errors: std::invalid_argument if a training batch has a single sample, which has no variance.
/// Range:  finite as long as the squares of x are: up to 1e18 in float.
/// Source: Ioffe and Szegedy, Batch Normalization: Accelerating Deep Network Training by Reducing Internal
/// Covariate Shift (2015).
template <int N>
class BatchNorm : public Sizes<N, N, N == Dynamic ? Dynamic : 2 * N, N == Dynamic ? Dynamic : 2 * N> {
 public:
  static constexpr const char* name = "BatchNorm";
  using BatchNorm::Sizes::inputs;

  /// For each coefficient: the mean, the variance, and one over the standard deviation.
  template <class S, int Batch = Dynamic>
  struct Cache {
    Buffer<S, N, 3> statistics;
    Index samples = 0;  // in mean and variance; 0 if these are the running ones
  };

  /// Errors: std::invalid_argument if epsilon is not positive or momentum not in [0, 1], or the size is not
  /// positive or not the one in the type.
  constexpr explicit BatchNorm(double epsilon = 1e-5, double momentum = 0.1) requires(N != Dynamic)
      : BatchNorm(N, epsilon, momentum) {}
  constexpr explicit BatchNorm(Index size) requires(N == Dynamic) : BatchNorm(size, 1e-5, 0.1) {}
  constexpr BatchNorm(Index size, double epsilon, double momentum)
      : BatchNorm::Sizes(detail::checked_size<N>(size, "BatchNorm"), size, 2 * size, 2 * size),
        epsilon_(epsilon),
        momentum_(momentum) {
    detail::check_option(epsilon > 0, "BatchNorm", "epsilon > 0", epsilon);
    detail::check_option(momentum >= 0 && momentum <= 1, "BatchNorm", "momentum in [0, 1]", momentum);
  }

  double epsilon() const { return epsilon_; }
  double momentum() const { return momentum_; }

  void describe(auto& text) const {
    text.add_size(inputs());
    text.add_option("epsilon", epsilon_);
    text.add_option("momentum", momentum_);
  }
  static BatchNorm read(const auto& text) {
    return BatchNorm(text.size(0), text.option("epsilon", 1e-5), text.option("momentum", 0.1));
  }

  /// gamma and beta as views into theta (or its gradient, which has the same layout).
  auto weights(auto&& theta) const { return matrix_view<N, 1>(theta.data(), inputs(), 1); }
  auto bias(auto&& theta) const { return matrix_view<N, 1>(theta.data() + inputs(), inputs(), 1); }

  void initialize(auto& theta, Rng&) const {
    weights(theta).setOnes();
    bias(theta).setZero();
  }

  void mark_weights(auto& mask) const { mask.setZero(); }

  /// The running mean and variance as views into the layer's state, which is laid out as theta is.
  auto running_mean(auto&& state) const { return weights(state); }
  auto running_variance(auto&& state) const { return bias(state); }

  void initialize_state(auto& state) const {
    running_mean(state).setZero();
    running_variance(state).setOnes();
  }

  template <class State>
  void update_state(State& state, const auto& cache) const {
    if (cache.samples == 0) return;
    using S = typename State::Scalar;
    const auto seen = cache.statistics.view();
    const S rate = static_cast<S>(momentum_), n = static_cast<S>(cache.samples);
    const auto follow = [rate](auto running, const auto& batch, S factor) {
      for_each_tile([=](auto& r, const auto& b) { r = multiply_add(rate, multiply_add(factor, b, -r), r); },
                    running, batch);
    };
    follow(running_mean(state), column(seen, mean_), S(1));
    follow(running_variance(state), column(seen, variance_), n / (n - 1));
  }

  template <class Y>
  void infer(const auto& theta, const auto& state, const auto& x, Y& y) const
      noexcept(Y::ColsAtCompileTime == 1) {
    const auto mean = running_mean(state), variance = running_variance(state), gamma = weights(theta),
               beta = bias(theta);
    const auto epsilon = static_cast<typename Y::Scalar>(epsilon_);
    for (Index j = 0; j < x.cols(); ++j) {
      for_each_tile(
          [epsilon](const auto& a, const auto& m, const auto& v, const auto& w, const auto& b, auto& out) {
            out = multiply_add(w, (a - m) * (1 / elementary::sqrt(v + epsilon)), b);
          },
          column(x, j), mean, variance, gamma, beta, column(y, j));
    }
  }

  template <class Y>
  void forward(const auto& theta, const auto& x, Y& y, auto& cache, Rng&) const {
    if (x.cols() < 2) {
      detail::raise<std::invalid_argument>(
          {"BatchNorm: expected at least two samples in a training batch, found ", x.cols()});
    }
    using S = typename Y::Scalar;
    cache.samples = x.cols();
    cache.statistics.resize(inputs(), statistics_count_);
    auto all = cache.statistics.view();
    auto mean = column(all, mean_), variance = column(all, variance_);
    const S per_sample = 1 / static_cast<S>(x.cols());
    // Two passes, relative to the first sample: else the variance would be a small difference of large
    // numbers, and the mean a sum of large ones.
    const auto first = column(x, 0);
    mean.setZero();
    for (Index j = 1; j < x.cols(); ++j) {
      for_each_tile([](auto& m, const auto& a, const auto& a_0) { m += a - a_0; }, mean, column(x, j), first);
    }
    for_each_tile([=](auto& m, const auto& a_0) { m = multiply_add(per_sample, m, a_0); }, mean, first);
    variance.setZero();
    for (Index j = 0; j < x.cols(); ++j) {
      for_each_tile([](auto& v, const auto& a, const auto& m) { v = multiply_add(a - m, a - m, v); },
                    variance, column(x, j), column(std::as_const(all), mean_));
    }
    for_each_tile([=](auto& v) { v *= per_sample; }, variance);
    normalize(theta, x, y, all);
  }

  void forward_eval(const auto& theta, const auto& state, const auto& x, auto& y, auto& cache) const {
    cache.samples = 0;
    cache.statistics.resize(inputs(), statistics_count_);
    auto all = cache.statistics.view();
    column(all, mean_) = running_mean(state);
    column(all, variance_) = running_variance(state);
    normalize(theta, x, y, all);
  }

  template <class Y>
  void backward(const auto& theta, const auto& x, const Y& y, const auto& cache, const auto& dy, auto& dtheta,
                auto& dx) const {
    using S = typename Y::Scalar;
    backward(theta, x, y, cache, dy, dtheta);
    const auto all = cache.statistics.view();
    const auto mean = column(all, mean_), scale = column(all, scale_), gamma = weights(theta);
    const auto dgamma = weights(std::as_const(dtheta)), dbeta = bias(std::as_const(dtheta));
    // mean(g) = gamma dbeta / B and mean(g x^) = gamma dgamma / B; both 0 where the statistics are constants.
    const S per_sample = cache.samples == 0 ? S(0) : 1 / static_cast<S>(cache.samples);
    for (Index j = 0; j < x.cols(); ++j) {
      for_each_tile(
          [per_sample](const auto& a, const auto& m, const auto& s, const auto& d, const auto& w,
                       const auto& dw, const auto& db, auto& out) {
            out = w * s * multiply_add(-per_sample, multiply_add((a - m) * s, dw, db), d);
          },
          column(x, j), mean, scale, column(dy, j), gamma, dgamma, dbeta, column(dx, j));
    }
  }
  void backward(const auto&, const auto& x, const auto&, const auto& cache, const auto& dy,
                auto& dtheta) const {
    const auto all = cache.statistics.view();
    auto dgamma = weights(dtheta), dbeta = bias(dtheta);
    dgamma.setZero();
    dbeta.setZero();
    for (Index j = 0; j < x.cols(); ++j) {
      for_each_tile(
          [](const auto& a, const auto& m, const auto& s, const auto& d, auto& dw, auto& db) {
            dw = multiply_add(d, (a - m) * s, dw);
            db += d;
          },
          column(x, j), column(all, mean_), column(all, scale_), column(dy, j), dgamma, dbeta);
    }
  }

 private:
  // Columns of the cache.
  static constexpr Index mean_ = 0, variance_ = 1, scale_ = 2;
  static constexpr int statistics_count_ = 3;

  template <class Y>
  void normalize(const auto& theta, const auto& x, Y& y, auto& all) const {
    const auto epsilon = static_cast<typename Y::Scalar>(epsilon_);
    const auto& fixed = std::as_const(all);
    for_each_tile([epsilon](auto& s, const auto& v) { s = 1 / elementary::sqrt(v + epsilon); },
                  column(all, scale_), column(fixed, variance_));
    const auto gamma = weights(theta), beta = bias(theta);
    for (Index j = 0; j < x.cols(); ++j) {
      for_each_tile([](const auto& a, const auto& m, const auto& s, const auto& w, const auto& b,
                       auto& out) { out = multiply_add(w, (a - m) * s, b); },
                    column(x, j), column(fixed, mean_), column(fixed, scale_), gamma, beta, column(y, j));
    }
  }

  double epsilon_, momentum_;
};

}  // namespace mlp::inline MLP_ABI
