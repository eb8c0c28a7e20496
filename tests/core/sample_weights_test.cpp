#include <mlp/activation/tanh.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/views.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/loss/binary_cross_entropy.hpp>
#include <mlp/loss/mean_squared_error.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/training/fit.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "clusters.hpp"
#include "message_of.hpp"

using namespace mlp;

namespace {

using Net = BasicMlp<double, SoftmaxCrossEntropy, Dense<2, 5, Tanh>, Dense<5, 3>>;

// Loss and gradient of weighted samples compared with those of a batch that repeats sample j weights(j)
// times.
template <class AnyNet, class T>
void check_against_copies(const Matrix<double>& x, const T& t, const Vector<double>& weights) {
  const AnyNet net = initialized<AnyNet>(3);
  Dataset<T, double> once{x, t}, copies;
  std::vector<Index> order;
  for (Index j = 0; j < weights.size(); ++j) {
    for (int k = 0; k < weights(j); ++k) order.push_back(j);
  }
  detail::gather(once, order.data(), static_cast<Index>(order.size()), copies);

  auto ws = net.workspace();
  Vector<double> found, expected, halved;
  Matrix<double> dx;
  const double loss = net.loss_and_gradient(x, t, weights, ws, found, dx);
  CHECK(loss == doctest::Approx(net.loss_and_gradient(copies.x, copies.t, ws, expected)).epsilon(1e-13));
  CHECK((found - expected).cwiseAbs().maxCoeff() <= 1e-14);
  CHECK(net.loss(x, t, weights) == doctest::Approx(loss).epsilon(1e-14));
  CHECK(net.loss_and_accuracy(x, t, weights).first == net.loss(x, t, weights));
  CHECK(net.batch_weight(t, weights) == weights.sum());
  CHECK(net.batch_weight(t) == static_cast<double>(x.cols()));
  // Only ratios of weights matter.
  CHECK(net.loss_and_gradient(x, t, weights / 2, ws, halved) == doctest::Approx(loss).epsilon(1e-14));
  CHECK((found - halved).cwiseAbs().maxCoeff() <= 1e-15);
}

}  // namespace

TEST_CASE("a weight of n is the sample given n times, with every loss") {
  const Dataset<Labels, double> data = clusters<double>(6);
  Vector<double> weights(6);
  weights << 1, 3, 0, 2, 1, 1;
  check_against_copies<Net>(data.x, data.t, weights);
  Matrix<double> t(3, 6);
  Rng rng{5};
  fill(t, [&] { return rng.uniform(); });
  check_against_copies<Net>(data.x, t, weights);  // probabilities that do not sum to 1
  check_against_copies<BasicMlp<double, MeanSquaredError, Dense<2, 3>>>(data.x, t, weights);
  check_against_copies<BasicMlp<double, BinaryCrossEntropy, Dense<2, 3>>>(data.x, t, weights);
}

TEST_CASE("the gradient of a weighted loss agrees with central differences") {
  Net net = initialized<Net>();
  const Dataset<Labels, double> data = clusters<double>(5);
  Vector<double> weights(5), gradient;
  weights << 0.3, 2, 1, 0, 0.7;
  auto ws = net.workspace();
  net.loss_and_gradient(data.x, data.t, weights, ws, gradient);
  for (Index i = 0; i < net.parameter_count(); ++i) {
    constexpr double h = 1e-5;
    const double before = net.parameters()(i);
    net.parameters()(i) = before + h;
    const double above = net.loss(data.x, data.t, weights);
    net.parameters()(i) = before - h;
    const double below = net.loss(data.x, data.t, weights);
    net.parameters()(i) = before;
    CHECK(std::abs(gradient(i) - (above - below) / (2 * h)) <= 1e-9);
  }
}

TEST_CASE("no weights, empty weights, and a batch of weight 0") {
  const Net net = initialized<Net>();
  const Dataset<Labels, double> data = clusters<double>(4);
  auto ws = net.workspace();
  Vector<double> gradient, expected;
  const double loss = net.loss_and_gradient(data.x, data.t, ws, expected);
  CHECK(net.loss_and_gradient(data.x, data.t, Vector<double>{}, ws, gradient) == loss);
  CHECK(gradient == expected);
  CHECK(net.loss_and_gradient(data.x, data.t, Vector<double>::Zero(4), ws, gradient) == 0);
  CHECK(gradient.isZero(0));
}

TEST_CASE("accuracy counts samples by their weights") {
  const Net net = initialized<Net>();
  Dataset<Labels, double> data = clusters<double>(4);
  data.t = net.classify(data.x);
  data.t(1) = (data.t(1) + 1) % 3;  // wrong
  data.weights = Vector<double>::Ones(4);
  data.weights(1) = 5;
  CHECK(net.loss_and_accuracy(data.x, data.t, data.weights).second == doctest::Approx(3. / 8));
  CHECK(evaluate(net, data).accuracy == doctest::Approx(3. / 8));
  CHECK(evaluate(net, data).loss == doctest::Approx(net.loss(data.x, data.t, data.weights)));
}

