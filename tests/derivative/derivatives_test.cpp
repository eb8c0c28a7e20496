#include <mlp/derivative/derivatives.hpp>

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
#include <mlp/kernel/tile.hpp>
#include <mlp/layer/activate.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/layer/layer_norm.hpp>
#include <mlp/layer/residual.hpp>
#include <mlp/loss/binary_cross_entropy.hpp>
#include <mlp/loss/gaussian_nll.hpp>
#include <mlp/loss/hinge.hpp>
#include <mlp/loss/huber.hpp>
#include <mlp/loss/mean_absolute_error.hpp>
#include <mlp/loss/mean_squared_error.hpp>
#include <mlp/loss/poisson_nll.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>

#include <cmath>
#include <limits>
#include <span>
#include <variant>

#include "clusters.hpp"
#include "golden/compare.hpp"
#include "golden/derivatives.hpp"
#include "message_of.hpp"

using namespace mlp;
namespace numbers = golden::derivatives;

namespace {

constexpr double eps = std::numeric_limits<double>::epsilon();

Matrix<double> random_matrix(Index rows, Index cols, std::uint64_t seed) {
  Matrix<double> m(rows, cols);
  Rng rng{seed};
  fill(m, [&] { return rng.uniform(-1, 1); });
  return m;
}
Vector<double> random_direction(const auto& net, std::uint64_t seed) {
  return random_matrix(net.parameter_count(), 1, seed);
}

// (g(theta + h v) - g(theta - h v)) / 2h, accurate to about h^2 + epsilon / h = 1e-10.
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
  // H is symmetric: two sums of several hundred terms agree.
  CHECK(std::abs(u.dot(hv) - v.dot(hu)) <= 100 * eps * (u.norm() * hv.norm() + v.norm() * hu.norm()));
}

void check_jacobian(const auto& net) {
  constexpr double h = 1e-5;
  const Vector<double> x = random_matrix(net.inputs(), 1, 8);
  const auto found = jacobian(net, x);
  for (Index i = 0; i < net.inputs(); ++i) {
    const Vector<double> step = h * Vector<double>::Unit(net.inputs(), i);
    const Vector<double> expected = (net.infer(x + step) - net.infer(x - step)) / (2 * h);
    CHECK((found.col(i) - expected).cwiseAbs().maxCoeff() <= 1e-8);
  }
}

// A user-defined activation and loss that follow the rules of dual.hpp.
struct Sine {
  static constexpr bool needs_input = true;
  void forward(auto& z) const {
    using std::sin;
    for (Index i = 0; i < z.size(); ++i) z(i) = sin(z(i));
  }
  void backward(const auto& z, const auto&, auto& delta) const {
    using std::cos;
    for (Index i = 0; i < z.size(); ++i) delta(i) *= cos(z(i));
  }
};
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

// Sizes and activations chosen at run time: one network type is compiled for all.
struct AnyActivation {
  static constexpr bool needs_input = true;
  std::variant<Tanh, Sigmoid, Softplus, GELU, SiLU, Mish, ELU, SELU, ReLU, LeakyReLU, Softsign, HardTanh,
               Sine, Identity>
      chosen = Tanh{};

  void forward(auto& z) const {
    std::visit([&](const auto& f) { f.forward(z); }, chosen);
  }
  void backward(const auto& z, const auto& a, auto& delta) const {
    std::visit(
        [&]<class F>(const F& f) {
          if constexpr (F::needs_input) f.backward(z, a, delta);
          else f.backward(a, delta);
        },
        chosen);
  }
};
using Hidden = Dense<Dynamic, Dynamic, AnyActivation>;
using Last = Dense<Dynamic, Dynamic>;

template <class Loss>
auto golden_network(const AnyActivation& f) {
  BasicMlp<double, Loss, Hidden, Hidden, Last> net(Hidden(4, 6, f), Hidden(6, 5, f), Last(5, 3));
  net.parameters() = golden::matrix<double>(std::span<const double>(numbers::parameters), 83, 1);
  return net;
}

