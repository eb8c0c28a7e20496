#pragma once

#include <mlp/base/random.hpp>
#include <mlp/base/views.hpp>

#include <cmath>

namespace mlp::inline MLP_ABI {

/// W ~ N(0, 1 / inputs): inputs of variance 1 give z of variance 1.
/// Shapes: W outputs x inputs.
/// Source: LeCun, Bottou, Orr and Mueller, Efficient BackProp (1998), eq. 16.
struct LeCunNormal {
  template <class W>
  void operator()(W&& weights, Rng& rng) const {
    const double deviation = std::sqrt(1. / static_cast<double>(weights.cols()));
    fill(weights, [&] { return deviation * rng.normal(); });
  }
};

}  // namespace mlp::inline MLP_ABI
