#include <mlp/activation/elu.hpp>
#include <mlp/layer/dense.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>

#include "activation/check_activation.hpp"

using mlp::ELU;

static_assert(mlp::Activation<ELU, float> && mlp::Activation<ELU, double>);

// expm1 is within 1.3 epsilon; alpha, two products, a sum and delta = 2 add to that.
TEST_CASE_TEMPLATE("ELU: values and derivatives are PyTorch's", S, float, double) {
  activation::check_golden<S>(ELU{}, golden::elu, 6);
  activation::check_golden<S>(ELU{.alpha = 1.5}, golden::elu_15, 8);
  activation::check_golden<S>(ELU{.alpha = 0}, golden::relu, 0);
}

TEST_CASE_TEMPLATE("ELU: far from 0", S, float, double) {
  activation::check_far<S>(ELU{}, -1, 1);
  activation::check_far<S>(ELU{.alpha = 1.5}, -1.5, 1);
}

TEST_CASE_TEMPLATE("ELU: NaN stays NaN", S, float, double) { activation::check_nan<S>(ELU{}); }

TEST_CASE_TEMPLATE("ELU: the same value gives the same bits everywhere", S, float, double) {
  activation::check_bits<S>(ELU{});
}

TEST_CASE_TEMPLATE("ELU: near 0, a is not a difference of larger numbers", S, float, double) {
  mlp::Vector<S> a{{S(-1e-6), S(-1e-20)}};
  const mlp::Vector<S> z = a;
  activation::forward(ELU{}, a);
  // a = z + z^2 / 2 + ...; 2 epsilon for expm1.
  const auto eps = static_cast<double>(std::numeric_limits<S>::epsilon());
  CHECK(std::abs(static_cast<double>(a(0) / z(0)) - (1 - 0.5e-6)) <= 2 * eps + 1e-12);
  CHECK(std::abs(static_cast<double>(a(1) / z(1)) - 1) <= 2 * eps);
}

TEST_CASE("ELU: a layer rejects an alpha that is not positive or 0") {
  using Layer = mlp::Dense<2, 3, ELU>;
  CHECK_THROWS_WITH_AS(Layer{ELU{-0.5}}, "ELU: expected alpha >= 0, found -0.5", std::invalid_argument);
  CHECK_THROWS_WITH_AS(Layer{ELU{std::numeric_limits<double>::quiet_NaN()}},
                       doctest::Contains("expected alpha >= 0, found nan"), std::invalid_argument);
  CHECK(Layer{ELU{0}}.activation().alpha == 0);
}