TEST_CASE("accuracy counts samples by their own weights, not by those of their classes") {
  Net net(SoftmaxCrossEntropy{.class_weights = {1, 7, 0.25}}, {}, {});
  Rng rng{1};
  net.initialize(rng);
  Dataset<Labels, double> data = clusters<double>(3);
  data.t = net.classify(data.x);
  data.t << 0, 1, 2;
  Vector<double> weights(3), is_right(3);
  weights << 1, 2, 4;
  is_right = (net.classify(data.x).array() == data.t.array()).cast<double>();
  REQUIRE(is_right.sum() > 0);
  REQUIRE(is_right.sum() < 3);
  CHECK(net.loss_and_accuracy(data.x, data.t).second == doctest::Approx(is_right.mean()).epsilon(1e-14));
  CHECK(net.loss_and_accuracy(data.x, data.t, weights).second ==
        doctest::Approx(is_right.dot(weights) / 7).epsilon(1e-14));
}

TEST_CASE("weights of a dataset go with its samples, through split, evaluate, Trainer and fit") {
  Dataset data = clusters(3000);
  data.weights = Vector<float>::LinSpaced(3000, 0, 2);
  data.x.row(0) = data.weights.transpose();
  Rng rng{1};
  const auto [first, second] = split(data, 0.3, rng);
  CHECK(first.weights == first.x.row(0).transpose());
  CHECK(second.weights == second.x.row(0).transpose());

  using FloatNet = Mlp<SoftmaxCrossEntropy, Dense<2, 5, Tanh>, Dense<5, 3>>;
  FloatNet net = initialized<FloatNet>(), same = net;
  CHECK(evaluate(net, data).loss == doctest::Approx(net.loss(data.x, data.t, data.weights)).epsilon(1e-5));
  Trainer trainer(same, Sgd{.learning_rate = 0.1});
  trainer.step(data.x, data.t, data.weights);
  fit(net, data, Sgd{.learning_rate = 0.1}, {.epochs = 1, .batch_size = 3000});
  CHECK(net.parameters().isApprox(same.parameters(), 1e-5f));
  FloatNet unweighted = initialized<FloatNet>();
  fit(unweighted, Dataset{data.x, data.t}, Sgd{.learning_rate = 0.1}, {.epochs = 1, .batch_size = 3000});
  CHECK(!unweighted.parameters().isApprox(same.parameters(), 1e-3f));
}

TEST_CASE("weights of the wrong number, sign or kind") {
  Net net = initialized<Net>();
  Dataset<Labels, double> data = clusters<double>(4);
  const auto error = [&](auto... weights) {
    data.weights = Vector<double>(static_cast<Index>(sizeof...(weights)));
    Index i = 0;
    ((data.weights(i++) = weights), ...);
    const std::string message = message_of([&] { fit(net, data, Sgd{}); });
    CHECK(message_of([&] { evaluate(net, data); }) == "evaluate" + message.substr(3));
    return message;
  };
  constexpr double nan = std::numeric_limits<double>::quiet_NaN(),
                   inf = std::numeric_limits<double>::infinity();
  CHECK(error(1., 2.) == "fit: expected 4 weights, one for each sample, found 2");
  CHECK(error(1., 2., -1., 1.) == "fit: expected a finite weight >= 0, found -1 for sample 2");
  CHECK(error(1., 2., 1., nan) == "fit: expected a finite weight >= 0, found nan for sample 3");
  CHECK(error(inf, 2., 1., 1.) == "fit: expected a finite weight >= 0, found inf for sample 0");
  CHECK(error(0., 0., 0., 0.) == "fit: expected a sample with a weight > 0, found none");
  CHECK(message_of([&] { net.loss(data.x, data.t, Vector<double>::Ones(3)); }) ==
        "mlp: expected 4 weights, one for each sample, found 3");
}

TEST_CASE("weights of classes and of samples: sample j weighs w_j c_j") {
  Net net(SoftmaxCrossEntropy{.class_weights = {1, 0.5, 4}}, {}, {});
  Rng rng{1};
  net.initialize(rng);
  const Dataset<Labels, double> data = clusters<double>(6);  // labels 0 1 2 0 1 2
  Vector<double> weights(6), both(6), gradient, expected;
  weights << 1, 3, 0, 2, 1, 1;
  both << 1, 1.5, 0, 2, 0.5, 4;
  CHECK(net.batch_weight(data.t, weights) == both.sum());
  const Net plain = [&] {
    Net same;
    same.parameters() = net.parameters();
    return same;
  }();
  auto ws = net.workspace();
  CHECK(net.loss_and_gradient(data.x, data.t, weights, ws, gradient) ==
        doctest::Approx(plain.loss_and_gradient(data.x, data.t, both, ws, expected)).epsilon(1e-14));
  CHECK((gradient - expected).cwiseAbs().maxCoeff() <= 1e-15);

  // Classes of weight 0 give a loss of 0, not nan.
  Net none(SoftmaxCrossEntropy{.class_weights = {0, 0, 1}}, {}, {});
  const Dataset<Labels, double> first{data.x.leftCols(2), data.t.head(2)};
  CHECK(evaluate(none, first).loss == 0);
  CHECK(fit(none, first, Sgd{}, {.epochs = 1}).loss[0] == 0);
}
