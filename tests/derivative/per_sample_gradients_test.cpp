#include <mlp/derivative/per_sample_gradients.hpp>

#include <doctest/doctest.h>

#include <mlp/activation/tanh.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/views.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/loss/mean_squared_error.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>

#include <limits>

#include "clusters.hpp"
#include "message_of.hpp"

using namespace mlp;

namespace {

constexpr double eps = std::numeric_limits<double>::epsilon();

}  // namespace

TEST_CASE("per_sample_gradients: each column is the gradient of that sample, their mean the batch's") {
  const auto data = clusters<double>(7);
  const auto net = initialized<BasicMlp<double, SoftmaxCrossEntropy, Dense<2, 6, Tanh>, Dense<6, 3>>>();
  const auto each = per_sample_gradients(net, data.x, data.t);
  auto ws = net.workspace();
  Vector<double> gradient;
  for (Index j = 0; j < 7; ++j) {
    net.loss_and_gradient(data.x.col(j), data.t.segment(j, 1), ws, gradient);
    CHECK((each.col(j) - gradient).cwiseAbs().maxCoeff() <= 8 * eps);
  }
  net.loss_and_gradient(data.x, data.t, ws, gradient);
  CHECK((each.rowwise().mean() - gradient).cwiseAbs().maxCoeff() <= 32 * eps);
  CHECK(message_of([&] { per_sample_gradients(net, data.x, data.t.head(6)); }) ==
        "per_sample_gradients: expected 7 targets, one for each sample, found 6");
}

TEST_CASE("per_sample_gradients: a matrix of targets, fixed sizes, masks from the rng") {
  const auto net =
      initialized<BasicMlp<double, MeanSquaredError, Dense<3, 6, Tanh>, Dropout<6>, Dense<6, 2>>>();
  Eigen::Matrix<double, 3, 4> x;
  Eigen::Matrix<double, 2, 4, Eigen::RowMajor> t;
  Rng numbers{5};
  fill(x, [&] { return numbers.uniform(-1, 1); });
  fill(t, [&] { return numbers.uniform(-1, 1); });
  const auto each = per_sample_gradients(net, x, t, Rng{3});
  static_assert(decltype(each)::RowsAtCompileTime == 38 && decltype(each)::ColsAtCompileTime == 4);
  CHECK(each == per_sample_gradients(net, x, t, Rng{3}));
  CHECK(each != per_sample_gradients(net, x, t, Rng{4}));
  // The mask of 6 coefficients takes a whole number of draws: a batch draws the same masks.
  auto ws = net.workspace();
  ws.rng = Rng{3};
  Vector<double> gradient;
  net.loss_and_gradient(x, t, ws, gradient);
  CHECK((each.rowwise().mean() - gradient).cwiseAbs().maxCoeff() <= 32 * eps);
}
