#include <mlp/dynamic/sequential.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <stdexcept>
#include <type_traits>
#include <vector>

#include "message_of.hpp"

using namespace mlp;

// The passes are compared with those of a static network in dynamic_mlp_test.cpp.

namespace {

Sequential layers() {
  return {BatchNorm<2>(), DynamicDense(2, 3, Tanh{}), BatchNorm<Dynamic>(3), Dropout<3>()};
}

}  // namespace

TEST_CASE("Sequential: sizes are sums over the layers") {
  const Sequential net = layers();
  CHECK(net.size() == 4);
  CHECK(net.inputs() == 2);
  CHECK(net.outputs() == 3);
  CHECK(net.parameter_count() == 4 + 9 + 6);
  CHECK(net.state_count() == 4 + 6);
  CHECK(message_of<std::invalid_argument>([] { Sequential(std::vector<AnyLayer>{}); }) ==
        "mlp: expected at least one layer, found none");
  CHECK(message_of<std::invalid_argument>([] {
          Sequential{DynamicDense(1, 2), DynamicDense(3, 1)};
        }) == "mlp: layer 1: expected 2 inputs, as the layer before it has outputs, found 3");
}

TEST_CASE("Sequential: for_each and for_each_backwards, with the places of parameters and state") {
  const Sequential net = layers();
  using Seen = std::vector<std::array<Index, 4>>;
  const Seen expected{{0, 2, 0, 0}, {1, 2, 4, 4}, {2, 3, 13, 4}, {3, 3, 19, 10}};
  Seen seen;
  const auto note = [&](std::size_t i, const auto& layer, Index offset, Index state_offset) {
    seen.push_back({static_cast<Index>(i), layer.inputs(), offset, state_offset});
  };
  net.for_each(note);
  CHECK(seen == expected);
  seen.clear();
  net.for_each_backwards(note);
  CHECK(seen == Seen(expected.rbegin(), expected.rend()));
  seen.clear();
  net.for_each_layer(
      [&](const auto& layer, Index offset, Index state_offset) {
        seen.push_back({0, layer.inputs(), offset, state_offset});
      },
      100, 50);
  CHECK(seen == Seen{{0, 2, 100, 50}, {0, 2, 104, 54}, {0, 3, 113, 54}, {0, 3, 119, 60}});
}

TEST_CASE("Sequential: views of weights") {
  const Sequential net = layers();
  Vector<float> theta = Vector<float>::LinSpaced(19, 0, 18);
  CHECK(net.weights(1, theta) == Matrix<float>{{4, 7}, {5, 8}, {6, 9}});
  CHECK(net.bias(1, theta) == Vector<float>{{10, 11, 12}});
  net.bias(2, theta)(2) = -1;
  CHECK(theta(18) == -1);
  CHECK(message_of<std::invalid_argument>([&] { net.weights(3, theta); }) ==
        "mlp: expected a layer with weights, found layer 3");
}
