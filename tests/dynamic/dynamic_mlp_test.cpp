#include <mlp/dynamic/dynamic_mlp.hpp>

#include <mlp/base/random.hpp>
#include <mlp/base/views.hpp>
#include <mlp/derivative/gradient_check.hpp>
#include <mlp/dynamic/architecture.hpp>
#include <mlp/minimize/fit.hpp>
#include <mlp/minimize/levenberg_marquardt.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/training/fit.hpp>

#include "message_of.hpp"

#include <doctest/doctest.h>

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

using namespace mlp;

namespace {

Matrix<float> random_matrix(Index rows, Index cols, Rng& rng) {
  Matrix<float> x(rows, cols);
  fill(x, [&] { return rng.normal(); });
  return x;
}

std::string error_of(const std::string& text) {
  return message_of<std::invalid_argument>([&] { from_architecture(text); });
}

}  // namespace

TEST_CASE("the same bits as the static network of the same shape") {
  Mlp<SoftmaxCrossEntropy, Dense<6, 18, ReLU>, BatchNorm<18>, Dropout<18>,
      Residual<Dense<18, 18, Mish>, LayerNorm<18>>, Activate<18, Tanh>, Dense<18, 3>>
      net(SoftmaxCrossEntropy{.label_smoothing = 0.1}, {}, BatchNorm<18>{}, Dropout<18>(0.25), {}, {}, {});
  DynamicMlp dynamic = to_dynamic(net);
  CHECK(architecture(dynamic) == architecture(net));
  Rng rng{1}, same{1};
  net.initialize(rng);
  dynamic.initialize(same);
  CHECK(dynamic.parameters() == net.parameters());
  CHECK(dynamic.weight_mask() == net.weight_mask());

  const Dataset<Labels> data{random_matrix(6, 50, rng),
                             Labels::LinSpaced(50, 0, 49).unaryExpr([](int i) { return i % 3; })};
  const FitOptions options{.epochs = 3, .batch_size = 8, .seed = 2};
  const History history = fit(net, data, Sgd{.learning_rate = 0.1, .momentum = 0.9}, options);
  CHECK(fit(dynamic, data, Sgd{.learning_rate = 0.1, .momentum = 0.9}, options).loss == history.loss);
  CHECK(dynamic.parameters() == net.parameters());
  CHECK(dynamic.state() == net.state());
  CHECK(dynamic.predict(data.x) == net.predict(data.x));
  CHECK(dynamic.classify(data.x) == net.classify(data.x));
  const Eigen::Vector<float, 6> sample = data.x.col(7);
  CHECK(dynamic.predict(sample) == net.predict(sample));
  const Eigen::Matrix<float, Dynamic, Dynamic, Eigen::RowMajor> row_major = data.x;
  CHECK(dynamic.predict(row_major) == net.predict(row_major));

  auto ws = net.workspace();
  auto dynamic_ws = dynamic.workspace();
  Vector<float> gradient, dynamic_gradient;
  Matrix<float> dx, dynamic_dx;
  net.loss_and_gradient(data.x, data.t, ws, gradient, dx);
  dynamic.loss_and_gradient(data.x, data.t, dynamic_ws, dynamic_gradient, dynamic_dx);
  CHECK(dynamic_gradient == gradient);
  CHECK(dynamic_dx == dx);

  CHECK(dynamic.layer<0>().weights(0, dynamic.parameters()) == net.weights<0>());
  CHECK(dynamic.layer<0>().bias(5, dynamic.parameters()) == net.bias<5>());
  CHECK(message_of<std::invalid_argument>([&] { dynamic.layer<0>().weights(2, dynamic.parameters()); }) ==
        "mlp: expected a layer with weights, found layer 2");
}

