#include <mlp/activation/tanh.hpp>
#include <mlp/layer/activate.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/layer_norm.hpp>
#include <mlp/layer/residual.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/training/trainer.hpp>

#include <doctest/doctest.h>

#include <limits>

#include "golden/compare.hpp"
#include "golden/layers.hpp"

/// A trained network with norms and a residual block, compared with PyTorch.

using namespace mlp;

namespace {

using Block = Residual<LayerNorm<6>, Dense<6, 5, Tanh>, Dense<5, 6>, BatchNorm<6>>;
template <class S>
using Static = BasicMlp<S, SoftmaxCrossEntropy, Dense<4, 6>, BatchNorm<6>, Activate<6, Tanh>, Block,
                        LayerNorm<6>, Dense<6, 3>>;

// A number of a pass results from a chain of sums over at most 6 units and 7 samples through ten layers; only
// norms increase an error, at most twofold, and a step is a tenth of the gradient. 20 steps and a pass
// therefore add the errors of 20 / 10 + 1 passes.
template <class S>
constexpr double bound = 3 * 10 * 2 * (6 + 7) * static_cast<double>(std::numeric_limits<S>::epsilon());

template <class Net>
void check_training(Net net) {
  using S = typename Net::Scalar;
  constexpr Index half = 7;
  net.parameters() = golden::matrix<S, double>(golden::residual_net_start, net.parameter_count(), 1);
  const auto x = golden::matrix<S, double>(golden::residual_net_x, 4, 2 * half);
  const Labels t = golden::matrix<int, int>(golden::residual_net_t, 2 * half, 1);

  Trainer trainer(net, Sgd{.learning_rate = 0.1, .momentum = 0.5});
  Vector<S> losses(20);
  for (Index i = 0; i < 20; ++i) {
    const Index begin = i % 2 * half;
    losses(i) = trainer.step(x.middleCols(begin, half), t.segment(begin, half));
  }
  CHECK(golden::worst_error(losses, golden::residual_net_losses) <= bound<S>);
  CHECK(golden::worst_error(net.parameters(), golden::residual_net_parameters) <= bound<S>);
  CHECK(golden::worst_error(net.state(), golden::residual_net_state) <= bound<S>);
  CHECK(golden::worst_error(net.predict(x), golden::residual_net_predictions) <= bound<S>);

  auto ws = net.workspace();
  net.forward_eval(x, ws);
  ws.output_gradient().setZero();
  ws.output_gradient().row(0).setOnes();
  Vector<S> gradient;
  Matrix<S> dx;
  net.backward(x, ws, gradient, dx);
  CHECK(golden::worst_error(dx, golden::residual_net_dx) <= bound<S>);
}

}  // namespace

TEST_CASE_TEMPLATE("PyTorch: 20 steps of a network with norms and a residual block", S, float, double) {
  check_training(Static<S>());
  using Sized = Dense<Dynamic, Dynamic>;
  using SizedTanh = Dense<Dynamic, Dynamic, Tanh>;
  using Norm = LayerNorm<Dynamic>;
  using Batch = BatchNorm<Dynamic>;
  using SizedBlock = Residual<Norm, SizedTanh, Sized, Batch>;
  check_training(
      BasicMlp<S, SoftmaxCrossEntropy, Sized, Batch, Activate<Dynamic, Tanh>, SizedBlock, Norm, Sized>(
          Sized(4, 6), Batch(6), Activate<Dynamic, Tanh>(6),
          SizedBlock(Norm(6), SizedTanh(6, 5), Sized(5, 6), Batch(6)), Norm(6), Sized(6, 3)));
}
