#pragma once

#include <mlp/base/random.hpp>
#include <mlp/data/dataset.hpp>

#include <cmath>
#include <cstdint>

/// A network with random parameters.
template <class Net>
Net initialized(std::uint64_t seed = 1) {
  Net net;
  mlp::Rng rng{seed};
  net.initialize(rng);
  return net;
}

/// Three clusters of points in the plane, far apart.
template <class S = float>
mlp::Dataset<mlp::Labels, S> clusters(mlp::Index count) {
  mlp::Dataset<mlp::Labels, S> data{mlp::Matrix<S>(2, count), mlp::Labels(count)};
  mlp::Rng rng{2};
  for (mlp::Index j = 0; j < count; ++j) {
    data.t(j) = static_cast<int>(j % 3);
    const double angle = 2.1 * data.t(j);
    data.x.col(j) << static_cast<S>(2 * std::cos(angle) + 0.3 * rng.normal()),
        static_cast<S>(2 * std::sin(angle) + 0.3 * rng.normal());
  }
  return data;
}
