#include <mlp/core/chain.hpp>

#include <mlp/activation/sigmoid.hpp>
#include <mlp/activation/tanh.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/dropout.hpp>

#include <doctest/doctest.h>

#include <array>
#include <cstddef>
#include <type_traits>
#include <vector>

#include "core/chains.hpp"
#include "message_of.hpp"

using namespace mlp;

namespace {

using V = Vector<double>;

using chains::plain, chains::stateful, chains::Plain, chains::Stateful;

}  // namespace

TEST_CASE("sizes: constants where those of all layers are, sums of the layers' else") {
  using Static = detail::Chain<double, Dense<3, 4>, BatchNorm<4>, Dense<4, 2>>;
  static_assert(Static::inputs() == 3 && Static::outputs() == 2 && Static::parameter_count() == 16 + 8 + 10);
  static_assert(Static::state_count() == 8 && Static::depth == 3);
  static_assert(Plain::inputs() == 3 && Plain::outputs() == 2 && Plain::state_count() == 0);
  static_assert(detail::static_sizes<Stateful>.state == Dynamic);
  CHECK(plain().parameter_count() == 16 + 25 + 12);
  CHECK(plain().state_count() == 0);
  CHECK(stateful().parameter_count() == 4 + 9 + 6 + 0);
  CHECK(stateful().state_count() == 4 + 0 + 6 + 0);
  CHECK(message_of([] {
          Plain({{}, {4, 6}, {}});
        }) == "mlp: layer 2: expected 6 inputs, as the layer before it has outputs, found 5");
  CHECK(message_of([] {
          Plain({{}, {3, 5}, {}});
        }) == "mlp: layer 1: expected 4 inputs, as the layer before it has outputs, found 3");
}

TEST_CASE("offsets and slices of parameters and state") {
  const Stateful chain = stateful();
  CHECK(chain.offset<0>() == 0);
  CHECK(chain.offset<1>() == 4);
  CHECK(chain.offset<2>() == 13);
  CHECK(chain.offset<3>() == 19);
  CHECK(chain.state_offset<0>() == 0);
  CHECK(chain.state_offset<1>() == 4);
  CHECK(chain.state_offset<2>() == 4);
  CHECK(chain.state_offset<3>() == 10);

  V theta = V::LinSpaced(19, 0, 18), state = V::LinSpaced(10, 100, 109);
  CHECK(chain.slice<0>(theta) == theta.head(4));
  CHECK(chain.slice<1>(theta) == theta.segment(4, 9));
  CHECK(chain.slice<2>(theta) == theta.segment(13, 6));
  CHECK(chain.slice<3>(theta).size() == 0);
  const V& constant = theta;
  static_assert(std::is_const_v<std::remove_reference_t<decltype(*chain.slice<1>(constant).data())>>);
  chain.slice<1>(theta)(8) = -1;
  CHECK(theta(12) == -1);

  std::vector<std::array<Index, 3>> seen;
  chain.for_each_layer([&](const auto& layer, Index at, Index state_at) {
    seen.push_back({layer.inputs(), at, state_at});
  });
  CHECK(seen == std::vector<std::array<Index, 3>>{{2, 0, 0}, {2, 4, 4}, {3, 13, 4}, {3, 19, 10}});
}

TEST_CASE("for_each and for_each_backwards: the layers with their numbers") {
  const Stateful chain = stateful();
  using Seen = std::vector<std::array<Index, 4>>;
  Seen seen, expected{{0, 2, 0, 0}, {1, 2, 4, 4}, {2, 3, 13, 4}, {3, 3, 19, 10}};
  const auto note = [&](auto i, const auto& layer, Index offset, Index state_offset) {
    static_assert(decltype(i)::value < Stateful::depth);
    seen.push_back({static_cast<Index>(i.value), layer.inputs(), offset, state_offset});
  };
  chain.for_each(note);
  CHECK(seen == expected);
  seen.clear();
  chain.for_each_backwards(note);
  CHECK(seen == Seen(expected.rbegin(), expected.rend()));
}
