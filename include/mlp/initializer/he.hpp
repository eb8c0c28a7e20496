#pragma once

#include <mlp/base/random.hpp>
#include <mlp/base/views.hpp>

#include <cmath>

namespace mlp::inline MLP_ABI {

/// W ~ U(-r, r) with r = sqrt(6 / inputs), which keeps the variance of activations through layers that set
/// half of them to zero: ReLU and its kin.
/// Shapes: W outputs x inputs.
/// Source: He, Zhang, Ren and Sun, Delving Deep into Rectifiers (2015), eq. 10.
struct HeUniform {
  template <class W>
  void operator()(W&& weights, Rng& rng) const {
    const double r = std::sqrt(6. / static_cast<double>(weights.cols()));
    fill(weights, [&] { return rng.uniform(-r, r); });
  }
};

/// W ~ N(0, 2 / inputs): HeUniform's variance, normally distributed.
struct HeNormal {
  template <class W>
  void operator()(W&& weights, Rng& rng) const {
    const double deviation = std::sqrt(2. / static_cast<double>(weights.cols()));
    fill(weights, [&] { return deviation * rng.normal(); });
  }
};

}  // namespace mlp::inline MLP_ABI
