#include <doctest/doctest.h>

#include <mlp/activation/elu.hpp>
#include <mlp/activation/gelu.hpp>
#include <mlp/activation/hard_tanh.hpp>
#include <mlp/activation/identity.hpp>
#include <mlp/activation/leaky_relu.hpp>
#include <mlp/activation/mish.hpp>
#include <mlp/activation/relu.hpp>
#include <mlp/activation/selu.hpp>
#include <mlp/activation/sigmoid.hpp>
#include <mlp/activation/silu.hpp>
#include <mlp/activation/softplus.hpp>
#include <mlp/activation/softsign.hpp>
#include <mlp/activation/tanh.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/views.hpp>
#include <mlp/derivative/gradient_check.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/loss/binary_cross_entropy.hpp>
#include <mlp/loss/mean_squared_error.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>

#include <limits>
#include <string>
#include <utility>

#include "message_of.hpp"

using namespace mlp;

namespace {

// An activation whose derivative needs z, so that the layer must keep it: a = z^2.
struct Square {
  static constexpr bool needs_input = true;
  void forward(auto& z) const { z = z.square(); }
  void backward(const auto& z, const auto&, auto& delta) const { delta *= 2 * z; }
};

Matrix<double> numbers(Index rows, Index cols, std::uint64_t seed) {
  Matrix<double> m(rows, cols);
  Rng rng{seed};
  fill(m, [&] { return rng.uniform(-1, 1); });
  return m;
}

template <class LossFunction, class F, class T>
void check_with(const T& t) {
  // Wide enough for full and partial tiles, and every z is far from kinks (checked by the bound).
  BasicMlp<double, LossFunction, Dense<Dynamic, Dynamic, F>, Dense<Dynamic, Dynamic, F>> net({5, 19},
                                                                                             {19, 3});
  Rng rng{2};
  net.initialize(rng);
  net.template bias<0>().setConstant(0.1);
  net.template bias<1>().setConstant(0.05);
  const GradientCheck result = check_gradient(net, numbers(5, 6, 9), t);
  // Central differences with h = 1e-5 are accurate to about h^2 + epsilon / h = 1e-10.
  CHECK(result.worst_error <= 1e-8);
  CHECK(result.worst_input_error <= 1e-8);
}

template <class F>
void check_with_every_loss() {
  const Matrix<double> values = numbers(3, 6, 4);
  const Labels labels{{0, 2, 1, 1, 0, 2}};
  Matrix<double> probabilities = values.cwiseAbs();
  probabilities.array().rowwise() /= probabilities.colwise().sum().array();
  check_with<MeanSquaredError, F>(values);
  check_with<BinaryCrossEntropy, F>(probabilities);
  check_with<SoftmaxCrossEntropy, F>(labels);
  check_with<SoftmaxCrossEntropy, F>(probabilities);
}

}  // namespace

TEST_CASE_TEMPLATE("gradients of every activation with every loss", F, Identity, ReLU, LeakyReLU, Sigmoid,
                   Tanh, Square) {
  check_with_every_loss<F>();
}

// The activation does not depend on the loss, so one loss suffices for these.
TEST_CASE_TEMPLATE("gradients of the other activations", F, ELU, GELU, HardTanh, Mish, SELU, SiLU, Softplus,
                   Softsign) {
  check_with<MeanSquaredError, F>(numbers(3, 6, 4));
}

TEST_CASE("z = W x + b, with W column-major before b") {
  const Dense<2, 3> layer;
  static_assert(layer.inputs() == 2 && layer.outputs() == 3 && layer.parameter_count() == 9);
  Vector<double> theta(9);
  theta << 1, 2, 3, 4, 5, 6, 7, 8, 9;
  CHECK(layer.weights(theta) == Matrix<double>{{1, 4}, {2, 5}, {3, 6}});
  CHECK(layer.bias(theta) == Vector<double>{{7, 8, 9}});

  const Matrix<double> x{{1, 0}, {-1, 2}};
  Matrix<double> y(3, 2);
  auto view = matrix_view<3, Dynamic>(y.data(), 3, 2);
  layer.infer(theta, dense_view<2, Dynamic>(x), view);
  CHECK(y == Matrix<double>{{1 - 4 + 7, 8 + 7}, {2 - 5 + 8, 10 + 8}, {3 - 6 + 9, 12 + 9}});
}

