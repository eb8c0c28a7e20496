#pragma once

#include <mlp/activation/tanh.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/network.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>

#include <cstdint>

/// What the tests of the network share.

using Classifier = mlp::Mlp<mlp::SoftmaxCrossEntropy, mlp::Dense<4, 6, mlp::Tanh>, mlp::Dense<6, 3>>;
using Dynamic3 = mlp::Mlp<mlp::SoftmaxCrossEntropy, mlp::Dense<mlp::Dynamic, mlp::Dynamic, mlp::Tanh>,
                          mlp::Dense<mlp::Dynamic, mlp::Dynamic>>;

template <class Net>
Net initialized(Net net, std::uint64_t seed = 1) {
  mlp::Rng rng{seed};
  net.initialize(rng);
  return net;
}

inline mlp::Matrix<float> numbers(mlp::Index rows, mlp::Index cols, std::uint64_t seed = 2) {
  mlp::Matrix<float> m(rows, cols);
  mlp::Rng rng{seed};
  mlp::fill(m, [&] { return rng.normal(); });
  return m;
}

inline mlp::Labels labels(mlp::Index count, int classes) {
  return mlp::Labels::LinSpaced(count, 0, static_cast<int>(count) - 1).unaryExpr([=](int i) {
    return i % classes;
  });
}
