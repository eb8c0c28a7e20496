#include <mlp/activation/tanh.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/training/trainer.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "clusters.hpp"
#include "message_of.hpp"

using namespace mlp;

namespace {

using Net = Mlp<SoftmaxCrossEntropy, Dense<2, 8, Tanh>, Dense<8, 3>>;

}  // namespace

TEST_CASE("Trainer applies the optimizer's step to the network's parameters, in place") {
  Net net = initialized<Net>(), expected = net;
  const Dataset<Labels> data = clusters(10);
  Trainer trainer(net, Sgd{.learning_rate = 0.1});
  for (Index step = 1; step <= 3; ++step) {
    auto ws = expected.workspace(10);
    Vector<float> gradient;
    const float loss = expected.loss_and_gradient(data.x, data.t, ws, gradient);
    CHECK(trainer.step(data.x, data.t) == loss);
    CHECK(trainer.gradient() == gradient);
    CHECK(trainer.steps() == step);
    expected.parameters() -= 0.1f * gradient;
    CHECK(net.parameters().isApprox(expected.parameters(), 1e-6f));
    net.parameters() = expected.parameters();
  }
  CHECK(&trainer.net() == &net);
  trainer.optimizer().learning_rate = 0;
  const Vector<float> before = net.parameters();
  trainer.step(data.x, data.t);
  CHECK(net.parameters() == before);
}

TEST_CASE("backward and update are the two halves of a step") {
  const Dataset<Labels> data = clusters(16);
  Net whole = initialized<Net>(), halves = initialized<Net>();
  Trainer one(whole, Sgd{.learning_rate = 0.1, .momentum = 0.9}), two(halves, one.optimizer());
  for (int i = 0; i < 3; ++i) {
    const float loss = one.step(data.x, data.t);
    CHECK(two.backward(data.x, data.t) == loss);
    CHECK(two.steps() == i);
    CHECK(two.gradient() == one.gradient());
    two.update();
    CHECK(halves.parameters() == whole.parameters());
  }
  const Vector<float> before = halves.parameters();
  two.gradient().setZero();
  two.optimizer().momentum = 0;
  two.update();
  CHECK(halves.parameters() == before);
}

TEST_CASE("Trainer: a loss that is not finite leaves the parameters unchanged") {
  Net net = initialized<Net>();
  Dataset<Labels> data = clusters(8);
  data.x(1, 5) = std::numeric_limits<float>::quiet_NaN();
  const Vector<float> before = net.parameters();
  Trainer trainer(net, Sgd{.learning_rate = 0.1});
  CHECK(message_of<std::runtime_error>([&] {
          trainer.step(data.x, data.t);
        }).find("step 1: expected a finite loss, found nan") != std::string::npos);
  CHECK(net.parameters() == before);
  CHECK(trainer.steps() == 0);
}

TEST_CASE("Trainer: its saved state determines all later steps") {
  const Dataset<Labels> data = clusters(10);
  Net net = initialized<Net>(), other_net = initialized<Net>(2);
  Trainer trainer(net, Sgd{.learning_rate = 0.1, .momentum = 0.9}), other(other_net, trainer.optimizer());
  trainer.step(data.x, data.t);
  std::vector<std::string> names;
  std::map<std::string, std::vector<float>> values;
  decltype(trainer)::each_state(trainer, [&](const char* name, const auto& value) {
    names.push_back(name);
    if constexpr (requires { value.data(); }) values[name].assign(value.data(), value.data() + value.size());
  });
  CHECK(names == std::vector<std::string>{"parameters", "slots", "rng", "steps"});
  decltype(trainer)::each_state(other, [&](const char* name, auto&& value) {
    if constexpr (requires { value.data(); }) std::copy_n(values[name].data(), value.size(), value.data());
  });
  for (int i = 0; i < 2; ++i) {
    trainer.step(data.x, data.t);
    other.step(data.x, data.t);
    CHECK(net.parameters() == other_net.parameters());
  }
}