TEST_CASE("to_dynamic keeps the options of layers") {
  Mlp<MeanSquaredError, BatchNorm<2>, LayerNorm<2>, Dropout<2>> net(BatchNorm<2>(0.5, 0.75),
                                                                    LayerNorm<2>(0.25), Dropout<2>(0.125));
  DynamicMlp dynamic = to_dynamic(net);
  CHECK(architecture(dynamic) ==
        "Mlp(MeanSquaredError, BatchNorm(2, epsilon=0.5, momentum=0.75), LayerNorm(2, epsilon=0.25), "
        "Dropout(2, p=0.125))");
  // Not only in what they say of themselves.
  const Matrix<float> x{{1, 2, 4}, {0, -1, 5}};
  const auto after_a_pass = [&](auto& any) {
    any.parameters().setConstant(2);
    auto ws = any.workspace();
    const Matrix<float> y = any.forward(x, ws);
    any.update_state(ws);
    return y;
  };
  CHECK(after_a_pass(dynamic) == after_a_pass(net));
  CHECK(dynamic.state() == net.state());
  CHECK(dynamic.predict(x) == net.predict(x));
}

TEST_CASE("losses chosen at run time") {
  Rng rng{1};
  const Matrix<float> x = random_matrix(2, 5, rng);
  DynamicMlp net = from_architecture("Mlp(GaussianNLL, Dense(2, 4, Tanh), Dense(4, 2))");
  net.initialize(rng);
  Mlp<GaussianNLL, Dense<2, 4, Tanh>, Dense<4, 2>> same;
  same.parameters() = net.parameters();
  const Matrix<float> t = random_matrix(1, 5, rng), two_rows = random_matrix(2, 5, rng);
  CHECK(net.loss(x, t) == same.loss(x, t));
  CHECK(net.loss(x, t, Vector<float>::LinSpaced(5, 1, 5)) ==
        same.loss(x, t, Vector<float>::LinSpaced(5, 1, 5)));
  CHECK(net.predict(x) == same.predict(x));
  CHECK(message_of<std::invalid_argument>([&] { net.loss(x, two_rows); }) ==
        "mlp: expected 1 rows in t, of which each has several outputs, found 2");
  CHECK(message_of<std::invalid_argument>([&] { net.loss(x, Labels(Labels::Zero(5))); }) ==
        "GaussianNLL: expected targets as a matrix with a row for each output, found labels");

  DynamicMlp hinge(Hinge{}, {DynamicDense(1, 1)});
  hinge.parameters() << 1, 0;
  CHECK(hinge.classify(Matrix<float>{{-0.1f, 0.1f, 0.6f}}) == Labels{{0, 1, 1}});
}

TEST_CASE("full-batch optimizers") {
  Mlp<MeanSquaredError, Dense<1, 3, Tanh>, Dense<3, 1>> net;
  Rng rng{1};
  net.initialize(rng);
  DynamicMlp dynamic = to_dynamic(net);
  const Matrix<float> x = random_matrix(1, 10, rng);
  const Dataset data{x, Matrix<float>(x.array().sin().matrix())};
  const LevenbergMarquardt few{.max_iterations = 3};
  CHECK(fit(dynamic, data, few).history == fit(net, data, few).history);
  CHECK(dynamic.parameters() == net.parameters());
  DynamicMlp other = from_architecture("Mlp(Huber, Dense(1, 1))");
  CHECK(message_of<std::invalid_argument>([&] { fit(other, data, few); }) ==
        "LevenbergMarquardt: expected the loss MeanSquaredError, found Huber");
}

TEST_CASE("an error in training names the layer by its number") {
  DynamicMlp net = from_architecture("Mlp(MeanSquaredError, Dense(1, 1), Dense(1, 1), Dense(1, 1))");
  net.parameters() << 1e30f, 0, 1e30f, 0, 1, 0;
  const Dataset data{Matrix<float>{{1}}, Matrix<float>{{1}}};
  const std::string error = message_of<std::runtime_error>([&] { fit(net, data, Sgd{}); });
  CAPTURE(error);
  CHECK(error.find("; the first to go bad: the activations of layer 1.") != std::string::npos);
}

