#include <doctest/doctest.h>

#include <mlp/activation/relu.hpp>
#include <mlp/activation/sigmoid.hpp>
#include <mlp/activation/tanh.hpp>
#include <mlp/gradient_check.hpp>
#include <mlp/layer/activate.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/layer/layer_norm.hpp>
#include <mlp/layer/residual.hpp>
#include <mlp/loss/binary_cross_entropy.hpp>
#include <mlp/loss/gaussian_nll.hpp>
#include <mlp/loss/mean_squared_error.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/network.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/trainer.hpp>

#include <limits>
#include <thread>
#include <utility>
#include <vector>

#include "message_of.hpp"

using namespace mlp;

namespace {

using Classifier = Mlp<SoftmaxCrossEntropy, Dense<4, 6, Tanh>, Dense<6, 3>>;
using Normed = Mlp<SoftmaxCrossEntropy, Dense<4, 6>, BatchNorm<6>, Dropout<6>, Activate<6, Tanh>,
                   Residual<LayerNorm<6>, Dense<6, 5, Tanh>, BatchNorm<5>, Dense<5, 6>>, Dense<6, 3>>;
using Dynamic3 = Mlp<SoftmaxCrossEntropy, Dense<Dynamic, Dynamic, Tanh>, Dense<Dynamic, Dynamic>>;

template <class Net>
Net initialized(Net net, std::uint64_t seed = 1) {
  Rng rng{seed};
  net.initialize(rng);
  return net;
}

Matrix<float> numbers(Index rows, Index cols, std::uint64_t seed = 2) {
  Matrix<float> m(rows, cols);
  Rng rng{seed};
  fill(m, [&] { return rng.normal(); });
  return m;
}

Labels labels(Index count, int classes) {
  return Labels::LinSpaced(count, 0, static_cast<int>(count) - 1).unaryExpr([=](int i) {
    return i % classes;
  });
}

// A first layer with no backward pass that leaves dx out, and a cache that takes no batch size.
struct Scale : Inputs<4>, Outputs<4>, ParameterCount<4> {
  template <class S>
  struct Cache {};
  void initialize(auto& theta, Rng&) const { theta.setConstant(2); }
  void infer(const auto& theta, const auto& x, auto& y) const { y = theta.asDiagonal() * x; }
  void forward(const auto& theta, const auto& x, auto& y, auto&, Rng&) const { infer(theta, x, y); }
  void backward(const auto& theta, const auto& x, const auto&, auto&, auto& dy, auto& dtheta,
                auto& dx) const {
    dtheta = x.cwiseProduct(dy).rowwise().sum();
    dx = theta.asDiagonal() * dy;
  }
};

}  // namespace

TEST_CASE("sizes are constant expressions where they are static, and cost nothing") {
  static_assert(Classifier::inputs() == 4 && Classifier::outputs() == 3 &&
                Classifier::parameter_count() == 51);
  Classifier net;
  static_assert(net.inputs() == 4 && net.outputs() == 3 && net.parameter_count() == 51);
  static_assert(Classifier::ParameterVector::SizeAtCompileTime == 51);
  using Regression = Mlp<MeanSquaredError, Dense<4, 6, Tanh>, Dense<6, 3>>;  // a loss without options
  static_assert(sizeof(Regression) <= (51 * sizeof(float) + EIGEN_MAX_ALIGN_BYTES - 1) /
                                          EIGEN_MAX_ALIGN_BYTES * EIGEN_MAX_ALIGN_BYTES);
  CHECK(net.parameters().isZero());

  const Dynamic3 dynamic({4, 6}, {6, 3});
  CHECK(dynamic.inputs() == 4);
  CHECK(dynamic.outputs() == 3);
  CHECK(dynamic.parameter_count() == 51);
}

