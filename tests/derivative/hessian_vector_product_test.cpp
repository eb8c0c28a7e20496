#include <mlp/derivative/hessian_vector_product.hpp>

#include <doctest/doctest.h>

#include <mlp/base/random.hpp>
#include <mlp/dynamic/dynamic_mlp.hpp>
#include <mlp/kernel/tile.hpp>
#include <mlp/layer/activate.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/layer/layer_norm.hpp>
#include <mlp/layer/residual.hpp>
#include <mlp/loss/binary_cross_entropy.hpp>
#include <mlp/loss/mean_squared_error.hpp>

#include <cmath>
#include <limits>

#include "clusters.hpp"
#include "derivative/runtime_activation.hpp"
#include "message_of.hpp"

using namespace mlp;
using namespace derivative_test;
namespace numbers = golden::derivatives;

namespace {

Vector<double> random_direction(const auto& net, std::uint64_t seed) {
  return random_matrix(net.parameter_count(), 1, seed);
}

// (g(theta + h v) - g(theta - h v)) / 2h, with an error of about h^2 + epsilon / h = 1e-10.
template <class Net>
Vector<double> difference_of_gradients(Net net, const auto& x, const auto& t, const Vector<double>& v,
                                       const Rng& rng = Rng{}) {
  constexpr double h = 1e-5;
  auto ws = net.workspace();
  Vector<double> above, below;
  net.parameters() += h * v;
  ws.rng = rng;
  net.loss_and_gradient(x, t, ws, above);
  net.parameters() -= 2 * h * v;
  ws.rng = rng;
  net.loss_and_gradient(x, t, ws, below);
  return (above - below) / (2 * h);
}

void check_hessian(const auto& net, const auto& x, const auto& t, const Rng& rng = Rng{}) {
  const Vector<double> u = random_direction(net, 11), v = random_direction(net, 12);
  const Vector<double> hu = hessian_vector_product(net, x, t, u, rng),
                       hv = hessian_vector_product(net, x, t, v, rng);
  CHECK(hv.norm() > 1e-3);
  CHECK((hv - difference_of_gradients(net, x, t, v, rng)).norm() <= 1e-8 * (1 + hv.norm()));
  // H is symmetric: two sums of some hundred terms agree.
  CHECK(std::abs(u.dot(hv) - v.dot(hu)) <= 100 * eps * (u.norm() * hv.norm() + v.norm() * hu.norm()));
}

// A loss as a user might write it, by the rules of dual.hpp.
struct Quartic {
  template <class S>
  using Target = Matrix<S>;
  template <class Y>
  typename Y::Scalar value(const Y& y, const auto& t) const {
    return (y - t).array().square().square().sum() / static_cast<typename Y::Scalar>(y.cols());
  }
  template <class Y>
  void gradient(const Y& y, const auto& t, auto& dy) const {
    using S = typename Y::Scalar;
    using std::pow;
    for (Index i = 0; i < dy.size(); ++i)
      dy.data()[i] = 4 * pow(y.data()[i] - t.data()[i], S(3)) / static_cast<S>(y.cols());
  }
  void to_prediction(auto&) const {}
};

// Every loss of the library shares one type of network.
template <class Loss>
auto network(const RuntimeActivation& f, Index outputs, const Loss& loss) {
  RuntimeNet<Loss> net(loss, Hidden(4, 17, f), Hidden(17, 5, f), Last(5, outputs));
  Rng rng{1};
  net.initialize(rng);
  return net;
}

using Linear = BasicMlp<double, AnyLoss, Last>;

template <class... Layers>
using Regression = BasicMlp<double, MeanSquaredError, Layers...>;

}  // namespace

TEST_CASE("H v: PyTorch's numbers") {
  const auto x = golden::matrix<double>(std::span<const double>(numbers::x), 4, 7);
  const auto values = golden::matrix<double>(std::span<const double>(numbers::values), 3, 7);
  const auto classes = golden::matrix<double>(std::span<const double>(numbers::classes), 3, 7);
  const Labels labels = golden::matrix<int>(std::span<const int>(numbers::labels), 7, 1);
  const auto v = golden::matrix<double>(std::span<const double>(numbers::direction), 83, 1);
  for (const auto& golden_case : golden_cases) {  // clang++ 14 captures no structured binding
    const auto& f = golden_case.f;
    const auto& expected = golden_case.expected;
    CAPTURE(f.chosen.index());
    const auto worst_error = [&](const AnyLoss& loss, const auto& t, std::span<const double> golden_hv) {
      return golden::worst_error(hessian_vector_product(golden_network(f, loss), x, t, v), golden_hv);
    };
    CHECK(worst_error(MeanSquaredError{}, values, expected.mse) <= golden_bound);
    CHECK(worst_error(BinaryCrossEntropy{}, values, expected.bce) <= golden_bound);
    CHECK(worst_error(SoftmaxCrossEntropy{}, labels, expected.labels) <= golden_bound);
    CHECK(worst_error(SoftmaxCrossEntropy{}, classes, expected.classes) <= golden_bound);
  }
}

