#include <mlp/data/byte_matrix.hpp>

#include <mlp/activation/tanh.hpp>
#include <mlp/base/random.hpp>
#include <mlp/core/network.hpp>
#include <mlp/data/dataset.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/training/evaluate.hpp>
#include <mlp/training/fit.hpp>

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "message_of.hpp"

using namespace mlp;

namespace {

// 3 x n bytes, among them 0 and 255, and their labels.
Dataset<Labels, float, ByteMatrix<float>> numbered(Index n) {
  Matrix<std::uint8_t> bytes(3, n);
  for (Index i = 0; i < bytes.size(); ++i) bytes(i) = static_cast<std::uint8_t>(255 - 37 * i);
  Labels labels(n);
  for (Index j = 0; j < n; ++j) labels(j) = bytes(0, j) < 128 ? 0 : 1;
  return Dataset{ByteMatrix<float>(bytes), labels};
}

}  // namespace

TEST_CASE_TEMPLATE("ByteMatrix: a byte stands for byte / divisor", S, float, double) {
  Matrix<std::uint8_t> bytes(2, 128);
  for (Index i = 0; i < bytes.size(); ++i) bytes(i) = static_cast<std::uint8_t>(i);
  for (const S divisor : {S(255), S(1), S(-3)}) {
    const ByteMatrix<S> x(bytes, divisor);
    CHECK(x.rows() == 2);
    CHECK(x.cols() == 128);
    CHECK(x.bytes() == bytes);
    CHECK(x.divisor() == divisor);
    const Matrix<S> expected = bytes.template cast<S>() / divisor;
    CHECK(x.matrix() == expected);
    CHECK(x.middleCols(5, 3) == expected.middleCols(5, 3));
    CHECK(x.middleCols(128, 0).size() == 0);
  }
  CHECK(ByteMatrix<S>(bytes).matrix() == bytes.template cast<S>() / S(255));
  CHECK(ByteMatrix<S>().matrix().size() == 0);
}

TEST_CASE("ByteMatrix: a divisor that is 0 or not finite is an error") {
  for (const float divisor :
       {0.f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()}) {
    CHECK_THROWS_AS(ByteMatrix<float>({}, divisor), std::invalid_argument);
  }
  CHECK(message_of([] { ByteMatrix<float>({}, 0); }) ==
        "ByteMatrix: expected a finite divisor other than 0, found 0");
}

TEST_CASE("Dataset of bytes: split keeps bytes, each with its target") {
  const auto data = numbered(9);
  static_assert(std::is_same_v<decltype(data.x), ByteMatrix<float>>);
  Rng rng{1}, same{1};
  const auto parts = split(data, 0.4, rng);
  const auto expected = split(Dataset{data.x.matrix(), data.t}, 0.4, same);
  CHECK(parts.first.x.bytes().cols() == 4);
  CHECK(parts.first.x.matrix() == expected.first.x);
  CHECK(parts.first.t == expected.first.t);
  CHECK(parts.second.x.matrix() == expected.second.x);
  CHECK(parts.second.t == expected.second.t);
}

TEST_CASE("Dataset of bytes: fit and evaluate give the bits of the same numbers as floats") {
  const auto bytes = numbered(1100);  // evaluate takes 1024 at a time
  Dataset<Labels> floats{bytes.x.matrix(), bytes.t};
  using Net = Mlp<SoftmaxCrossEntropy, Dense<3, 4, Tanh>, Dense<4, 2>>;
  const auto train = [](const auto& data, const FitOptions& options) {
    Net net;
    Rng rng{7};
    net.initialize(rng);
    const double before = evaluate(net, data).loss;
    const History history = fit(net, data, Sgd{.learning_rate = 0.1}, options);
    CHECK(evaluate(net, data).loss < before);
    return Vector<float>(net.parameters());
  };
  CHECK(train(bytes, {.epochs = 2, .batch_size = 30}) == train(floats, {.epochs = 2, .batch_size = 30}));
  const FitOptions held_out{.epochs = 2, .batch_size = 64, .validation_fraction = 0.2, .patience = 1};
  CHECK(train(bytes, held_out) == train(floats, held_out));
  Net net;
  CHECK(evaluate(net, bytes).loss == evaluate(net, floats).loss);
}
