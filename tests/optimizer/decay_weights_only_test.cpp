#include <mlp/activation/tanh.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/layer_norm.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/adam.hpp>
#include <mlp/optimizer/adamw.hpp>
#include <mlp/optimizer/decay_weights_only.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/training/fit.hpp>

#include <doctest/doctest.h>

#include "clusters.hpp"
#include "message_of.hpp"

using namespace mlp;

namespace {

using Net = BasicMlp<double, SoftmaxCrossEntropy, Dense<2, 8, Tanh>, LayerNorm<8>, Dense<8, 3>>;
static_assert(Optimizer<DecayWeightsOnly<Sgd>, float> && Optimizer<DecayWeightsOnly<Sgd>, double>);

// Three steps: parameters and slots are those of `decaying` for weights, and those without decay for the others.
template <class Opt>
void check_decays_weights(const Opt& decaying) {
  Opt plain = decaying;
  plain.weight_decay = 0;
  const Net start = initialized<Net>();
  const Vector<double> mask = start.weight_mask();
  REQUIRE(mask.sum() == 2 * 8 + 8 * 3);
  Vector<double> theta[3], gradient = Vector<double>::LinSpaced(start.parameter_count(), -1, 2);
  Matrix<double> state[3];
  for (int i = 0; i < 3; ++i) {
    theta[i] = start.parameters();
    state[i] = Matrix<double>::Zero(theta[i].size(), Opt::slots);
  }
  const auto some = decay_weights_only(decaying, start);
  for (Index t = 1; t <= 3; ++t) {
    decaying.step(theta[0], gradient, state[0], t);
    plain.step(theta[1], gradient, state[1], t);
    some.step(theta[2], gradient, state[2], t);
  }
  for (Index i = 0; i < mask.size(); ++i) {
    CAPTURE(i);
    CHECK(theta[2](i) == doctest::Approx(theta[mask(i) == 1 ? 0 : 1](i)).epsilon(1e-14));
    for (Index slot = 0; slot < Opt::slots; ++slot) {
      CAPTURE(slot);
      CHECK(state[2](i, slot) == doctest::Approx(state[mask(i) == 1 ? 0 : 1](i, slot)).epsilon(1e-14));
    }
  }
  CHECK((theta[2] - theta[0]).norm() > 0.1);
  CHECK((theta[2] - theta[1]).norm() > 0.1);
}

}  // namespace

TEST_CASE("weights decay as with the optimizer, biases and norms go as without decay") {
  check_decays_weights(Sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.5});
}

TEST_CASE("the same with the two slots of Adam and AdamW") {
  check_decays_weights(Adam{.learning_rate = 0.1, .weight_decay = 20});
  check_decays_weights(AdamW{.learning_rate = 0.1, .weight_decay = 0.5});
}

TEST_CASE("in fit, with a schedule of its learning rate") {
  Net net = initialized<Net>();
  const auto optimizer = decay_weights_only(Sgd{.learning_rate = 0.1, .weight_decay = 1e-3}, net);
  const History history = fit(net, clusters<double>(60), optimizer,
                              {.epochs = 30, .schedule = [](Index step) { return step > 50 ? 0.5 : 1; }});
  CHECK(history.learning_rate.front() == 0.1);
  CHECK(history.learning_rate.back() == 0.05);
  CHECK(evaluate(net, clusters<double>(60)).accuracy == 1);
}

TEST_CASE("DecayWeightsOnly: errors") {
  Net net;
  CHECK(message_of([&] { Trainer(net, decay_weights_only(Sgd{.learning_rate = -1}, net)); }) ==
        "Sgd: expected learning_rate >= 0, found -1");
  Vector<double> theta(3), gradient(3);
  Matrix<double> state(3, 1);
  CHECK(message_of([&] { decay_weights_only(Sgd{}, net).step(theta, gradient, state, 1); }) ==
        "DecayWeightsOnly: expected as many parameters as in its mask, found 3");
}
