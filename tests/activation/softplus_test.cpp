#include <mlp/activation/softplus.hpp>
#include <mlp/layer/dense.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "activation/check_activation.hpp"

using mlp::Softplus;

static_assert(mlp::Activation<Softplus, float> && mlp::Activation<Softplus, double>);

// exp, Eigen's log1p and expm1 are within 1.5 epsilon each, and delta = 2 doubles the error.
TEST_CASE_TEMPLATE("Softplus: values and derivatives are PyTorch's", S, float, double) {
  activation::check_golden<S>(Softplus{}, golden::softplus, 6);
  activation::check_golden<S>(Softplus{.beta = 0.5}, golden::softplus_05, 6);
}

TEST_CASE_TEMPLATE("Softplus: far from 0", S, float, double) {
  activation::check_far<S>(Softplus{}, 0, 1);
  activation::check_far<S>(Softplus{.beta = 3}, 0, 1);
}

TEST_CASE_TEMPLATE("Softplus: NaN stays NaN", S, float, double) { activation::check_nan<S>(Softplus{}); }

TEST_CASE_TEMPLATE("Softplus: the same value gives the same bits everywhere", S, float, double) {
  activation::check_bits<S>(Softplus{});
}

TEST_CASE_TEMPLATE("Softplus: far below 0, a and a' are exp(z)", S, float, double) {
  mlp::Vector<S> a{{-20, -80}}, delta{{1, 1}};
  const mlp::Vector<S> z = a;
  activation::forward(Softplus{}, a);
  activation::backward(Softplus{}, z, a, delta);
  for (mlp::Index i = 0; i < z.size(); ++i) {
    const double expected = std::log1p(std::exp(static_cast<double>(z(i))));
    const double bound = 4 * static_cast<double>(std::numeric_limits<S>::epsilon());
    CHECK(std::abs(static_cast<double>(a(i)) / expected - 1) <= bound);
    CHECK(std::abs(static_cast<double>(delta(i)) / -std::expm1(-expected) - 1) <= bound);
  }
}

TEST_CASE("Softplus: a layer rejects a beta that is not positive") {
  using Layer = mlp::Dense<2, 3, Softplus>;
  CHECK_THROWS_WITH_AS(Layer{Softplus{0}}, "Softplus: expected beta > 0, found 0", std::invalid_argument);
  CHECK_THROWS_WITH_AS(Layer{Softplus{std::numeric_limits<double>::quiet_NaN()}},
                       doctest::Contains("expected beta > 0, found nan"), std::invalid_argument);
  CHECK(Layer{Softplus{0.5}}.activation().beta == 0.5);
}
