#pragma once

#include <doctest/doctest.h>

#include <mlp/activation/tanh.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/network.hpp>
#include <mlp/derivative/gradient_check.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/loss/mean_squared_error.hpp>

#include <cstdint>
#include <utility>

template <class S>
mlp::Matrix<S> normal_numbers(mlp::Index rows, mlp::Index cols, std::uint64_t seed = 2) {
  mlp::Matrix<S> m(rows, cols);
  mlp::Rng rng{seed};
  mlp::fill(m, [&] { return rng.normal(); });
  return m;
}

/// A single layer with its own parameters, gradient and cache.
template <class S, class Layer>
struct Alone {
  Layer layer;
  mlp::Vector<S> theta, dtheta;
  typename mlp::detail::cache_of<Layer, S, mlp::Dynamic>::type cache;
  mlp::Rng rng{};

  explicit Alone(Layer l)
      : layer(std::move(l)), theta(layer.parameter_count()), dtheta(layer.parameter_count()) {
    layer.initialize(theta, rng);
  }

  mlp::Matrix<S> forward(const mlp::Matrix<S>& x) {
    mlp::Matrix<S> y(layer.outputs(), x.cols());
    auto view = view_of(y);
    layer.forward(std::as_const(theta), view_of(x), view, cache, rng);
    return y;
  }

  mlp::Matrix<S> backward(const mlp::Matrix<S>& x, const mlp::Matrix<S>& y, mlp::Matrix<S> dy) {
    mlp::Matrix<S> dx(x.rows(), x.cols());
    auto dx_view = view_of(dx), dy_view = view_of(dy);
    layer.backward(std::as_const(theta), view_of(x), view_of(y), cache, dy_view, dtheta, dx_view);
    return dx;
  }

  mlp::Matrix<S> infer(const mlp::Matrix<S>& x) const {
    mlp::Matrix<S> y(layer.outputs(), x.cols());
    auto view = view_of(y);
    layer.infer(theta, view_of(x), view);
    return y;
  }

 private:
  static auto view_of(auto& m) {
    return mlp::matrix_view<mlp::Dynamic, mlp::Dynamic>(m.data(), m.rows(), m.cols());
  }
};

/// Gradients of a layer from N to N, given twice, with its size in the type and without: alone and between
/// Dense layers, with static, dynamic and mixed sizes. Central differences with h = 1e-5 are accurate to
/// about h^2 + epsilon / h = 1e-10 times a third derivative.
template <class Fixed, class Run>
void check_layer_gradients(const Fixed& fixed, const Run& run, double bound = 1e-8) {
  using mlp::Dense, mlp::Dynamic, mlp::Index, mlp::Tanh;
  constexpr int n = static_cast<int>(Fixed::inputs());
  const auto check = [=](auto net, Index targets) {
    mlp::Rng rng{3};
    net.initialize(rng);
    // So that gamma is not 1 and beta is not 0.
    net.parameters() += normal_numbers<double>(net.parameter_count(), 1, 4) / 4;
    const mlp::GradientCheck result =
        check_gradient(net, normal_numbers<double>(net.inputs(), 6), normal_numbers<double>(targets, 6, 5));
    CHECK(result.worst_error <= bound);
    CHECK(result.worst_input_error <= bound);
  };
  using Loss = mlp::MeanSquaredError;
  check(mlp::BasicMlp<double, Loss, Fixed>(fixed), n);
  check(mlp::BasicMlp<double, Loss, Run>(run), n);
  check(mlp::BasicMlp<double, Loss, Dense<5, n, Tanh>, Fixed, Dense<n, 3>>({}, fixed, {}), 3);
  check(mlp::BasicMlp<double, Loss, Dense<5, n, Tanh>, Run, Dense<n, 3>>({}, run, {}), 3);
  check(
      mlp::BasicMlp<double, Loss, Dense<Dynamic, Dynamic, Tanh>, Run, Dense<Dynamic, 3>>({5, n}, run, {n, 3}),
      3);
}