TEST_CASE("the parameters are one vector: layer after layer, W column-major, then b") {
  Mlp<MeanSquaredError, Dense<2, 3>, Dense<3, 1>> net;
  net.parameters() = Vector<float>::LinSpaced(13, 1, 13);
  CHECK(net.weights<0>() == Matrix<float>{{1, 4}, {2, 5}, {3, 6}});
  CHECK(net.bias<0>() == Vector<float>{{7, 8, 9}});
  CHECK(net.weights<1>() == Eigen::RowVector3f{10, 11, 12});
  CHECK(net.bias<1>()(0) == 13);
  net.weights<1>()(0, 2) = -1;
  CHECK(net.parameters()(11) == -1);

  const auto& constant = net;
  static_assert(std::is_const_v<std::remove_reference_t<decltype(*constant.parameters().data())>>);
  static_assert(std::is_const_v<std::remove_reference_t<decltype(*constant.weights<0>().data())>>);
  CHECK(reinterpret_cast<std::uintptr_t>(net.parameters().data()) % std::max(1, EIGEN_MAX_ALIGN_BYTES) == 0);
}

TEST_CASE("predict, infer, forward and loss agree") {
  const auto net = initialized(Classifier{});
  const Matrix<float> x = numbers(4, 9);
  const Labels t = labels(9, 3);
  auto ws = net.workspace(9);
  const Matrix<float> logits = net.forward(x, ws);
  CHECK(net.infer(x) == logits);
  const Matrix<float> p = net.predict(x);
  for (Index j = 0; j < 9; ++j) {
    const Eigen::Array3f e = (logits.col(j).array() - logits.col(j).maxCoeff()).exp();
    CHECK(p.col(j).isApprox((e / e.sum()).matrix(), 1e-6f));
    Index best = 0;
    p.col(j).maxCoeff(&best);
    CHECK(net.classify(x)(j) == best);
  }
  CHECK(net.loss(x, t) == doctest::Approx(net.loss_function().value(ws.outputs(), t)).epsilon(1e-6));

  // Many more samples than are worked on at a time.
  const Matrix<float> many = numbers(4, 1000);
  const Matrix<float> all = net.predict(many);
  for (const Index j : {0, 255, 256, 511, 999}) CHECK(all.col(j).isApprox(net.predict(many.col(j)), 1e-6f));
}

TEST_CASE("a matrix gives a matrix, a vector a vector, and fixed sizes stay fixed") {
  const auto net = initialized(Classifier{});
  static_assert(std::is_same_v<decltype(net.predict(Matrix<float>())), Matrix<float>>);
  static_assert(std::is_same_v<decltype(net.predict(Eigen::Vector4f())), Eigen::Vector3f>);
  static_assert(
      std::is_same_v<decltype(net.predict(Eigen::Matrix<float, 4, 5>())), Eigen::Matrix<float, 3, 5>>);
  const Dynamic3 dynamic({4, 6}, {6, 3});
  static_assert(std::is_same_v<decltype(dynamic.predict(Vector<float>())), Vector<float>>);
}

TEST_CASE("any dense Eigen object of the right scalar will do") {
  const auto net = initialized(Classifier{});
  const Matrix<float> big = numbers(4, 20);
  const Labels t = labels(20, 3);
  const Matrix<float> expected = net.predict(Matrix<float>(big.middleCols(3, 5)));
  CHECK(net.predict(big.middleCols(3, 5)) == expected);
  CHECK(net.predict(Eigen::Map<const Matrix<float>>(big.data() + 12, 4, 5)) == expected);
  CHECK(net.predict(2 * (0.5f * big.middleCols(3, 5))) == expected);
  const Eigen::Matrix<float, 4, 5> fixed = big.middleCols(3, 5);
  CHECK(net.predict(fixed).isApprox(expected, 1e-6f));
  const Eigen::Matrix<float, Dynamic, Dynamic, Eigen::RowMajor> row_major = big.middleCols(3, 5);
  CHECK(net.predict(row_major).isApprox(expected, 1e-6f));
  const Matrix<float> taller = (Matrix<float>(7, 20) << numbers(3, 20), big).finished();
  CHECK(net.predict(taller.bottomRows(4).middleCols(3, 5)) == expected);

  auto ws = net.workspace(5);
  Vector<float> a, b;
  net.loss_and_gradient(big.middleCols(3, 5), t.segment(3, 5), ws, a);
  net.loss_and_gradient(Matrix<float>(big.middleCols(3, 5)), Labels(t.segment(3, 5)), ws, b);
  CHECK(a == b);
  net.loss_and_gradient(row_major, t.segment(3, 5), ws, b);
  CHECK(a.isApprox(b, 1e-5f));
}

