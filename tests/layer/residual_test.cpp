#include <doctest/doctest.h>

#include <mlp/base/random.hpp>
#include <mlp/layer/activate.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/layer/layer_norm.hpp>
#include <mlp/layer/residual.hpp>

#include "layer/check_layer.hpp"
#include "message_of.hpp"

using namespace mlp;

namespace {

using Run = Dense<Dynamic, Dynamic>;
using RunTanh = Dense<Dynamic, Dynamic, Tanh>;

}  // namespace

TEST_CASE("Residual: gradients") {
  check_layer_gradients(Residual<Dense<19, 7, Tanh>, Dense<7, 19>>(),
                        Residual<RunTanh, Run>(RunTanh(19, 7), Run(7, 19)));
  check_layer_gradients(Residual<Dense<3, 3, Tanh>>(), Residual<RunTanh>(RunTanh(3, 3)));
}

TEST_CASE("Residual: gradients with inner norms and dropout, and of nested blocks") {
  check_layer_gradients(
      Residual<LayerNorm<6>, Dense<6, 9, Tanh>, BatchNorm<9>, Dropout<9>, Dense<9, 6>>(),
      Residual<LayerNorm<Dynamic>, RunTanh, BatchNorm<Dynamic>, Dropout<Dynamic>, Run>(
          LayerNorm<Dynamic>(6), RunTanh(6, 9), BatchNorm<Dynamic>(9), Dropout<Dynamic>(9), Run(9, 6)));
  using Inner = Residual<BatchNorm<6>, Activate<6, Tanh>, Dense<6, 6>>;
  using RunInner = Residual<BatchNorm<Dynamic>, Activate<Dynamic, Tanh>, Run>;
  check_layer_gradients(
      Residual<Inner, Dense<6, 6, Tanh>>(),
      Residual<RunInner, RunTanh>(RunInner(BatchNorm<Dynamic>(6), Activate<Dynamic, Tanh>(6), Run(6, 6)),
                                  RunTanh(6, 6)));
}

TEST_CASE("Residual: y = x + f(x), also in prediction") {
  using Block = Residual<Dense<4, 6, Tanh>, Dense<6, 4>>;
  static_assert(Block::inputs() == 4 && Block::outputs() == 4 && Block::parameter_count() == 30 + 28);
  Mlp<MeanSquaredError, Dense<4, 6, Tanh>, Dense<6, 4>> f;
  Mlp<MeanSquaredError, Block> net;
  Rng rng{1}, same{1};
  f.initialize(rng);
  net.initialize(same);
  REQUIRE(net.parameters() == f.parameters());
  const Matrix<float> x = normal_numbers<float>(4, 9), y = x + f.infer(x);
  auto ws = net.workspace();
  CHECK(net.infer(x) == y);
  CHECK(net.forward(x, ws) == y);
  CHECK(net.forward_eval(x, ws) == y);
}

TEST_CASE("Residual: first in a network, where dx is not needed") {
  Mlp<MeanSquaredError, Residual<LayerNorm<4>, Dense<4, 4, Tanh>>, Dense<4, 2>> net;
  Rng rng{1};
  net.initialize(rng);
  const Matrix<float> x = normal_numbers<float>(4, 9), t = normal_numbers<float>(2, 9, 5);
  auto ws = net.workspace();
  Vector<float> with, without;
  Matrix<float> dx;
  net.loss_and_gradient(x, t, ws, with, dx);
  net.loss_and_gradient(x, t, ws, without);
  CHECK(with == without);
}

TEST_CASE("Residual: views of the inner layers") {
  using Inner = Residual<Dense<2, 1>, Dense<1, 2>>;
  Mlp<MeanSquaredError, Dense<1, 2>, Residual<LayerNorm<2>, Inner>> net;
  net.parameters() = Vector<float>::LinSpaced(15, 0, 14);  // 4 of Dense, 4 of LayerNorm, 7 of Inner
  const auto& block = net.layer<1>();
  auto theta = net.slice<1>(net.parameters());
  CHECK(block.weights<0>(theta) == Vector<float>{{4, 5}});
  CHECK(block.bias<0>(theta) == Vector<float>{{6, 7}});
  const auto& inner = block.layer<1>();
  auto within = block.slice<1>(theta);
  CHECK(inner.weights<0>(within) == Eigen::RowVector2f{8, 9});
  CHECK(inner.bias<0>(within)(0) == 10);
  CHECK(inner.weights<1>(within) == Vector<float>{{11, 12}});
  inner.bias<1>(within)(1) = -1;
  CHECK(net.parameters()(14) == -1);
  CHECK(net.weight_mask() == Vector<float>{{1, 1, 0, 0, 0, 0, 0, 0, 1, 1, 0, 1, 1, 0, 0}});
}

TEST_CASE("Residual: the state consists of the inner layers' states") {
  static_assert(Residual<Dense<4, 4>>::state_count() == 0);
  using Block = Residual<BatchNorm<4>, Residual<Dense<4, 2>, BatchNorm<2>, Dense<2, 4>>>;
  static_assert(Block::state_count() == 12);
  BasicMlp<double, MeanSquaredError, Block> net;
  Rng rng{1};
  net.initialize(rng);
  net.parameters().setConstant(0.5);
  REQUIRE(net.state() == Vector<double>{{0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 1, 1}});
  const Matrix<double> x = normal_numbers<double>(4, 8);
  auto ws = net.workspace();
  net.forward(x, ws);
  net.update_state(ws);
  const Vector<double> mean = x.rowwise().mean();
  CHECK(net.state().head<4>().isApprox(0.1 * mean, 1e-14));
  // Four normalized numbers, halved, plus their halved sum, plus halves: mean 1/2 + 4/4.
  CHECK(net.state().segment<2>(8).isApprox(Eigen::Vector2d::Constant(0.1 * 1.5), 1e-14));
  CHECK((net.state().tail<2>().array() != 1).all());
}

TEST_CASE("Residual: is real-time safe, and its passes need no heap, if this holds for all inner layers") {
  using Fixed = Residual<LayerNorm<4>, Dense<4, 6, Tanh>, BatchNorm<6>, Dense<6, 4>>;
  using Within = Residual<Dense<4, Dynamic, Tanh>, Dense<Dynamic, 4>>;
  using Net = Mlp<MeanSquaredError, Dense<3, 4>, Fixed>;
  static_assert(Net::is_real_time<Eigen::Vector3f> && Net::workspace_is_fixed<8>);
  static_assert(!Net::is_real_time<Vector<float>> && !Net::workspace_is_fixed<Dynamic>);
  using Half = Mlp<MeanSquaredError, Dense<3, 4>, Residual<Within>>;
  static_assert(!Half::is_real_time<Eigen::Vector3f> && !Half::workspace_is_fixed<8>);
  static_assert(!noexcept(std::declval<const Half&>().predict(Eigen::Vector3f())));
}

TEST_CASE("Residual: sizes that disagree") {
  CHECK(message_of([] { Residual<Run>(Run(4, 5)); }) ==
        "Residual: expected 4 outputs, as it has inputs, found 5");
  CHECK(message_of([] {
          Residual<Run, Run>(Run(4, 5), Run(6, 4));
        }).find("layer 1: expected 5 inputs, as the layer before it has outputs, found 6") !=
        std::string::npos);
}
