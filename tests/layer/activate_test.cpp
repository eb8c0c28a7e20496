#include <doctest/doctest.h>

#include <mlp/activation/identity.hpp>
#include <mlp/activation/leaky_relu.hpp>
#include <mlp/activation/tanh.hpp>
#include <mlp/base/random.hpp>
#include <mlp/layer/activate.hpp>

#include <type_traits>

#include "layer/check_layer.hpp"
#include "message_of.hpp"

using namespace mlp;

namespace {

// An activation whose derivative needs z: a = z^2.
struct Square {
  static constexpr bool needs_input = true;
  void forward(auto& z) const { z = z.square(); }
  void backward(const auto& z, const auto&, auto& delta) const { delta *= 2 * z; }
};

}  // namespace

TEST_CASE_TEMPLATE("Activate: gradients", F, Identity, Tanh, LeakyReLU, Square) {
  check_layer_gradients(Activate<19, F>(), Activate<Dynamic, F>(19));
  check_layer_gradients(Activate<3, F>(), Activate<Dynamic, F>(3));
}

TEST_CASE_TEMPLATE("Activate after a Dense layer equals the layer's own activation bit by bit", F, Tanh,
                   LeakyReLU, Square) {
  Mlp<MeanSquaredError, Dense<5, 19, F>, Dense<19, 3>> one;
  Mlp<MeanSquaredError, Dense<5, 19>, Activate<19, F>, Dense<19, 3>> two;
  Rng rng{1};
  one.initialize(rng);
  two.parameters() = one.parameters();
  const Matrix<float> x = normal_numbers<float>(5, 7), t = normal_numbers<float>(3, 7, 5);
  CHECK(one.predict(x) == two.predict(x));
  auto ws_one = one.workspace();
  auto ws_two = two.workspace();
  Vector<float> a, b;
  Matrix<float> dx_a, dx_b;
  CHECK(one.loss_and_gradient(x, t, ws_one, a, dx_a) == two.loss_and_gradient(x, t, ws_two, b, dx_b));
  CHECK(a == b);
  CHECK(dx_a == dx_b);
}

TEST_CASE("Activate: an activation with options") {
  const Alone<float, Activate<2, LeakyReLU>> alone{Activate<2, LeakyReLU>(LeakyReLU{.negative_slope = 0.5})};
  CHECK(alone.layer.activation().negative_slope == 0.5);
  CHECK(alone.infer(Matrix<float>{{-2, 3}, {4, -8}}) == Matrix<float>{{-1, 3}, {4, -4}});
  CHECK(message_of([] { Activate<2, LeakyReLU>{LeakyReLU{.negative_slope = -1}}; }).find("negative_slope") !=
        std::string::npos);
  CHECK(message_of([] { Activate<Dynamic, Tanh>(0); }) == "Activate: expected a positive size, found 0");
  CHECK(message_of([] { Activate<3, Tanh>(4); }) == "mlp: expected 3 as the size in the type, found 4");
  static_assert(std::is_empty_v<Activate<256, Tanh>>);
}