TEST_CASE("gradients of static, dynamic and mixed networks, with respect to the inputs too") {
  const Matrix<float> x = numbers(4, 7);
  const Labels t = labels(7, 3);
  const auto check = [&](const auto& net) {
    const GradientCheck result = check_gradient(net, x, t);
    CHECK(result.worst_error <= 1e-8);
    CHECK(result.worst_input_error <= 1e-8);
  };
  check(initialized(Classifier{}));
  check(initialized(Dynamic3({4, 6}, {6, 3})));
  check(initialized(Mlp<SoftmaxCrossEntropy, Dense<4, Dynamic, Sigmoid>, Dense<Dynamic, 3>>({4, 6}, {6, 3})));
  check(initialized(Mlp<SoftmaxCrossEntropy, Dense<4, 3>>{}));                     // one layer
  check(initialized(Mlp<SoftmaxCrossEntropy, Dense<4, 1, Tanh>, Dense<1, 3>>{}));  // one neuron
  check(initialized(Mlp<SoftmaxCrossEntropy, Scale, Dense<4, 3>>{}));
}

TEST_CASE("input gradients on request, and backward from a gradient of the caller's") {
  const auto net = initialized(Mlp<MeanSquaredError, Dense<4, 6, Tanh>, Dense<6, 2>>{});
  const Matrix<float> x = numbers(4, 5), t = numbers(2, 5, 8);
  auto ws = net.workspace(5);
  Vector<float> gradient, same;
  Matrix<float> dx, same_dx;
  net.loss_and_gradient(x, t, ws, gradient, dx);
  REQUIRE(gradient.size() == net.parameter_count());
  REQUIRE(dx.rows() == 4);
  REQUIRE(dx.cols() == 5);

  const auto y = net.forward(x, ws);
  ws.output_gradient() = 2.f / 10 * (y - t);
  net.backward(x, ws, same, same_dx);
  CHECK(gradient == same);
  CHECK(dx == same_dx);
  CHECK(ws.output<0>().rows() == 6);
}

TEST_CASE("results go where the caller says, or are refused where the place has gaps") {
  const auto net = initialized(Mlp<MeanSquaredError, Dense<4, 6, Tanh>, Dense<6, 2>>{});
  const Matrix<float> x = numbers(4, 5), t = numbers(2, 5, 8);
  auto ws = net.workspace(5);
  Vector<float> gradient;
  Matrix<float> dx, big = Matrix<float>::Constant(6, 9, 7);
  net.loss_and_gradient(x, t, ws, gradient, dx);
  // Some rows of a taller matrix: their columns do not follow each other.
  const auto refused = [&](auto&& block) {
    const std::string message = message_of([&] { net.loss_and_gradient(x, t, ws, gradient, block); });
    CHECK(message.find("expected room for a gradient with respect to the inputs of 4 x 5 contiguous") !=
          std::string::npos);
    CHECK((big.array() == 7).all());
  };
  refused(big.middleRows(1, 4).leftCols(5));
  refused(big.topLeftCorner(4, 5));
  refused(big.topLeftCorner<4, 5>());
  refused(big.middleCols(1, 5));
  refused(big.topLeftCorner(5, 4));

  // Some columns of a matrix as tall, and a segment of a longer vector.
  Matrix<float> wide = Matrix<float>::Constant(4, 9, 7);
  Vector<float> longer = Vector<float>::Constant(gradient.size() + 3, 7.f);
  net.loss_and_gradient(x, t, ws, longer.segment(2, gradient.size()), wide.middleCols(3, 5));
  CHECK(wide.middleCols(3, 5) == dx);
  CHECK((wide.leftCols(3).array() == 7).all());
  CHECK((wide.rightCols(1).array() == 7).all());
  CHECK(longer.segment(2, gradient.size()) == gradient);
  CHECK((longer.head(2).array() == 7).all());
  CHECK(longer(gradient.size() + 2) == 7);

  // A single sample has a single column.
  net.loss_and_gradient(x.leftCols(1), t.leftCols(1), ws, gradient, dx);
  net.loss_and_gradient(x.leftCols(1), t.leftCols(1), ws, gradient, big.block(1, 2, 4, 1));
  CHECK(big.block(1, 2, 4, 1) == dx);
  big.block(1, 2, 4, 1).setConstant(7);
  CHECK((big.array() == 7).all());
}

