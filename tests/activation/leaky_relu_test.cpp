#include <mlp/activation/leaky_relu.hpp>
#include <mlp/layer/dense.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>

#include "activation/check_activation.hpp"

using mlp::LeakyReLU;

static_assert(mlp::Activation<LeakyReLU, float> && mlp::Activation<LeakyReLU, double>);

// The slope and the product are rounded once each.
TEST_CASE_TEMPLATE("LeakyReLU: values and derivatives are PyTorch's", S, float, double) {
  activation::check_golden<S>(LeakyReLU{}, golden::leaky_relu, 1);
  activation::check_golden<S>(LeakyReLU{.negative_slope = 0.2}, golden::leaky_relu_02, 1);
  activation::check_golden<S>(LeakyReLU{.negative_slope = 0}, golden::relu, 0);
}

TEST_CASE_TEMPLATE("LeakyReLU: NaN stays NaN", S, float, double) { activation::check_nan<S>(LeakyReLU{}); }

TEST_CASE_TEMPLATE("LeakyReLU: the same value gives the same bits everywhere", S, float, double) {
  activation::check_bits<S>(LeakyReLU{});
}

TEST_CASE("LeakyReLU: a layer rejects a slope that is not positive or 0") {
  using Static = mlp::Dense<2, 3, LeakyReLU>;
  using Sized = mlp::Dense<mlp::Dynamic, mlp::Dynamic, LeakyReLU>;
  CHECK_THROWS_WITH_AS(Static{LeakyReLU{-0.5}}, "LeakyReLU: expected negative_slope >= 0, found -0.5",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(Sized(2, 3, LeakyReLU{-2}), "LeakyReLU: expected negative_slope >= 0, found -2",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(Static{LeakyReLU{std::numeric_limits<double>::quiet_NaN()}},
                       doctest::Contains("expected negative_slope >= 0, found nan"), std::invalid_argument);
  CHECK(Static{LeakyReLU{0}}.activation().negative_slope == 0);
}
