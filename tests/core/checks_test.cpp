#include <mlp/activation/tanh.hpp>
#include <mlp/core/checks.hpp>
#include <mlp/layer/activate.hpp>
#include <mlp/layer/dense.hpp>

#include "message_of.hpp"

#include <doctest/doctest.h>

#include <tuple>
#include <type_traits>
#include <utility>

using namespace mlp;

namespace {

struct OfLabels {
  template <class S>
  using Target = Labels;
};
struct OfNumbers {
  template <class S>
  using Target = Matrix<S>;
};

}  // namespace

// That each static check gives one error: programs in tests/compile_fail.

TEST_CASE("check_layer_sizes: Dynamic sizes that disagree are an error that names the layer") {
  const auto refused = [](const auto&... layers) {
    return message_of([&] {
      detail::check_layer_sizes(std::tuple(layers...), std::make_index_sequence<sizeof...(layers) - 1>{});
    });
  };
  const Dense<Dynamic, Dynamic> first(2, 3), second(3, 4), third(5, 1);
  CHECK(refused(first, second) == "no such exception");
  CHECK(refused(first, second, third) ==
        "mlp: layer 2: expected 4 inputs, as the layer before it has outputs, found 5");
  CHECK(refused(first, Dense<4, 1>{}) ==
        "mlp: layer 1: expected 3 inputs, as the layer before it has outputs, found 4");
}

TEST_CASE("a placeholder replaces an invalid layer: no second error follows") {
  using Tuple = detail::layer_tuple<float, Dense<2, 3>, Tanh, Activate<3, Tanh>>;
  static_assert(std::is_same_v<Tuple, std::tuple<Dense<2, 3>, detail::Placeholder, Activate<3, Tanh>>>);
  static_assert(Layer<detail::Placeholder, float> && Loss<detail::Placeholder, float>);
}

TEST_CASE("rows_fit and targets_fit") {
  static_assert(detail::rows_fit<Matrix<float>, float, 3>);
  static_assert(detail::rows_fit<Eigen::Vector3f, float, 3> &&
                detail::rows_fit<Eigen::Vector3f, float, Dynamic>);
  static_assert(!detail::rows_fit<Eigen::Vector4f, float, 3> && !detail::rows_fit<Matrix<double>, float, 3>);
  static_assert(detail::targets_fit<Labels, float, OfLabels> &&
                !detail::targets_fit<Labels, float, OfNumbers>);
  static_assert(detail::targets_fit<Matrix<float>, float, OfNumbers>);
  static_assert(!detail::targets_fit<Matrix<double>, float, OfNumbers>);
}