// L = 1/(K B) |W X + b 1^T - T|^2: each output has the block H = 2/(K B) (X; 1) (X; 1)^T, and all other
// blocks are 0.
TEST_CASE("H of a linear network with squared errors") {
  Linear net(MeanSquaredError{}, Last(4, 3));
  Rng rng{1};
  net.initialize(rng);
  const Matrix<double> x = random_matrix(4, 9, 1), t = random_matrix(3, 9, 2);
  const Vector<double> v = random_direction(net, 3);
  Matrix<double> extended(5, 9), directions(3, 5);
  extended << x, Matrix<double>::Ones(1, 9);
  directions << v.head(12).reshaped(3, 4), v.tail(3);
  const Matrix<double> expected = 2. / 27 * directions * extended * extended.transpose();
  const Vector<double> found = hessian_vector_product(net, x, t, v);
  CHECK((found - expected.reshaped()).cwiseAbs().maxCoeff() <= 32 * eps);
}

TEST_CASE("H v of every activation") {
  const RuntimeActivation all[] = {
      {Tanh{}},      {Sigmoid{}},  {Softplus{}}, {GELU{}}, {GELU{.approximate = true}},
      {SiLU{}},      {Mish{}},     {ELU{}},      {SELU{}}, {ReLU{}},
      {LeakyReLU{}}, {Softsign{}}, {HardTanh{}}, {Sine{}}, {Identity{}}};
  for (const RuntimeActivation& f : all) {
    CAPTURE(f.chosen.index());
    check_hessian(network<AnyLoss>(f, 2, MeanSquaredError{}), random_matrix(4, 6, 1), random_matrix(2, 6, 2));
  }
}

// a'' = (2 - z^2) phi(z), to rounding for any z, however small.
TEST_CASE("GELU's second derivative near 0") {
  for (const double z : {0., 1e-300, 1e-17, -1e-12, 1e-8, -1e-4, 0.5}) {
    CAPTURE(z);
    Tile<Dual<double>> tile = Tile<Dual<double>>::Constant(Dual<double>(z, 1)), a = tile, delta = tile;
    delta.setOnes();
    GELU{}.forward(a);
    GELU{}.backward(tile, a, delta);
    const double expected = (2 - z * z) * std::exp(-z * z / 2) / std::sqrt(2 * std::acos(-1.));
    CHECK(std::abs(delta(0).derivative - expected) <= 4 * eps);
  }
}

TEST_CASE("H v of every loss, and of a user's own activation and loss") {
  const Matrix<double> x = random_matrix(4, 6, 1), t = random_matrix(3, 6, 2).cwiseAbs();
  const Labels labels{{0, 2, 1, 1, 0, 2}};
  const auto check = [&](const AnyLoss& loss, Index outputs, const auto& targets) {
    check_hessian(network({Sine{}}, outputs, loss), x, targets);
  };
  check(BinaryCrossEntropy{}, 3, t);
  check(SoftmaxCrossEntropy{}, 3, labels);
  check(SoftmaxCrossEntropy{}, 3, t);
  check(Huber{}, 3, t);
  check(MeanAbsoluteError{}, 3, t);
  check(PoissonNLL{}, 3, t);
  check(GaussianNLL{}, 6, t);
  check(Hinge{}, 3, labels);
  check(Hinge{}, 3, t);
  check_hessian(network({Sine{}}, 3, Quartic{}), x, t);
}

// Two networks for all layers: each static network takes seconds to compile.
TEST_CASE("H v through every layer; a batch's statistics and one fixed mask") {
  const Matrix<double> x = random_matrix(4, 6, 1), t = random_matrix(3, 6, 2);
  using Normalized =
      Regression<Dense<4, 5>, BatchNorm<5>, Activate<5, Tanh>, LayerNorm<5>, Activate<5, GELU>, Dense<5, 3>>;
  check_hessian(initialized<Normalized>(), x, t);
  using Masked = Regression<Residual<Dense<4, 7, Tanh>, LayerNorm<7>, Dense<7, 4>>, Dense<4, 40, Tanh>,
                            Dropout<40>, Dense<40, 3>>;
  const auto net = initialized<Masked>();
  check_hessian(net, x, t, Rng{7});
  const Vector<double> v = random_direction(net, 1);
  CHECK(hessian_vector_product(net, x, t, v, Rng{7}) != hessian_vector_product(net, x, t, v, Rng{8}));
}