template <class Loss>
auto network(const AnyActivation& f, Index outputs, const Loss& loss = {}) {
  BasicMlp<double, Loss, Hidden, Last> net(loss, Hidden(4, 17, f), Last(17, outputs));
  Rng rng{1};
  net.initialize(rng);
  return net;
}

template <class... Layers>
using Regression = BasicMlp<double, MeanSquaredError, Layers...>;

}  // namespace

// Each number is a sum over 7 samples and 3 layers of at most 7 terms each, of magnitudes of 1.
TEST_CASE("Jacobian and H v are PyTorch's") {
  constexpr double bound = 64 * eps;
  const struct {
    AnyActivation f;
    const numbers::Derivatives& expected;
  } cases[] = {{{Tanh{}}, numbers::tanh}, {{Sigmoid{}}, numbers::sigmoid}, {{Softplus{}}, numbers::softplus},
               {{GELU{}}, numbers::gelu}, {{SiLU{}}, numbers::silu},       {{Mish{}}, numbers::mish},
               {{ELU{}}, numbers::elu},   {{SELU{}}, numbers::selu},       {{ReLU{}}, numbers::relu}};
  const auto x = golden::matrix<double>(std::span<const double>(numbers::x), 4, 7);
  const auto values = golden::matrix<double>(std::span<const double>(numbers::values), 3, 7);
  const auto classes = golden::matrix<double>(std::span<const double>(numbers::classes), 3, 7);
  const Labels labels = golden::matrix<int>(std::span<const int>(numbers::labels), 7, 1);
  const auto v = golden::matrix<double>(std::span<const double>(numbers::direction), 83, 1);
  for (const auto& one : cases) {
    const AnyActivation& f = one.f;
    const numbers::Derivatives& expected = one.expected;
    CAPTURE(f.chosen.index());
    const auto regression = golden_network<MeanSquaredError>(f);
    const auto decisions = golden_network<BinaryCrossEntropy>(f);
    const auto classifier = golden_network<SoftmaxCrossEntropy>(f);
    CHECK(golden::worst_error(jacobian(regression, x.col(0)), expected.jacobian) <= bound);
    CHECK(golden::worst_error(hessian_vector_product(regression, x, values, v), expected.mse) <= bound);
    CHECK(golden::worst_error(hessian_vector_product(decisions, x, values, v), expected.bce) <= bound);
    CHECK(golden::worst_error(hessian_vector_product(classifier, x, labels, v), expected.labels) <= bound);
    CHECK(golden::worst_error(hessian_vector_product(classifier, x, classes, v), expected.classes) <= bound);
  }
}

TEST_CASE("the Jacobian belongs to predictions: no dropout, running statistics") {
  check_jacobian(initialized<Regression<Dense<5, 7, Tanh>, Dense<7, 3>>>());
  check_jacobian(initialized<Regression<Dense<5, 7, GELU>, Dropout<7>, LayerNorm<7>, Dense<7, 3>>>());
  check_jacobian(
      initialized<Regression<LayerNorm<5>, Residual<Dense<5, 6, Tanh>, Dense<6, 5>>, Dense<5, 1>>>());
  check_jacobian(initialized<Regression<Dense<1, 4, SiLU>, Dense<4, 9>>>());
  auto net = initialized<Regression<Dense<5, 4>, BatchNorm<4>, Activate<4, Softplus>, Dense<4, 3>>>();
  net.state() << 0.1, -0.2, 0.3, 0.4, 0.5, 1.5, 2, 2.5;
  check_jacobian(net);
}

TEST_CASE("Jacobian: sizes stay fixed, and dynamic ones give the same bits for every form of x") {
  const auto net = initialized<Mlp<SoftmaxCrossEntropy, Dense<4, 6, Tanh>, Dense<6, 3>>>();
  Mlp<SoftmaxCrossEntropy, Dense<Dynamic, Dynamic, Tanh>, Dense<Dynamic, Dynamic>> same({4, 6}, {6, 3});
  same.parameters() = net.parameters();
  const Eigen::Vector4f x{0.5f, -0.25f, 0.75f, 1};
  const auto j = jacobian(net, x);
  static_assert(std::is_same_v<decltype(j), const Eigen::Matrix<float, 3, 4>>);
  const Matrix<float> batch = x.replicate(1, 3);
  CHECK(jacobian(net, Vector<float>(x)) == j);
  CHECK(jacobian(net, batch.middleCols(1, 1)) == j);
  CHECK(jacobian(net, 2 * x - x) == j);
  CHECK(jacobian(same, x) == j);
  CHECK(jacobian(same, batch.col(2)) == j);
  CHECK(message_of([&] { jacobian(net, batch); }) == "jacobian: expected 1 sample, found 3");
  CHECK(message_of([&] { jacobian(same, x.head(3)); }) ==
        "mlp: expected 4 rows in x, one for each input, found 3");
}

