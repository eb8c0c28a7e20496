#include <mlp/derivative/jacobian.hpp>

#include <doctest/doctest.h>

#include <mlp/layer/activate.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/layer/layer_norm.hpp>
#include <mlp/layer/residual.hpp>
#include <mlp/loss/mean_squared_error.hpp>

#include "clusters.hpp"
#include "derivative/runtime_activation.hpp"
#include "message_of.hpp"

using namespace mlp;
using namespace derivative_test;

namespace {

void check_jacobian(const auto& net) {
  constexpr double h = 1e-5;
  const Vector<double> x = random_matrix(net.inputs(), 1, 8);
  const auto found = jacobian(net, x);
  for (Index i = 0; i < net.inputs(); ++i) {
    const Vector<double> step = h * Vector<double>::Unit(net.inputs(), i);
    const Vector<double> expected = (net.infer(x + step) - net.infer(x - step)) / (2 * h);
    CHECK((found.col(i) - expected).cwiseAbs().maxCoeff() <= 1e-8);
  }
}

template <class... Layers>
using Regression = BasicMlp<double, MeanSquaredError, Layers...>;

}  // namespace

TEST_CASE("Jacobian: PyTorch's numbers") {
  const auto x = golden::matrix<double>(std::span<const double>(golden::derivatives::x), 4, 7);
  for (const auto& golden_case : golden_cases) {  // clang++ 14 captures no structured binding
    const auto& f = golden_case.f;
    const auto& expected = golden_case.expected;
    CAPTURE(f.chosen.index());
    const auto net = golden_network(f, MeanSquaredError{});
    CHECK(golden::worst_error(jacobian(net, x.col(0)), expected.jacobian) <= golden_bound);
  }
}

TEST_CASE("Jacobian: the derivatives of predictions, without dropout and with running statistics") {
  check_jacobian(initialized<Regression<Dense<5, 7, Tanh>, Dense<7, 3>>>());
  check_jacobian(initialized<Regression<Dense<5, 7, GELU>, Dropout<7>, LayerNorm<7>, Dense<7, 3>>>());
  check_jacobian(
      initialized<Regression<LayerNorm<5>, Residual<Dense<5, 6, Tanh>, Dense<6, 5>>, Dense<5, 1>>>());
  check_jacobian(initialized<Regression<Dense<1, 4, SiLU>, Dense<4, 9>>>());
  auto net = initialized<Regression<Dense<5, 4>, BatchNorm<4>, Activate<4, Softplus>, Dense<4, 3>>>();
  net.state() << 0.1, -0.2, 0.3, 0.4, 0.5, 1.5, 2, 2.5;
  check_jacobian(net);
}

TEST_CASE("Jacobian: sizes stay fixed, and dynamic ones give the same bits for every form of x") {
  const auto net = initialized<Mlp<MeanSquaredError, Dense<4, 6, Tanh>, Dense<6, 3>>>();
  Mlp<MeanSquaredError, Dense<Dynamic, Dynamic, Tanh>, Dense<Dynamic, Dynamic>> same({4, 6}, {6, 3});
  same.parameters() = net.parameters();
  const Eigen::Vector4f x{0.5f, -0.25f, 0.75f, 1};
  const auto j = jacobian(net, x);
  static_assert(std::is_same_v<decltype(j), const Eigen::Matrix<float, 3, 4>>);
  const Matrix<float> batch = x.replicate(1, 3);
  CHECK(jacobian(net, Vector<float>(x)) == j);
  CHECK(jacobian(net, batch.middleCols(1, 1)) == j);
  CHECK(jacobian(net, 2 * x - x) == j);
  CHECK(jacobian(same, x) == j);
  CHECK(jacobian(same, batch.col(2)) == j);
  CHECK(message_of([&] { jacobian(net, batch); }) == "jacobian: expected 1 sample, found 3");
  CHECK(message_of([&] { jacobian(same, x.head(3)); }) ==
        "mlp: expected 4 rows in x, one for each input, found 3");
}
