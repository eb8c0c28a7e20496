#include <doctest/doctest.h>

#include <mlp/activation/tanh.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/loss/mean_squared_error.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/training.hpp>

#include <limits>
#include <set>

#include "clusters.hpp"
#include "message_of.hpp"

using namespace mlp;

namespace {

using Net = Mlp<SoftmaxCrossEntropy, Dense<2, 8, Tanh>, Dense<8, 3>>;

}  // namespace

TEST_CASE("Trainer takes the optimizer's step with the network's gradient, in place") {
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

TEST_CASE("fit learns, and says what it did") {
  Net net = initialized<Net>();
  const Dataset<Labels> data = clusters(100);
  const double before = evaluate(net, data).loss;
  const History history =
      fit(net, data, Sgd{.learning_rate = 0.1, .momentum = 0.9}, {.epochs = 20, .batch_size = 16, .seed = 3});
  REQUIRE(history.loss.size() == 20);
  REQUIRE(history.seconds.size() == 20);
  CHECK(history.loss.back() < history.loss.front());
  const Evaluation after = evaluate(net, data);
  CHECK(after.loss < before / 4);
  CHECK(after.accuracy == 1);
}

TEST_CASE("every sample once an epoch, in an order that changes, the last batch smaller") {
  // The loss of a network with no freedom (rate 0) is the mean over what was seen: equal for every order.
  Net net = initialized<Net>();
  const Dataset<Labels> data = clusters(10);
  std::vector<Progress> seen;
  const History history = fit(net, data, Sgd{.learning_rate = 0}, {.epochs = 2, .batch_size = 4, .seed = 3},
                              [&](const Progress& progress) { seen.push_back(progress); });
  REQUIRE(seen.size() == 6);
  const std::vector<Index> samples{4, 8, 10, 4, 8, 10};
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(seen[i].epoch == (i < 3 ? 1 : 2));
    CHECK(seen[i].epochs == 2);
    CHECK(seen[i].batch == static_cast<Index>(i % 3 + 1));
    CHECK(seen[i].batches == 3);
    CHECK(seen[i].samples == samples[i]);
    CHECK(seen[i].epoch_is_done() == (i % 3 == 2));
  }
  CHECK(history.loss[0] == doctest::Approx(evaluate(net, data).loss).epsilon(1e-6));
  CHECK(history.loss[1] == doctest::Approx(history.loss[0]).epsilon(1e-6));
  CHECK(seen[0].loss != seen[3].loss);
}

TEST_CASE("a callback that returns false ends the training there") {
  Net net = initialized<Net>();
  int calls = 0;
  const History history = fit(net, clusters(10), Sgd{.learning_rate = 0.1}, {.epochs = 5, .batch_size = 4},
                              [&](const Progress& progress) {
                                ++calls;
                                return !(progress.epoch == 2 && progress.batch == 2);
                              });
  CHECK(calls == 5);
  CHECK(history.loss.size() == 2);
}

TEST_CASE("the same seed gives the same bits, another seed others") {
  const Dataset<Labels> data = clusters(50);
  const auto train = [&](std::uint64_t seed) -> Vector<float> {
    Net net = initialized<Net>();
    fit(net, data, Sgd{.learning_rate = 0.1, .momentum = 0.9}, {.epochs = 3, .batch_size = 8, .seed = seed});
    return net.parameters();
  };
  CHECK(train(7) == train(7));
  CHECK(train(7) != train(8));
}

TEST_CASE("fit and evaluate with a matrix of targets, in double") {
  BasicMlp<double, MeanSquaredError, Dense<1, 1>> net;
  Dataset<Matrix<double>> line{Matrix<double>(1, 30), Matrix<double>(1, 30)};
  line.x.row(0).setLinSpaced(30, -1, 1);
  line.t = (3 * line.x.array() - 2).matrix();
  fit(net, line, Sgd{.learning_rate = 0.1}, {.epochs = 200, .batch_size = 7});
  CHECK(net.parameters()(0) == doctest::Approx(3).epsilon(1e-6));
  CHECK(net.parameters()(1) == doctest::Approx(-2).epsilon(1e-6));
  CHECK(evaluate(net, line).loss < 1e-10);
  CHECK(std::isnan(evaluate(net, line).accuracy));  // a regression has none
}

TEST_CASE("evaluate is the mean over all samples, however many") {
  const Net net = initialized<Net>();
  const Dataset<Labels> data = clusters(2500);  // in pieces of 1024
  const Evaluation result = evaluate(net, data);
  const Labels predicted = net.classify(data.x);
  CHECK(result.accuracy ==
        doctest::Approx((predicted.array() == data.t.array()).cast<double>().mean()).epsilon(1e-6));
  CHECK(result.loss == doctest::Approx(net.loss(data.x, data.t)).epsilon(1e-5));
}

TEST_CASE("a loss that is not finite ends training with the parameters from before") {
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
  const std::string message =
      message_of<std::runtime_error>([&] { fit(net, data, Sgd{}, {.epochs = 2, .batch_size = 8}); });
  CHECK(message.find(
            "fit: epoch 1, batch 1, step 1: expected a finite loss, found nan; the first to go bad: the "
            "inputs.") == 0);
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

TEST_CASE("bad options and data") {
  Net net = initialized<Net>();
  const Dataset<Labels> data = clusters(8);
  const auto error = [&](const Dataset<Labels>& d, const Sgd& optimizer, const FitOptions& options) {
    return message_of<std::invalid_argument>([&] { fit(net, d, optimizer, options); });
  };
  CHECK(error(data, {}, {.epochs = 0}) == "fit: expected epochs > 0, found 0");
  CHECK(error(data, {}, {.batch_size = -1}) == "fit: expected batch_size > 0, found -1");
  CHECK(error({}, {}, {}) == "fit: expected at least one sample, found none");
  CHECK(error({data.x, data.t.head(7)}, {}, {}) == "fit: expected a target for each of 8 samples, found 7");
  CHECK(error({data.x, Labels::Constant(8, 3)}, {}, {}).find("labels in [0, 3), found 3") !=
        std::string::npos);
  CHECK(error(data, {.momentum = 1}, {}).find("Sgd: expected momentum in [0, 1)") != std::string::npos);
  CHECK(message_of<std::invalid_argument>([&] { evaluate(net, Dataset<Labels>{}); }) ==
        "evaluate: expected at least one sample, found none");
}
