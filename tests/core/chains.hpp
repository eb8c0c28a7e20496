#pragma once

#include <mlp/activation/sigmoid.hpp>
#include <mlp/activation/tanh.hpp>
#include <mlp/core/chain.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/dropout.hpp>

/// The chains of the tests of Chain and of the passes through it.
namespace chains {

using namespace mlp;

using Plain = detail::Chain<double, Dense<3, 4, Tanh>, Dense<Dynamic, Dynamic, Sigmoid>, Dense<5, 2>>;
using Stateful = detail::Chain<double, BatchNorm<2>, Dense<2, 3>, BatchNorm<Dynamic>, Dropout<3>>;

inline Plain plain() { return Plain({{}, {4, 5}, {}}); }
inline Stateful stateful() {
  return Stateful({BatchNorm<2>(0.5, 0.25), {}, BatchNorm<Dynamic>(3, 0.125, 0.75), Dropout<3>(0.5)});
}

}  // namespace chains