TEST_CASE("a first layer of the user's own needs no second backward pass") {
  const auto net = initialized(Mlp<MeanSquaredError, Scale, Dense<4, 2>>{});
  const Matrix<float> x = numbers(4, 5), t = numbers(2, 5, 8);
  auto ws = net.workspace(5);
  Vector<float> with, without;
  Matrix<float> dx;
  net.loss_and_gradient(x, t, ws, with, dx);
  net.loss_and_gradient(x, t, ws, without);
  CHECK(with == without);
}

TEST_CASE("copies are independent, moves keep the parameters") {
  auto net = initialized(Dynamic3({4, 6}, {6, 3}));
  const Vector<float> before = net.parameters();
  Dynamic3 copy = net;
  copy.parameters().setZero();
  CHECK(net.parameters() == before);
  copy = net;
  CHECK(copy.parameters() == before);
  const Dynamic3 moved = std::move(net);
  CHECK(moved.parameters() == before);
  static_assert(std::is_nothrow_move_constructible_v<Dynamic3> &&
                std::is_nothrow_move_constructible_v<Classifier>);
}

TEST_CASE("predict from many threads") {
  const auto net = initialized(Dynamic3({4, 6}, {6, 3}));
  const Matrix<float> x = numbers(4, 600);
  const Matrix<float> expected = net.predict(x);
  std::vector<int> wrong(4, 0);
  {
    std::vector<std::jthread> threads;
    for (int& count : wrong) {
      threads.emplace_back([&] {
        for (int i = 0; i < 20; ++i) count += net.predict(x) != expected;
      });
    }
  }
  CHECK(wrong == std::vector<int>(4, 0));
}

TEST_CASE("a workspace serves batches of any size") {
  const auto net = initialized(Classifier{});
  auto ws = net.workspace(16);
  Vector<float> gradient, expected;
  for (const Index batch : {16, 5, 1, 40, 3}) {
    const Matrix<float> x = numbers(4, batch);
    const Labels t = labels(batch, 3);
    auto fresh = net.workspace(batch);
    CHECK(net.loss_and_gradient(x, t, ws, gradient) == net.loss_and_gradient(x, t, fresh, expected));
    CHECK(gradient == expected);
  }
  auto fixed = net.workspace<5>();
  CHECK(message_of([&] { net.forward(numbers(4, 6), fixed); }) ==
        "Workspace: expected 5 samples in a batch, found 6");
  CHECK(message_of([&] { net.backward(numbers(4, 4), ws, gradient); }) ==
        "backward: expected 3 samples, as in the forward pass, found 4");
}

