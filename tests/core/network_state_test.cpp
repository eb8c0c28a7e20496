#include <doctest/doctest.h>

#include <mlp/base/random.hpp>
#include <mlp/core/network.hpp>
#include <mlp/layer/activate.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/layer/layer_norm.hpp>
#include <mlp/layer/residual.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/training/trainer.hpp>

#include <limits>
#include <stdexcept>

#include "core/networks.hpp"

using namespace mlp;

namespace {

using Normed = Mlp<SoftmaxCrossEntropy, Dense<4, 6>, BatchNorm<6>, Dropout<6>, Activate<6, Tanh>,
                   Residual<LayerNorm<6>, Dense<6, 5, Tanh>, BatchNorm<5>, Dense<5, 6>>, Dense<6, 3>>;

}  // namespace

TEST_CASE("the state: changed only by a Trainer's steps, kept by copies and casts, reset") {
  auto net = initialized(Normed{});
  static_assert(Normed::StateVector::SizeAtCompileTime == 22);
  const Vector<float> fresh = net.state();
  CHECK(fresh.sum() == 6 + 5);  // each mean 0, each variance 1
  const Matrix<float> x = numbers(4, 9);
  const Labels t = labels(9, 3);
  auto ws = net.workspace();
  Vector<float> gradient;
  net.forward(x, ws);
  net.loss_and_gradient(x, t, ws, gradient);
  net.predict(x);
  CHECK(net.state() == fresh);
  net.forward_eval(x, ws);
  net.update_state(ws);  // no effect after a prediction
  CHECK(net.state() == fresh);

  Trainer trainer(net, Sgd{.learning_rate = 0.1});
  trainer.step(x, t);
  const Vector<float> after = net.state();
  CHECK((after.array() != fresh.array()).count() == 22);

  const Normed copy = net;
  trainer.step(x, t);
  CHECK(net.state() != after);
  CHECK(copy.state() == after);
  const auto wide = copy.cast<double>();
  CHECK(wide.state() == after.cast<double>());
  CHECK(wide.cast<float>().state() == after);
  CHECK(wide.predict(x.cast<double>()).isApprox(copy.predict(x).cast<double>(), 1e-5));

  Rng rng{1};
  net.initialize(rng);
  CHECK(net.state() == fresh);
  CHECK(initialized(Classifier{}).state().size() == 0);
}

TEST_CASE("a step whose loss is not finite leaves the state unchanged") {
  auto net = initialized(Normed{});
  const Vector<float> fresh = net.state();
  Matrix<float> x = numbers(4, 9);
  x(2, 5) = std::numeric_limits<float>::infinity();
  Trainer trainer(net, Sgd{.learning_rate = 0.1});
  CHECK_THROWS_AS(trainer.step(x, labels(9, 3)), std::runtime_error);
  CHECK(net.state() == fresh);
}

TEST_CASE("slice: a layer's part of any vector with theta's layout") {
  auto net = initialized(Normed{});
  Vector<float> v = Vector<float>::LinSpaced(net.parameter_count(), 0, float(net.parameter_count() - 1));
  CHECK(net.slice<0>(v) == v.head<30>());
  CHECK(net.slice<1>(v) == v.segment<12>(30));
  CHECK(net.slice<2>(v).size() == 0);
  CHECK(net.slice<5>(v) == v.tail<21>());
  net.slice<5>(net.parameters()).setZero();
  CHECK(net.weights<5>().isZero(0));
  CHECK(net.bias<5>().isZero(0));
  CHECK(!net.weights<0>().isZero());
}

TEST_CASE("forward_eval: the derivatives of a prediction, without dropout and with the running statistics") {
  auto net = initialized(Normed{}).cast<double>();
  Matrix<double> x = numbers(4, 7).cast<double>();
  const Matrix<double> dy = numbers(3, 7, 5).cast<double>();
  {
    Trainer trainer(net, Sgd{.learning_rate = 0.1});
    trainer.step(x, labels(7, 3));  // so that the running statistics are not the initial ones
  }
  auto ws = net.workspace();
  CHECK(net.forward_eval(x, ws).isApprox(net.infer(x), 1e-14));
  ws.output_gradient() = dy;
  Vector<double> gradient;
  Matrix<double> dx;
  net.backward(x, ws, gradient, dx);

  // Central differences are accurate to about h^2 + epsilon / h.
  const auto worst_error = [&](auto&& q, const auto& dq) {
    constexpr double h = 1e-5;
    double worst = 0;
    for (Index i = 0; i < q.size(); ++i) {
      const auto value = [&](double shift) {
        const double before = q.data()[i];
        q.data()[i] += shift;
        const double sum = net.infer(x).cwiseProduct(dy).sum();
        q.data()[i] = before;
        return sum;
      };
      const double error = std::abs((value(h) - value(-h)) / (2 * h) - dq.data()[i]);
      if (!(error <= worst)) worst = error;
    }
    return worst;
  };
  CHECK(worst_error(net.parameters(), gradient) <= 1e-8);
  CHECK(worst_error(x, dx) <= 1e-8);
  net.forward(x, ws);
  ws.output_gradient() = dy;
  net.backward(x, ws, gradient, dx);
  CHECK(!(worst_error(x, dx) <= 1e-3));  // those in training differ
}
