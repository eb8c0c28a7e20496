#include <doctest/doctest.h>

#include <mlp/activation/tanh.hpp>
#include <mlp/base/random.hpp>
#include <mlp/derivative/gradient_check.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/loss/mean_squared_error.hpp>

using namespace mlp;

namespace {

// Returns its derivative times `factor`.
struct WrongTanh {
  static constexpr bool needs_input = false;
  double factor = 1;
  void forward(auto& z) const { z = z.tanh(); }
  template <class A>
  void backward(const A& a, auto& delta) const {
    delta *= static_cast<typename A::Scalar>(factor) * (1 - a.square());
  }
};

template <class Layer>
auto network(const Layer& first) {
  Mlp<MeanSquaredError, Layer, Dense<4, 2>> net(first, Dense<4, 2>{});
  Rng rng{5};
  net.initialize(rng);
  return net;
}

const Matrix<float> x{{0.5f, -0.25f}, {0.75f, 1}, {-1, 0.125f}};
const Matrix<float> t{{1, 0}, {0, 1}};

}  // namespace

TEST_CASE("a correct gradient passes, also for a float network, and the network is unchanged") {
  const auto net = network(Dense<3, 4, Tanh>{});
  const Vector<float> before = net.parameters();
  const GradientCheck result = check_gradient(net, x, t);
  CHECK(result.worst_error <= 1e-9);
  CHECK(result.worst_input_error <= 1e-9);
  CHECK(net.parameters() == before);
}

TEST_CASE("an error of one thousandth is found, with its place and size") {
  const auto net = network(Dense<3, 4, WrongTanh>(WrongTanh{.factor = 1.001}));
  const GradientCheck result = check_gradient(net, x, t);
  CHECK(result.worst_error > 1e-5);
  CHECK(result.worst_input_error > 1e-5);
  CHECK(result.worst_index < 16);  // in the first layer's 4 x 3 weights and 4 biases
  CHECK(result.analytic == doctest::Approx(1.001 * result.numeric).epsilon(1e-6));
}

TEST_CASE("nan is the worst error of all") {
  const auto net = network(Dense<3, 4, WrongTanh>(WrongTanh{.factor = std::nan("")}));
  CHECK(std::isnan(check_gradient(net, x, t).worst_error));
}