TEST_CASE("empty batches") {
  const auto net = initialized(Classifier{});
  const Matrix<float> none(4, 0);
  CHECK(net.predict(none).rows() == 3);
  CHECK(net.predict(none).cols() == 0);
  CHECK(net.classify(none).size() == 0);
  CHECK(message_of([&] { net.loss(none, Labels()); }) ==
        "mlp: expected at least one sample to take a mean loss of, found none");
  auto ws = net.workspace(1);
  Vector<float> gradient;
  CHECK(message_of([&] { net.loss_and_gradient(none, Labels(), ws, gradient); }).find("found none") !=
        std::string::npos);
}

TEST_CASE("logits of 1e4 and nan in the data") {
  auto net = initialized(Mlp<SoftmaxCrossEntropy, Dense<2, 3>>{});
  net.weights<0>() = Matrix<float>{{1e4f, 0}, {-1e4f, 0}, {0, 0}};
  const Matrix<float> x{{1, -1}, {0, 0}};
  // Eigen's vectorised exp never falls below the smallest normal number.
  const Matrix<float> wrong = net.predict(x) - Matrix<float>{{1, 0}, {0, 1}, {0, 0}};
  CHECK(wrong.cwiseAbs().maxCoeff() <= std::numeric_limits<float>::min());
  CHECK(net.loss(x, Labels{{0, 1}}) == 0);
  CHECK(net.loss(x, Labels{{1, 0}}) == 2e4f);

  const auto check_nan = [](const auto& network) {
    Matrix<float> bad = numbers(4, 3);
    bad(2, 1) = std::numeric_limits<float>::quiet_NaN();
    const auto p = network.predict(bad);
    CHECK(p.col(0).allFinite());
    CHECK(p.col(1).array().isNaN().all());
    CHECK(p.col(2).allFinite());
    CHECK(std::isnan(network.loss(bad, labels(3, 3))));
  };
  check_nan(initialized(Classifier{}));
  check_nan(initialized(Mlp<SoftmaxCrossEntropy, Dense<4, 6, ReLU>, Dense<6, 3>>{}));
  check_nan(initialized(Mlp<SoftmaxCrossEntropy, Dense<4, 6, Sigmoid>, Dense<6, 3>>{}));
}

TEST_CASE("classify with one output") {
  auto net = initialized(Mlp<BinaryCrossEntropy, Dense<1, 1>>{});
  net.parameters() << 1, 0;
  CHECK(net.classify(Eigen::RowVector3f{-1, 0, 2}) == Labels{{0, 0, 1}});
}

TEST_CASE("in double, and cast between the two") {
  const auto net = initialized(Classifier{});
  const BasicMlp<double, SoftmaxCrossEntropy, Dense<4, 6, Tanh>, Dense<6, 3>> wide = net.cast<double>();
  const Matrix<float> x = numbers(4, 5);
  CHECK(wide.predict(x.cast<double>()).isApprox(net.predict(x).cast<double>(), 1e-5));
  CHECK(wide.cast<float>().parameters() == net.parameters());
}

TEST_CASE("options of the loss: checked against the outputs, and taken along by cast") {
  const auto with = [](SoftmaxCrossEntropy loss) { return Classifier(std::move(loss), {}, {}); };
  CHECK(message_of([&] { with({.label_smoothing = 2}); }) ==
        "SoftmaxCrossEntropy: expected label_smoothing in [0, 1), found 2.000000");
  CHECK(message_of([&] {
          with({.class_weights = {1, 2}});
        }) == "SoftmaxCrossEntropy: expected class_weights for 3 classes, found 2");
  CHECK(message_of([] { Mlp<GaussianNLL, Dense<4, 3>>(); }) ==
        "mlp: expected 2 outputs for each target, or a multiple, found 3");
  const auto wide = with({.class_weights = {1, 2, 3}, .label_smoothing = 0.25}).cast<double>();
  CHECK(wide.loss_function().class_weights == std::vector<double>{1, 2, 3});
  CHECK(wide.loss_function().label_smoothing == 0.25);
}