TEST_CASE("H v of losses with weights and smoothing") {
  const Matrix<double> x = random_matrix(4, 6, 1), t = random_matrix(3, 6, 2).cwiseAbs();
  const Labels labels{{0, 2, 1, 1, 0, 2}};
  const auto check = [&](const AnyLoss& loss, const auto& targets) {
    check_hessian(network({Sine{}}, 3, loss), x, targets);
  };
  check(BinaryCrossEntropy{.positive_weights = {1, 2, 3}}, t);
  check(SoftmaxCrossEntropy{.class_weights = {1, 2, 3}, .label_smoothing = 0.1}, labels);
  check(SoftmaxCrossEntropy{.label_smoothing = 0.1}, t);
  check(PoissonNLL{.full = true}, t);
}

// All logits are 0, where the branches of the loss meet.
TEST_CASE("H v of a network whose parameters are all 0") {
  const Linear linear(MeanSquaredError{}, Last(4, 1)), net(BinaryCrossEntropy{}, Last(4, 1));
  const Matrix<double> x = random_matrix(4, 6, 1), t = random_matrix(1, 6, 2).cwiseAbs();
  for (const double sign : {1., -1.}) {
    const Vector<double> v = sign * random_direction(net, 3);
    // The squared error's second derivative by y is 2, the cross-entropy's sigmoid'(0) = 1/4.
    const Vector<double> expected = hessian_vector_product(linear, x, t, v) / 8;
    CHECK((hessian_vector_product(net, x, t, v) - expected).cwiseAbs().maxCoeff() <= 16 * eps);
  }
}

TEST_CASE_TEMPLATE("H v is finite where activations and losses are saturated", S, float, double) {
  using Saturated = BasicMlp<S, BinaryCrossEntropy, Dense<2, 3, Sigmoid>, Dense<3, 3, Mish>, Dense<3, 1>>;
  auto net = initialized<Saturated>();
  for (const int scale : {-10000, 10000}) {
    const Matrix<S> x = Matrix<S>::Constant(2, 2, static_cast<S>(scale)), t = Matrix<S>::Ones(1, 2);
    CHECK(hessian_vector_product(net, x, t, Vector<S>::Ones(net.parameter_count())).allFinite());
    net.template bias<1>().setConstant(static_cast<S>(scale));
    net.template bias<2>().setConstant(static_cast<S>(-scale));
  }
}

TEST_CASE("a float network has a float H v, a large one of fixed sizes too") {
  using Net = BasicMlp<double, MeanSquaredError, Dense<100, 150, Tanh>, Dense<150, 2>>;
  const Net net = initialized<Net>();
  static_assert(Net::ParameterVector::SizeAtCompileTime == 15452);
  const Matrix<double> x = random_matrix(100, 3, 1), t = random_matrix(2, 3, 2);
  const Vector<double> v = random_direction(net, 3);
  const Vector<double> expected = hessian_vector_product(net, x, t, v);
  const Vector<float> found =
      hessian_vector_product(net.cast<float>(), x.cast<float>(), t.cast<float>(), v.cast<float>());
  CHECK((found.cast<double>() - expected).norm() <=
        32 * std::numeric_limits<float>::epsilon() * expected.norm());
}

TEST_CASE("H v: messages for sizes that do not fit; nan where the gradient is not finite") {
  Linear net(MeanSquaredError{}, Last(2, 3));
  const Matrix<double> x = random_matrix(2, 4, 1), t = random_matrix(3, 4, 2);
  const Vector<double> v = random_direction(net, 3);
  CHECK(message_of([&] { hessian_vector_product(net, x, t, v.head(8)); }) ==
        "hessian_vector_product: expected 9 coefficients in v, one for each parameter, found 8");
  CHECK(message_of([&] { hessian_vector_product(net, x, t.leftCols(3), v); }) ==
        "mlp: expected 4 targets, one for each sample, found 3");
  net.bias<0>()(0) = std::numeric_limits<double>::infinity();
  CHECK(std::isnan(hessian_vector_product(net, x, t, v)(0)));
}