TEST_CASE("per_sample_gradients: each column is one sample's gradient, their mean the batch's") {
  const auto data = clusters<double>(7);
  const auto net = initialized<BasicMlp<double, SoftmaxCrossEntropy, Dense<2, 6, Tanh>, Dense<6, 3>>>();
  const auto each = per_sample_gradients(net, data.x, data.t);
  auto ws = net.workspace();
  Vector<double> gradient;
  for (Index j = 0; j < 7; ++j) {
    net.loss_and_gradient(data.x.col(j), data.t.segment(j, 1), ws, gradient);
    CHECK((each.col(j) - gradient).cwiseAbs().maxCoeff() <= 8 * eps);
  }
  net.loss_and_gradient(data.x, data.t, ws, gradient);
  CHECK((each.rowwise().mean() - gradient).cwiseAbs().maxCoeff() <= 32 * eps);
  CHECK(message_of([&] { per_sample_gradients(net, data.x, data.t.head(6)); }) ==
        "per_sample_gradients: expected 7 targets, one for each sample, found 6");
}

TEST_CASE("per_sample_gradients: a matrix of targets, fixed sizes, masks from the rng") {
  const auto net = initialized<Regression<Dense<3, 6, Tanh>, Dropout<6>, Dense<6, 2>>>();
  const Eigen::Matrix<double, 3, 4> x = random_matrix(3, 4, 5);
  const Eigen::Matrix<double, 2, 4, Eigen::RowMajor> t = random_matrix(2, 4, 6);
  const auto each = per_sample_gradients(net, x, t, Rng{3});
  static_assert(decltype(each)::RowsAtCompileTime == 38 && decltype(each)::ColsAtCompileTime == 4);
  CHECK(each == per_sample_gradients(net, x, t, Rng{3}));
  CHECK(each != per_sample_gradients(net, x, t, Rng{4}));
  // 6 coefficients per sample use whole draws, so that a batch's masks are the same.
  auto ws = net.workspace();
  ws.rng = Rng{3};
  Vector<double> gradient;
  net.loss_and_gradient(x, t, ws, gradient);
  CHECK((each.rowwise().mean() - gradient).cwiseAbs().maxCoeff() <= 32 * eps);
}

// L = 1/(K B) |W X + b 1^T - T|^2: each output has the same H = 2/(K B) (X; 1) (X; 1)^T; there are no mixed
// terms.
TEST_CASE("H of a linear network with squared errors") {
  const auto net = initialized<Regression<Dense<4, 3>>>();
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
  const AnyActivation all[] = {
      {Tanh{}},      {Sigmoid{}},  {Softplus{}}, {GELU{}}, {GELU{.approximate = true}},
      {SiLU{}},      {Mish{}},     {ELU{}},      {SELU{}}, {ReLU{}},
      {LeakyReLU{}}, {Softsign{}}, {HardTanh{}}, {Sine{}}, {Identity{}}};
  for (const AnyActivation& f : all) {
    CAPTURE(f.chosen.index());
    check_hessian(network<MeanSquaredError>(f, 2), random_matrix(4, 6, 1), random_matrix(2, 6, 2));
  }
}

// a'' = (2 - z^2) phi(z), up to rounding even for tiny z.
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

