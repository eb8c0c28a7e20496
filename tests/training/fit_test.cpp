#include <mlp/activation/tanh.hpp>
#include <mlp/base/random.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/loss/mean_squared_error.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/training/fit.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <string>
#include <vector>

#include "clusters.hpp"
#include "message_of.hpp"

using namespace mlp;

namespace {

using Net = Mlp<SoftmaxCrossEntropy, Dense<2, 8, Tanh>, Dense<8, 3>>;

}  // namespace

TEST_CASE("fit learns, and reports what it did") {
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

TEST_CASE("every sample once per epoch, in changing order, with a smaller last batch") {
  // At a learning rate of 0, the loss is the mean over the samples seen: equal for every order.
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

TEST_CASE("a callback that returns false ends training at once") {
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

TEST_CASE("the same seed gives the same bits, another seed different ones") {
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

TEST_CASE("evaluate combines its pieces by the weights of samples and classes") {
  BasicMlp<double, SoftmaxCrossEntropy, Dense<2, 3>> net(SoftmaxCrossEntropy{.class_weights = {1, 10, 0.1}},
                                                         {});
  Rng rng{1};
  net.initialize(rng);
  // Pieces of 1024 samples, each of which is mostly of one class and thus weighs something else.
  Dataset<Labels, double> data = clusters<double>(2500);
  std::sort(data.t.begin(), data.t.end());
  const Labels predicted = net.classify(data.x);
  const Vector<double> is_right = (predicted.array() == data.t.array()).cast<double>();
  Evaluation result = evaluate(net, data);
  CHECK(result.loss == doctest::Approx(net.loss(data.x, data.t)).epsilon(1e-12));
  CHECK(result.accuracy == doctest::Approx(is_right.mean()).epsilon(1e-12));

  data.weights = Vector<double>::LinSpaced(2500, 0, 2);
  result = evaluate(net, data);
  CHECK(result.loss == doctest::Approx(net.loss(data.x, data.t, data.weights)).epsilon(1e-12));
  CHECK(result.accuracy == doctest::Approx(is_right.dot(data.weights) / data.weights.sum()).epsilon(1e-12));
}

TEST_CASE("validation: loss and accuracy of each epoch's network, for the callback and the history") {
  Net net = initialized<Net>();
  const Dataset<Labels> train = clusters(40), validation = clusters(30);
  std::vector<double> losses;
  const History history = fit(net, train, validation, Sgd{.learning_rate = 0.1},
                              {.epochs = 3, .batch_size = 16}, [&](const Progress& now) {
                                CHECK(now.validation.has_value() == now.epoch_is_done());
                                if (!now.validation) return;
                                const Evaluation expected = evaluate(net, validation);
                                CHECK(now.validation->loss == expected.loss);
                                CHECK(now.validation->accuracy == expected.accuracy);
                                losses.push_back(expected.loss);
                              });
  CHECK(losses.size() == 3);
  CHECK(history.validation_loss == losses);
  CHECK(history.validation_accuracy.size() == 3);
  CHECK(history.best_epoch == 3);
  CHECK(fit(net, train, Sgd{}, {.epochs = 1}).validation_loss.empty());
}

TEST_CASE("validation does not change the training") {
  const Dataset<Labels> train = clusters(40);
  Net alone = initialized<Net>(), validated = alone;
  fit(alone, train, Sgd{.learning_rate = 0.1}, {.epochs = 3, .batch_size = 16, .seed = 4});
  fit(validated, train, clusters(30), Sgd{.learning_rate = 0.1}, {.epochs = 3, .batch_size = 16, .seed = 4});
  CHECK(alone.parameters() == validated.parameters());
}

TEST_CASE("validation_fraction keeps samples from training") {
  Net net = initialized<Net>();
  Index most = 0;
  const History history =
      fit(net, clusters(40), Sgd{.learning_rate = 0.1}, {.epochs = 2, .validation_fraction = 0.25},
          [&](const Progress& now) { most = std::max(most, now.samples); });
  CHECK(most == 30);
  CHECK(history.validation_loss.size() == 2);
  CHECK(message_of([&] { fit(net, clusters(40), Sgd{}, {.validation_fraction = 0.001}); }) ==
        "fit: expected a validation_fraction that leaves samples on both sides, found 0.001 of 40 samples");
}

TEST_CASE("patience ends training, and the best network is restored, with its state") {
  using Normed = Mlp<SoftmaxCrossEntropy, Dense<2, 8, Tanh>, BatchNorm<8>, Dense<8, 3>>;
  Normed net = initialized<Normed>();
  // Targets without a pattern: memorizing them increases the validation loss.
  Dataset<Labels> train = clusters(30), validation = clusters(30);
  Rng rng{1};
  for (Index j = 0; j < 30; ++j) {
    train.t(j) = static_cast<int>(rng.below(3));
    validation.t(j) = static_cast<int>(rng.below(3));
  }
  std::vector<Normed> after;
  const History history = fit(net, train, validation, Sgd{.learning_rate = 0.3, .momentum = 0.9},
                              {.epochs = 200, .batch_size = 10, .patience = 4}, [&](const Progress& now) {
                                if (now.epoch_is_done()) after.push_back(net);
                              });
  const auto epochs = static_cast<Index>(history.validation_loss.size());
  REQUIRE(epochs < 200);
  CHECK(history.best_epoch == epochs - 4);
  const auto best = static_cast<std::size_t>(history.best_epoch - 1);
  CHECK(history.validation_loss[best] ==
        *std::min_element(history.validation_loss.begin(), history.validation_loss.end()));
  CHECK(net.parameters() == after[best].parameters());
  CHECK(net.state() == after[best].state());
  CHECK(net.parameters() != after.back().parameters());
  CHECK(evaluate(net, validation).loss == history.validation_loss[best]);
}

TEST_CASE("min_delta: a smaller improvement does not count") {
  Net net = initialized<Net>();
  const History history = fit(net, clusters(30), clusters(30), Sgd{.learning_rate = 1e-4},
                              {.epochs = 20, .patience = 3, .min_delta = 1});
  CHECK(history.best_epoch == 1);
  CHECK(history.validation_loss.size() == 4);
}

TEST_CASE("a loss as good as the best is no better, and the first epoch may be the best") {
  Net net = initialized<Net>();
  const FitOptions options{.epochs = 20, .patience = 2};
  const History resting = fit(net, clusters(30), clusters(30), Sgd{.learning_rate = 0}, options);
  CHECK(resting.best_epoch == 1);
  CHECK(resting.validation_loss.size() == 3);

  // Validated against other labels, it gets worse from epoch to epoch.
  Dataset<Labels> other = clusters(30);
  for (int& label : other.t) label = (label + 1) % 3;
  fit(net, clusters(30), Sgd{.learning_rate = 0.5}, {.epochs = 3});
  std::vector<Vector<float>> after;
  const History history =
      fit(net, clusters(30), other, Sgd{.learning_rate = 0.5}, options, [&](const Progress& now) {
        if (now.epoch_is_done()) after.emplace_back(net.parameters());
      });
  CHECK(history.best_epoch == 1);
  REQUIRE(after.size() == 3);
  CHECK(net.parameters() == after[0]);
  CHECK(net.parameters() != after[2]);
}

TEST_CASE("a schedule multiplies the optimizer's learning rate") {
  const Dataset<Labels> data = clusters(20);
  Net net = initialized<Net>(), expected = net;
  const auto schedule = [](Index step) { return 1 / static_cast<double>(step); };
  std::vector<double> rates;
  const History history =
      fit(net, data, Sgd{.learning_rate = 0.5}, {.epochs = 3, .batch_size = 20, .schedule = schedule},
          [&](const Progress& now) { rates.push_back(now.learning_rate); });
  CHECK(rates == std::vector<double>{0.5, 0.25, 0.5 / 3});
  CHECK(history.learning_rate == rates);
  Trainer trainer(expected, Sgd{});
  for (const double rate : rates) {
    trainer.optimizer().learning_rate = rate;
    trainer.step(data.x, data.t);
  }
  CHECK(net.parameters().isApprox(expected.parameters(), 1e-5f));

  // A plateau from the first epoch on: the rate is practically 0.
  const History plateau = fit(net, data, Sgd{.learning_rate = 1e-9},
                              {.epochs = 6, .schedule = ReduceOnPlateau{.factor = 0.5, .patience = 1}});
  CHECK(plateau.learning_rate == std::vector<double>{1e-9, 1e-9, 1e-9, 0.5e-9, 0.5e-9, 0.25e-9});
}

namespace {

// A schedule that keeps what it is shown.
struct Observer {
  std::vector<double>* seen;
  double operator()(Index) const { return 1; }
  void observe(double loss) const { seen->push_back(loss); }
};

}  // namespace

TEST_CASE("a schedule is shown the validation loss of each epoch, or without validation that of training") {
  Net net = initialized<Net>();
  std::vector<double> seen;
  const FitOptions options{.epochs = 3, .batch_size = 16, .schedule = Observer{&seen}};
  History history = fit(net, clusters(40), Sgd{.learning_rate = 0.1}, options);
  CHECK(seen == history.loss);
  seen.clear();
  history = fit(net, clusters(40), clusters(30), Sgd{.learning_rate = 0.1}, options);
  CHECK(seen == history.validation_loss);
}

TEST_CASE("losses and norms of an epoch are means over it alone, by the weights of its samples") {
  Dataset<Labels> data = clusters(10);
  data.weights = Vector<float>::LinSpaced(10, 0.25f, 4);
  Net net = initialized<Net>();
  auto ws = net.workspace();
  Vector<float> gradient;
  const double loss = net.loss_and_gradient(data.x, data.t, data.weights, ws, gradient);
  const auto all_are = [](const std::vector<double>& found, double expected) {
    for (const double value : found) CHECK(value == doctest::Approx(expected).epsilon(1e-5));
    CHECK(found.size() == 3);
  };
  const Sgd resting{.learning_rate = 0};
  all_are(fit(net, data, resting, {.epochs = 3, .batch_size = 4}).loss, loss);
  const History history = fit(net, data, resting, {.epochs = 3, .batch_size = 10});
  all_are(history.loss, loss);
  all_are(history.gradient_norm, norm(gradient));
}

TEST_CASE("steps() counts what fit takes") {
  Net net = initialized<Net>();
  for (const Index samples : {1, 7, 8, 9, 31, 32, 33}) {
    for (const Index accumulate : {1, 3}) {
      const FitOptions options{.epochs = 2, .batch_size = 8, .accumulate = accumulate};
      Index steps = 0;
      fit(net, clusters(samples), Sgd{}, options, [&](const Progress& now) { steps = now.steps; });
      CAPTURE(samples);
      CHECK(steps == options.steps(samples));
    }
  }
}

TEST_CASE("clip_norm and clip_value bound the step, not the reported norm") {
  const Dataset<Labels> data = clusters(20);
  const Net start = initialized<Net>();
  auto ws = start.workspace();
  Vector<float> gradient;
  start.loss_and_gradient(data.x, data.t, ws, gradient);
  const double norm_before = norm(gradient);
  const auto step = [&](FitOptions options) -> Vector<float> {
    Net net = start;
    options.epochs = 1;
    options.batch_size = 20;
    const History history = fit(net, data, Sgd{.learning_rate = 1}, options);
    CHECK(history.gradient_norm[0] == doctest::Approx(norm_before).epsilon(1e-5));
    return start.parameters() - net.parameters();
  };
  CHECK(step({}).isApprox(gradient, 1e-4f));
  CHECK(step({.clip_norm = 0.01}).norm() == doctest::Approx(0.01).epsilon(1e-3));
  CHECK(step({.clip_norm = 100}).isApprox(gradient, 1e-4f));
  CHECK(step({.clip_value = 0.01}).isApprox(gradient.cwiseMin(0.01f).cwiseMax(-0.01f), 1e-3f));
}

TEST_CASE("accumulated batches give the step of one batch with all their samples") {
  Dataset<Labels, double> data = clusters<double>(50);
  data.weights = Vector<double>::LinSpaced(50, 0.5, 2);
  using DoubleNet = BasicMlp<double, SoftmaxCrossEntropy, Dense<2, 8, Tanh>, Dense<8, 3>>;
  DoubleNet whole = initialized<DoubleNet>(), parts = whole;
  const Sgd sgd{.learning_rate = 0.1, .momentum = 0.9};
  const History one = fit(whole, data, sgd, {.epochs = 3, .batch_size = 16, .seed = 1});
  const History many = fit(parts, data, sgd, {.epochs = 3, .batch_size = 4, .seed = 1, .accumulate = 4});
  CHECK(whole.parameters().isApprox(parts.parameters(), 1e-13));
  for (std::size_t i = 0; i < 3; ++i) {
    CHECK(one.loss[i] == doctest::Approx(many.loss[i]).epsilon(1e-13));
    CHECK(one.gradient_norm[i] == doctest::Approx(many.gradient_norm[i]).epsilon(1e-13));
  }
}

TEST_CASE("average_decay validates the moving average, and ends with it") {
  const Dataset<Labels> data = clusters(20);
  Net net = initialized<Net>();
  Vector<float> average = net.parameters();
  const History history =
      fit(net, data, data, Sgd{.learning_rate = 0.5}, {.epochs = 4, .batch_size = 10, .average_decay = 0.75},
          [&](const Progress&) { average += 0.25f * (net.parameters() - average); });
  CHECK(net.parameters().isApprox(average, 1e-6f));
  CHECK(history.validation_loss.back() == evaluate(net, data).loss);
}

namespace {

// f(z) = z, which turns nan in the forward or in the backward pass.
template <bool Forward>
struct Bad {
  static constexpr bool needs_input = false;
  void forward(auto& z) const {
    if (Forward) z = z / (z - z);
  }
  void backward(const auto&, auto& delta) const {
    if (!Forward) delta = delta / (delta - delta);
  }
};

template <class Net>
std::string error_of_training(Net net, const Dataset<Labels>& data) {
  const Vector<float> before = net.parameters();
  const std::string message =
      message_of<std::runtime_error>([&] { fit(net, data, Sgd{.learning_rate = 0.1}, {.epochs = 2}); });
  CHECK(net.parameters() == before);
  return message;
}

}  // namespace

TEST_CASE("a loss or gradient that is not finite ends training and names the layer") {
  Dataset<Labels> data = clusters(8);
  CHECK(
      error_of_training(
          initialized<Mlp<SoftmaxCrossEntropy, Dense<2, 3>, Dense<3, 3, Bad<true>>, Dense<3, 3>>>(), data)
          .find("fit: epoch 1, batch 1, step 1: expected a finite loss, found nan; the first to go bad: the "
                "activations of layer 1. ") == 0);
  CHECK(error_of_training(
            initialized<Mlp<SoftmaxCrossEntropy, Dense<2, 3>, Dense<3, 3, Bad<false>>, Dense<3, 3>>>(), data)
            .find("expected a finite gradient, found nan; the first to go bad: the gradient of layer 1. ") !=
        std::string::npos);
  data.x(1, 5) = std::numeric_limits<float>::quiet_NaN();
  CHECK(error_of_training(initialized<Net>(), data).find("the first to go bad: the inputs. ") !=
        std::string::npos);
  Mlp<MeanSquaredError, Dense<1, 1>> line;
  const Dataset large{Matrix<float>{{1}}, Matrix<float>{{1e30f}}};  // whose square is infinite
  CHECK(message_of<std::runtime_error>([&] {
          fit(line, large, Sgd{});
        }).find("found inf; the first to go bad: the loss itself, of finite outputs. ") != std::string::npos);
}

TEST_CASE("the layer that went bad is found with the random numbers of the step that failed") {
  // The loss overflows where dropout keeps the unit: one time in ten. Any other mask shows nothing.
  using Dropping = Mlp<SoftmaxCrossEntropy, Dense<2, 1>, Dropout<1>, Dense<1, 3>>;
  bool later = false;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    CAPTURE(seed);
    Dropping net(Dense<2, 1>{}, Dropout<1>{0.9}, Dense<1, 3>{});
    net.parameters() << 1e25f, 2e25f, 0, 1e25f, 1e25f, 1e25f, 0, 0, 0;
    const std::string message = message_of<std::runtime_error>([&] {
      fit(net, clusters(8), Sgd{.learning_rate = 0}, {.epochs = 20, .batch_size = 1, .seed = seed});
    });
    CHECK(message.find("; the first to go bad: the activations of layer 2. ") != std::string::npos);
    later = later || message.find("epoch 1, batch 1,") == std::string::npos;
  }
  CHECK(later);
}

TEST_CASE("after an error, the last good parameters remain") {
  // With batches of one sample, the samples before the bad one make good steps.
  Dataset<Labels> data = clusters(8);
  data.x(1, 5) = std::numeric_limits<float>::quiet_NaN();
  Net net = initialized<Net>();
  Vector<float> last = net.parameters();
  Index steps = 0;
  const std::string message = message_of<std::runtime_error>([&] {
    fit(net, data, Sgd{.learning_rate = 0.1}, {.batch_size = 1, .seed = 2}, [&](const Progress& now) {
      last = net.parameters();
      steps = now.steps;
    });
  });
  REQUIRE(steps > 0);
  CHECK(message.find("step " + std::to_string(steps + 1) + ": ") != std::string::npos);
  CHECK(net.parameters() == last);
}

TEST_CASE("bad options and data") {
  Net net = initialized<Net>();
  const Dataset<Labels> data = clusters(8);
  const auto error = [&](const Dataset<Labels>& d, const Sgd& optimizer, const FitOptions& options) {
    return message_of<std::invalid_argument>([&] { fit(net, d, optimizer, options); });
  };
  CHECK(error(data, {}, {.epochs = 0}) == "fit: expected epochs > 0, found 0");
  CHECK(error(data, {}, {.batch_size = -1}) == "fit: expected batch_size > 0, found -1");
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(error(data, {}, {.accumulate = 0}) == "fit: expected accumulate > 0, found 0");
  CHECK(error(data, {}, {.threads = -1}) == "fit: expected threads >= 0, found -1");
  CHECK(error(data, {}, {.clip_norm = 0}) == "fit: expected clip_norm > 0, found 0");
  CHECK(error(data, {}, {.clip_value = nan}) == "fit: expected clip_value > 0, found nan");
  CHECK(error(data, {}, {.validation_fraction = 1}) ==
        "fit: expected validation_fraction in [0, 1), found 1");
  CHECK(error(data, {}, {.validation_fraction = 0.5, .patience = 0}) ==
        "fit: expected patience > 0, found 0");
  CHECK(error(data, {}, {.min_delta = -1}) == "fit: expected min_delta >= 0, found -1");
  CHECK(error(data, {}, {.average_decay = 1}) == "fit: expected average_decay in [0, 1), found 1");
  CHECK(error(data, {}, {.patience = 3}) ==
        "fit: expected validation data or a validation_fraction for patience to watch, found none");
  CHECK(message_of([&] { fit(net, data, data, Sgd{}, {.validation_fraction = 0.5}); }) ==
        "fit: expected validation data or a validation_fraction, found both");
  CHECK(message_of([&] { fit(net, data, Dataset<Labels>{}, Sgd{}); }) ==
        "fit: validation: expected at least one sample, found none");
  CHECK(error({}, {}, {}) == "fit: expected at least one sample, found none");
  CHECK(error({data.x, data.t.head(7)}, {}, {}) == "fit: expected a target for each of 8 samples, found 7");
  CHECK(error({data.x, Labels::Constant(8, 3)}, {}, {}).find("labels in [0, 3), found 3") !=
        std::string::npos);
  CHECK(error(data, {.momentum = 1}, {}).find("Sgd: expected momentum in [0, 1)") != std::string::npos);
  CHECK(message_of<std::invalid_argument>([&] { evaluate(net, Dataset<Labels>{}); }) ==
        "evaluate: expected at least one sample, found none");
}
