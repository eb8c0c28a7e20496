#pragma once

#include <mlp/base/random.hpp>
#include <mlp/base/views.hpp>

#include <cmath>

namespace mlp::inline MLP_ABI {

/// W ~ U(-r, r) with r = sqrt(6 / (inputs + outputs)), which keeps the variance of activations and gradients
/// from layer to layer where the activation is close to the identity near 0: tanh, or none.
/// Shapes: W outputs x inputs.
/// Source: Glorot and Bengio, Understanding the difficulty of training deep feedforward neural networks
/// (2010), eq. 16.
struct GlorotUniform {
  template <class W>
  void operator()(W&& weights, Rng& rng) const {
    const double r = std::sqrt(6. / static_cast<double>(weights.rows() + weights.cols()));
    fill(weights, [&] { return rng.uniform(-r, r); });
  }
};

/// W ~ N(0, 2 / (inputs + outputs)): GlorotUniform's variance, normally distributed.
struct GlorotNormal {
  template <class W>
  void operator()(W&& weights, Rng& rng) const {
    const double deviation = std::sqrt(2. / static_cast<double>(weights.rows() + weights.cols()));
    fill(weights, [&] { return deviation * rng.normal(); });
  }
};

}  // namespace mlp::inline MLP_ABI
