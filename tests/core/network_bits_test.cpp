// Static, dynamic and mixed sizes give the same bits: in training, in prediction, with one sample and with
// many. Built twice: like all tests, and optimized for the machine that runs them (see CMakeLists.txt).
#include <doctest/doctest.h>

#include <mlp/activation/leaky_relu.hpp>
#include <mlp/activation/sigmoid.hpp>
#include <mlp/activation/tanh.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/views.hpp>
#include <mlp/layer/activate.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/layer/layer_norm.hpp>
#include <mlp/layer/residual.hpp>
#include <mlp/loss/binary_cross_entropy.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/training/fit.hpp>

using namespace mlp;

namespace {

template <class Net>
Net initialized(Net net) {
  Rng rng{3};
  net.initialize(rng);
  return net;
}

// Irregular numbers, in a matrix of fixed sizes.
template <int Rows, int Cols>
auto numbers() {
  Eigen::Matrix<float, Rows, Cols> x;
  Rng rng{7};
  fill(x, [&] { return rng.normal(); });
  return x;
}

// Parameters and state after some steps, with a static or dynamic batch size.
template <class Net, class X, class T>
Vector<float> train(Net net, const X& x, const T& t) {
  Trainer trainer(net, Sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 1e-3});
  for (int i = 0; i < 50; ++i) trainer.step(x, t);
  Vector<float> trained(net.parameter_count() + net.state_count());
  trained << net.parameters(), net.state();
  return trained;
}

}  // namespace

TEST_CASE("a tiny network: the bits do not depend on which sizes are static") {
  using Static = Mlp<BinaryCrossEntropy, Dense<2, 8, Tanh>, Dense<8, 1>>;
  using Run = Mlp<BinaryCrossEntropy, Dense<Dynamic, Dynamic, Tanh>, Dense<Dynamic, Dynamic>>;
  using Mixed = Mlp<BinaryCrossEntropy, Dense<2, Dynamic, Tanh>, Dense<Dynamic, 1>>;
  const auto a = initialized(Static{});
  const auto b = initialized(Run({2, 8}, {8, 1}));
  const auto c = initialized(Mixed({2, 8}, {8, 1}));
  REQUIRE(a.parameters() == b.parameters());

  const Eigen::Matrix<float, 2, 4> x{{0, 0, 1, 1}, {0, 1, 0, 1}};
  const Eigen::Matrix<float, 1, 4> t{0, 1, 1, 0};
  const Matrix<float> dynamic_x = x, dynamic_t = t;
  const Vector<float> expected = train(a, x, t);
  CHECK(expected == train(a, dynamic_x, dynamic_t));
  CHECK(expected == train(b, x, t));
  CHECK(expected == train(b, dynamic_x, dynamic_t));
  CHECK(expected == train(c, x, t));
  CHECK(expected == train(c, dynamic_x, dynamic_t));
  CHECK(a.predict(x) == b.predict(dynamic_x));
}

TEST_CASE("layers large enough for packed operands, sizes that do not fill registers evenly") {
  using Static = Mlp<SoftmaxCrossEntropy, Dense<37, 65, LeakyReLU>, Dense<65, 19, Sigmoid>, Dense<19, 3>>;
  using Run = Mlp<SoftmaxCrossEntropy, Dense<Dynamic, Dynamic, LeakyReLU>, Dense<Dynamic, Dynamic, Sigmoid>,
                  Dense<Dynamic, Dynamic>>;
  const auto a = initialized(Static{});
  const auto b = initialized(Run({37, 65}, {65, 19}, {19, 3}));
  const auto x = numbers<37, 23>();
  const Labels t = Labels::LinSpaced(23, 0, 22).unaryExpr([](int i) { return i % 3; });
  const Matrix<float> dynamic_x = x;
  const Vector<float> expected = train(a, x, t);
  CHECK(expected == train(a, dynamic_x, t));
  CHECK(expected == train(b, dynamic_x, t));
  CHECK(a.predict(x) == b.predict(dynamic_x));

  const Eigen::Matrix<float, 37, 1> one = x.col(5);
  const Vector<float> dynamic_one = one;
  CHECK(a.predict(one) == b.predict(dynamic_one));
  CHECK(a.predict(one) == a.predict(dynamic_one));
}

TEST_CASE("every kind of layer, with sizes that do not fill tiles evenly") {
  using Static =
      Mlp<SoftmaxCrossEntropy, LayerNorm<37>, Dense<37, 19>, BatchNorm<19>, Activate<19, LeakyReLU>,
          Dropout<19>, Residual<LayerNorm<19>, Dense<19, 7, Tanh>, BatchNorm<7>, Dense<7, 19>>, Dense<19, 3>>;
  using Sized = Dense<Dynamic, Dynamic>;
  using SizedTanh = Dense<Dynamic, Dynamic, Tanh>;
  using Block = Residual<LayerNorm<Dynamic>, SizedTanh, BatchNorm<Dynamic>, Sized>;
  using Run = Mlp<SoftmaxCrossEntropy, LayerNorm<Dynamic>, Sized, BatchNorm<Dynamic>,
                  Activate<Dynamic, LeakyReLU>, Dropout<Dynamic>, Block, Sized>;
  const Block block(LayerNorm<Dynamic>(19), SizedTanh(19, 7), BatchNorm<Dynamic>(7), Sized(7, 19));
  auto a = initialized(Static{});
  auto b = initialized(Run(LayerNorm<Dynamic>(37), {37, 19}, BatchNorm<Dynamic>(19),
                           Activate<Dynamic, LeakyReLU>(19), Dropout<Dynamic>(19), block, {19, 3}));
  const auto x = numbers<37, 23>();
  const Labels t = Labels::LinSpaced(23, 0, 22).unaryExpr([](int i) { return i % 3; });
  const Matrix<float> dynamic_x = x;
  const Vector<float> expected = train(a, x, t);
  CHECK(expected == train(a, dynamic_x, t));
  CHECK(expected == train(b, x, t));
  CHECK(expected == train(b, dynamic_x, t));

  a.parameters() = b.parameters() = expected.head(a.parameter_count());
  a.state() = b.state() = expected.tail(a.state_count());
  CHECK(a.predict(x) == b.predict(dynamic_x));
  const Eigen::Matrix<float, 37, 1> one = x.col(5);
  const Vector<float> dynamic_one = one;
  CHECK(a.predict(one) == b.predict(dynamic_one));
  CHECK(a.predict(one) == a.predict(dynamic_one));
}