TEST_CASE("initialization is the activation's default, or the requested one") {
  const auto largest = [](const auto& layer) {
    Vector<double> theta = Vector<double>::Ones(layer.parameter_count());
    Rng rng{1};
    layer.initialize(theta, rng);
    CHECK(layer.bias(theta).isZero(0));
    return layer.weights(theta).cwiseAbs().maxCoeff();
  };
  // 12,000 draws come within a thousandth of the bound.
  CHECK(largest(Dense<100, 120>{}) == doctest::Approx(std::sqrt(6. / 220)).epsilon(1e-3));
  CHECK(largest(Dense<100, 120, Tanh>{}) == doctest::Approx(std::sqrt(6. / 220)).epsilon(1e-3));
  CHECK(largest(Dense<100, 120, ReLU>{}) == doctest::Approx(std::sqrt(6. / 100)).epsilon(1e-3));
  CHECK(largest(Dense<100, 120, LeakyReLU>{}) == doctest::Approx(std::sqrt(6. / 100)).epsilon(1e-3));
  CHECK(largest(Dense<100, 120, ReLU, GlorotUniform>{}) ==
        doctest::Approx(std::sqrt(6. / 220)).epsilon(1e-3));
}

TEST_CASE("values known at compile time take no space") {
  static_assert(std::is_empty_v<Dense<784, 256, ReLU>>);
  static_assert(sizeof(Dense<2, 3, LeakyReLU>) == sizeof(LeakyReLU));
  static_assert(std::is_empty_v<Dense<2, 3, ReLU>::Cache<float>>);
}

TEST_CASE("impossible sizes") {
  CHECK(message_of([] { Dense<Dynamic, Dynamic>(0, 3); }) ==
        "Dense: expected positive sizes, found 0 inputs, 3 outputs");
  CHECK(message_of([] { Dense<Dynamic, Dynamic>(2, -3); }) ==
        "Dense: expected positive sizes, found 2 inputs, -3 outputs");
  CHECK(message_of([] { Dense<784, Dynamic>(783, 10); }) ==
        "mlp: expected 784 as the size in the type, found 783");
  const Index huge = std::numeric_limits<Index>::max() / 16;
  CHECK(message_of([=] {
          Dense<Dynamic, Dynamic>(huge, huge);
        }).find("that memory could hold, found " + std::to_string(huge) + " x") != std::string::npos);
  CHECK(message_of([] { Dense<2, 3, LeakyReLU>(LeakyReLU{.negative_slope = -1}); }).find("negative_slope") !=
        std::string::npos);
}

TEST_CASE("a cache serves batches of any size, where it keeps z") {
  const Dense<3, 4, Square> layer;
  const Vector<double> theta = numbers(16, 1, 1).col(0);
  Rng rng;
  const auto view = [](auto& m) { return matrix_view<Dynamic, Dynamic>(m.data(), m.rows(), m.cols()); };
  const auto pass = [&](Index batch, auto& cache) {
    const Matrix<double> x = numbers(3, batch, 2);
    Matrix<double> y(4, batch), dy = numbers(4, batch, 3), dx(3, batch);
    Vector<double> dtheta(16);
    auto y_view = view(y), dy_view = view(dy), dx_view = view(dx);
    layer.forward(theta, view(x), y_view, cache, rng);
    layer.backward(theta, view(x), view(std::as_const(y)), cache, dy_view, dtheta, dx_view);
    return std::pair(dtheta, dx);
  };
  Dense<3, 4, Square>::Cache<double> reused;
  for (const Index batch : {5, 2, 9, 1}) {
    CAPTURE(batch);
    Dense<3, 4, Square>::Cache<double> fresh;
    CHECK(pass(batch, reused) == pass(batch, fresh));
  }
}