TEST_CASE("the state: moved by a Trainer's steps alone, taken along by copies and casts, reset") {
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
  net.linearize(x, ws);
  net.update_state(ws);  // of a prediction there is nothing to take in
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

TEST_CASE("a step whose loss is not finite leaves the state as it was") {
  auto net = initialized(Normed{});
  const Vector<float> fresh = net.state();
  Matrix<float> x = numbers(4, 9);
  x(2, 5) = std::numeric_limits<float>::infinity();
  Trainer trainer(net, Sgd{.learning_rate = 0.1});
  CHECK_THROWS_AS(trainer.step(x, labels(9, 3)), std::runtime_error);
  CHECK(net.state() == fresh);
}

TEST_CASE("the weight mask: 1 for weights, 0 for biases and norms, all of a layer that says nothing") {
  const Mlp<MeanSquaredError, Dense<2, 1>, LayerNorm<1>, Dense<1, 4>, Scale> net;
  CHECK(net.weight_mask() ==
        Vector<float>{{1, 1, 0, /**/ 0, 0, /**/ 1, 1, 1, 1, 0, 0, 0, 0, /**/ 1, 1, 1, 1}});
}

TEST_CASE("slice: the part of a layer in any vector that is laid out as theta is") {
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

TEST_CASE("linearize: the derivatives of a prediction, without dropout and with the running statistics") {
  auto net = initialized(Normed{}).cast<double>();
  Matrix<double> x = numbers(4, 7).cast<double>();
  const Matrix<double> dy = numbers(3, 7, 5).cast<double>();
  {
    Trainer trainer(net, Sgd{.learning_rate = 0.1});
    trainer.step(x, labels(7, 3));  // so that the running statistics are not the first ones
  }
  auto ws = net.workspace();
  CHECK(net.linearize(x, ws).isApprox(net.infer(x), 1e-14));
  ws.output_gradient() = dy;
  Vector<double> gradient;
  Matrix<double> dx;
  net.backward(x, ws, gradient, dx);

  // Central differences are right to about h^2 + epsilon / h.
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
  CHECK(!(worst_error(x, dx) <= 1e-3));  // those of training are others
}

TEST_CASE("a network without parameters") {
  const Mlp<MeanSquaredError, Activate<4, Tanh>, Dropout<4>> net;
  static_assert(net.parameter_count() == 0);
  const Matrix<float> x = numbers(4, 3);
  CHECK(net.predict(x).isApprox(x.array().tanh().matrix(), 1e-6f));
  const GradientCheck result = check_gradient(net, x, numbers(4, 3, 5));
  CHECK(result.worst_input_error <= 1e-8);
}

TEST_CASE("sizes that disagree at run time say where, what was expected and what was found") {
  CHECK(message_of([] {
          Dynamic3({4, 6}, {7, 3});
        }) == "mlp: layer 1: expected 6 inputs, as the layer before it has outputs, found 7");
  const Dynamic3 net({4, 6}, {6, 3});
  CHECK(message_of([&] { net.predict(Matrix<float>(5, 2)); }) ==
        "mlp: expected 4 rows in x, one for each input, found 5");
  CHECK(message_of([&] { net.loss(numbers(4, 2), labels(3, 3)); }) ==
        "mlp: expected 2 targets, one for each sample, found 3");
  CHECK(message_of([&] { net.loss(numbers(4, 2), Matrix<float>(2, 2)); }) ==
        "mlp: expected 3 rows in t, one for each output, found 2");
  CHECK(message_of([&] {
          net.loss(numbers(4, 2), Labels{{0, 3}});
        }).find("[0, 3), found 3 for sample 1") != std::string::npos);
  auto ws = net.workspace(2);
  Eigen::Matrix<float, 5, 1> small;
  CHECK(message_of([&] {
          net.loss_and_gradient(numbers(4, 2), labels(2, 3), ws, small);
        }).find("expected room for a gradient of 51 x 1 contiguous coefficients, found 5 x 1") !=
        std::string::npos);
}
