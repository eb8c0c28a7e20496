#include <doctest/doctest.h>

#include <mlp/activation/relu.hpp>
#include <mlp/activation/sigmoid.hpp>
#include <mlp/core/network.hpp>
#include <mlp/layer/layer_norm.hpp>
#include <mlp/loss/binary_cross_entropy.hpp>
#include <mlp/loss/mean_squared_error.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string>
#include <thread>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "core/networks.hpp"
#include "message_of.hpp"

using namespace mlp;

namespace {

// A loss with two outputs for each target, which leaves the check of their number to the network.
struct TwoForEach : MeanSquaredError {
  static constexpr int outputs_per_target = 2;
};

}  // namespace

TEST_CASE("sizes are constant expressions where they are static, and cost nothing") {
  static_assert(Classifier::inputs() == 4 && Classifier::outputs() == 3 &&
                Classifier::parameter_count() == 51);
  Classifier net;
  static_assert(net.inputs() == 4 && net.outputs() == 3 && net.parameter_count() == 51);
  static_assert(Classifier::ParameterVector::SizeAtCompileTime == 51);
  using Regression = Mlp<MeanSquaredError, Dense<4, 6, Tanh>, Dense<6, 3>>;  // a loss without options
  constexpr std::size_t alignment = EIGEN_MAX_ALIGN_BYTES;
  constexpr std::size_t parameters = (51 * sizeof(float) + alignment - 1) / alignment * alignment;
  // libc++'s tuple of empty layers has a size, which moves what follows by one alignment.
  constexpr bool is_empty = std::is_empty_v<std::tuple<Dense<4, 6, Tanh>, Dense<6, 3>>>;
  static_assert(sizeof(Regression) <= parameters + (is_empty ? 0 : alignment));
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

  // Many more samples than one block of a prediction.
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

TEST_CASE("any dense Eigen object with the right scalar type is accepted") {
  const auto net = initialized(Classifier{});
  const Matrix<float> big = numbers(4, 20);
  const Labels t = labels(20, 3);
  const Matrix<float> expected = net.predict(Matrix<float>(big.middleCols(3, 5)));
  CHECK(net.predict(big.middleCols(3, 5)) == expected);
  CHECK(net.predict(Eigen::Map<const Matrix<float>>(big.data() + 12, 4, 5)) == expected);
  CHECK(net.predict(2 * (0.5f * big.middleCols(3, 5))) == expected);
  const Eigen::Matrix<float, 4, 5> fixed = big.middleCols(3, 5);
  CHECK(net.predict(fixed) == expected);
  const Eigen::Matrix<float, Dynamic, Dynamic, Eigen::RowMajor> row_major = big.middleCols(3, 5);
  CHECK(net.predict(row_major) == expected);
  const Matrix<float> taller = (Matrix<float>(7, 20) << numbers(3, 20), big).finished();
  CHECK(net.predict(taller.bottomRows(4).middleCols(3, 5)) == expected);

  auto ws = net.workspace(5);
  Vector<float> a, b;
  net.loss_and_gradient(big.middleCols(3, 5), t.segment(3, 5), ws, a);
  net.loss_and_gradient(Matrix<float>(big.middleCols(3, 5)), Labels(t.segment(3, 5)), ws, b);
  CHECK(a == b);
  net.loss_and_gradient(row_major, t.segment(3, 5), ws, b);
  CHECK(a == b);
}

TEST_CASE("a row-major x gives the same numbers, also where the first layer works column by column") {
  const auto net = initialized(Mlp<MeanSquaredError, LayerNorm<3>, Dense<3, 2>>{});
  const Matrix<float> x = numbers(3, 5), t = numbers(2, 5, 7);
  const Eigen::Matrix<float, Dynamic, Dynamic, Eigen::RowMajor> row_major = x;
  CHECK(net.predict(row_major) == net.predict(x));
  auto ws = net.workspace(5);
  Vector<float> expected, found;
  Matrix<float> expected_dx, found_dx;
  net.loss_and_gradient(x, t, ws, expected, expected_dx);
  net.loss_and_gradient(row_major, t, ws, found, found_dx);
  CHECK(found == expected);
  CHECK(found_dx == expected_dx);
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

#if !defined __EMSCRIPTEN__ || defined __EMSCRIPTEN_PTHREADS__  // has threads
TEST_CASE("predict in several threads") {
  const auto net = initialized(Dynamic3({4, 6}, {6, 3}));
  const Matrix<float> x = numbers(4, 600);
  const Matrix<float> expected = net.predict(x);
  std::vector<int> wrong(4, 0);
  std::vector<std::thread> threads;
  for (int& count : wrong) {
    threads.emplace_back([&] {
      for (int i = 0; i < 20; ++i) count += net.predict(x) != expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  CHECK(wrong == std::vector<int>(4, 0));
}
#endif

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
  // Eigen's vectorized exp is never below the smallest normal number.
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

TEST_CASE("errors of sizes at run time name the place, the expected and the found size") {
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

TEST_CASE("options of the loss: checked against the outputs, and kept by cast") {
  const auto with = [](SoftmaxCrossEntropy loss) { return Classifier(std::move(loss), {}, {}); };
  CHECK(message_of([&] { with({.label_smoothing = 2}); }) ==
        "SoftmaxCrossEntropy: expected label_smoothing in [0, 1), found 2");
  CHECK(message_of([&] {
          with({.class_weights = {1, 2}});
        }) == "SoftmaxCrossEntropy: expected class_weights for 3 classes, found 2");
  CHECK(message_of([] { Mlp<TwoForEach, Dense<4, 3>>(); }) ==
        "mlp: expected 2 outputs for each target, or a multiple, found 3");
  const auto wide = with({.class_weights = {1, 2, 3}, .label_smoothing = 0.25}).cast<double>();
  CHECK(wide.loss_function().class_weights == std::vector<double>{1, 2, 3});
  CHECK(wide.loss_function().label_smoothing == 0.25);
}