TEST_CASE("gradients") {
  Rng rng{3};
  auto net = from_architecture<double>(
      "Mlp(MeanSquaredError, Dense(2, 5, GELU), LayerNorm(5), Residual(Dense(5, 5, Tanh), Residual(Dense(5, "
      "5, SiLU))), "
      "Dense(5, 2))");
  net.initialize(rng);
  const Matrix<double> x = random_matrix(2, 4, rng).cast<double>(),
                       t = random_matrix(2, 4, rng).cast<double>();
  CHECK(check_gradient(net, x, t).worst_error <= 1e-8);
}

TEST_CASE("architectures from text") {
  for (const char* text : {"Mlp(MeanSquaredError, Dense(1, 1))",
                           "Mlp(Huber(delta=2), Dense(4, 3, LeakyReLU(negative_slope=0.2)), Dropout(3, "
                           "p=0.1), Activate(3, ELU), "
                           "Residual(BatchNorm(3, epsilon=0.001, momentum=0.2), Residual(Dense(3, 3))), "
                           "LayerNorm(3, epsilon=1e-05))",
                           "Mlp(BinaryCrossEntropy(positive_weights=2), Dense(4, 1))"}) {
    CHECK(architecture(from_architecture(text)) == text);
  }
  CHECK(architecture(from_architecture("Mlp(Hinge, Dropout(3), Dense(3, 2, Identity))")) ==
        "Mlp(Hinge, Dropout(3, p=0.5), Dense(3, 2))");
}

TEST_CASE("texts that are not architectures") {
  CHECK(error_of("Net(Hinge)") == "architecture: Net: expected Mlp(loss, layer, ...)");
  CHECK(error_of("Mlp") == "architecture: Mlp: expected 1 parts, found 0");
  CHECK(error_of("Mlp(Hinge)") == "mlp: expected at least one layer, found none");
  CHECK(error_of("Mlp(ReLU, Dense(1, 2))") == "architecture: ReLU: expected the name of a loss");
  CHECK(error_of("Mlp(Hinge, Conv(1, 2))") == "architecture: Conv: expected the name of a layer");
  CHECK(error_of("Mlp(Hinge, Dense(1, 2, Relu))") ==
        "architecture: Relu: expected the name of an activation");
  CHECK(error_of("Mlp(Hinge, Dense(1))") == "architecture: Dense: expected 2 sizes, found 1");
  CHECK(error_of("Mlp(Hinge, Activate(1))") == "architecture: Activate: expected 1 parts, found 0");
  CHECK(error_of("Mlp(Hinge, Dense(1, 2, 3))") ==
        "architecture: Dense: expected its sizes, parts and options alone, as in Dense(1, 2)");
  CHECK(error_of("Mlp(Hinge, Dropout(2, q=1))") ==
        "architecture: Dropout: expected its sizes, parts and options alone, as in Dropout(2, p=0.5)");
  std::string many = "Mlp(Hinge, Residual(Dropout(2)";
  for (int i = 0; i < 1000; ++i) many += ", Dropout(2)";
  CHECK(error_of(many + ", q=1))").size() < 300);
  CHECK(error_of("Mlp(Hinge, Dropout(2, p=2))") == "Dropout: expected a probability in [0, 1), found 2");
  CHECK(error_of("Mlp(Hinge, Dense(1, 2), Dense(3, 1))") ==
        "mlp: layer 1: expected 2 inputs, as the layer before it has outputs, found 3");
  CHECK(error_of("Mlp(Hinge, Residual(Dense(1, 2)))") ==
        "Residual: expected 1 outputs, as it has inputs, found 2");
  CHECK(
      error_of("Mlp(Hinge, Dense(1000000000, 1000000000), Dense(1000000000, 1000000000))") ==
      "mlp: expected a size in [0, 1152921504606846975], which memory could hold, found 2000000002000000000");
  CHECK(error_of("Mlp(Huber(delta=-1), Dense(1, 1))") == "Huber: expected delta > 0, found -1");
}