TEST_CASE("H v of every loss, and of a user-defined activation and loss") {
  const Matrix<double> x = random_matrix(4, 6, 1), t = random_matrix(3, 6, 2).cwiseAbs();
  const Labels labels{{0, 2, 1, 1, 0, 2}};
  check_hessian(network<BinaryCrossEntropy>({Sine{}}, 3), x, t);
  check_hessian(network<SoftmaxCrossEntropy>({Sine{}}, 3), x, labels);
  check_hessian(network<SoftmaxCrossEntropy>({Sine{}}, 3), x, t);
  check_hessian(network<Huber>({Sine{}}, 3), x, t);
  check_hessian(network<MeanAbsoluteError>({Sine{}}, 3), x, t);
  check_hessian(network<PoissonNLL>({Sine{}}, 3), x, t);
  check_hessian(network<GaussianNLL>({Sine{}}, 6), x, t);
  check_hessian(network<Hinge>({Sine{}}, 3), x, labels);
  check_hessian(network<Hinge>({Sine{}}, 3), x, t);
  check_hessian(network<Quartic>({Sine{}}, 3), x, t);
}

TEST_CASE("H v through every layer, with the batch's statistics and a fixed mask") {
  const Matrix<double> x = random_matrix(4, 6, 1), t = random_matrix(3, 6, 2);
  check_hessian(initialized<Regression<Dense<4, 5>, BatchNorm<5>, Activate<5, Tanh>, Dense<5, 3>>>(), x, t);
  check_hessian(initialized<Regression<Dense<4, 5>, LayerNorm<5>, Activate<5, GELU>, Dense<5, 3>>>(), x, t);
  check_hessian(
      initialized<Regression<Residual<Dense<4, 7, Tanh>, LayerNorm<7>, Dense<7, 4>>, Dense<4, 3>>>(), x, t);
  const auto net = initialized<Regression<Dense<4, 40, Tanh>, Dropout<40>, Dense<40, 3>>>();
  check_hessian(net, x, t, Rng{7});
  const Vector<double> v = random_direction(net, 1);
  CHECK(hessian_vector_product(net, x, t, v, Rng{7}) != hessian_vector_product(net, x, t, v, Rng{8}));
}

TEST_CASE("H v of losses with weights and smoothing") {
  const Matrix<double> x = random_matrix(4, 6, 1), t = random_matrix(3, 6, 2).cwiseAbs();
  const Labels labels{{0, 2, 1, 1, 0, 2}};
  const auto check = [&](const auto& loss, const auto& targets) {
    check_hessian(network<std::decay_t<decltype(loss)>>({Sine{}}, 3, loss), x, targets);
  };
  check(BinaryCrossEntropy{.positive_weights = {1, 2, 3}}, t);
  check(SoftmaxCrossEntropy{.class_weights = {1, 2, 3}, .label_smoothing = 0.1}, labels);
  check(SoftmaxCrossEntropy{.label_smoothing = 0.1}, t);
  check(PoissonNLL{.full = true}, t);
}

// All logits are 0, where the loss's branches meet.
TEST_CASE("H v of a network whose parameters are all 0") {
  const Regression<Dense<4, 1>> linear;
  const BasicMlp<double, BinaryCrossEntropy, Dense<4, 1>> net;
  const Matrix<double> x = random_matrix(4, 6, 1), t = random_matrix(1, 6, 2).cwiseAbs();
  for (const double sign : {1., -1.}) {
    const Vector<double> v = sign * random_direction(net, 3);
    // The squared error's second derivative with respect to y is 2, the cross-entropy's sigmoid'(0) = 1/4.
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

TEST_CASE("H v: errors of sizes and of gradients that are not finite") {
  auto net = initialized<Regression<Dense<2, 3>>>();
  const Matrix<double> x = random_matrix(2, 4, 1), t = random_matrix(3, 4, 2);
  const Vector<double> v = random_direction(net, 3);
  CHECK(message_of([&] { hessian_vector_product(net, x, t, v.head(8)); }) ==
        "hessian_vector_product: expected 9 coefficients in v, one for each parameter, found 8");
  CHECK(message_of([&] { hessian_vector_product(net, x, t.leftCols(3), v); }) ==
        "mlp: expected 4 targets, one for each sample, found 3");
  net.bias<0>()(0) = std::numeric_limits<double>::infinity();
  CHECK(std::isnan(hessian_vector_product(net, x, t, v)(0)));
}
