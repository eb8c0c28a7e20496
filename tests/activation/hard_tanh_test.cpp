#include <mlp/activation/hard_tanh.hpp>
#include <mlp/layer/dense.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>

#include "activation/check_activation.hpp"

using mlp::HardTanh;

static_assert(mlp::Activation<HardTanh, float> && mlp::Activation<HardTanh, double>);

// Nothing is rounded.
TEST_CASE_TEMPLATE("HardTanh: values and derivatives are PyTorch's", S, float, double) {
  activation::check_golden<S>(HardTanh{}, golden::hard_tanh, 0);
  activation::check_golden<S>(HardTanh{.min_value = -0.75, .max_value = 6}, golden::hard_tanh_075_6, 0);
}

TEST_CASE_TEMPLATE("HardTanh: far from 0", S, float, double) {
  activation::check_far<S>(HardTanh{}, -1, 0, 1);
}

TEST_CASE_TEMPLATE("HardTanh: NaN stays NaN", S, float, double) { activation::check_nan<S>(HardTanh{}); }

TEST_CASE_TEMPLATE("HardTanh: the same value gives the same bits everywhere", S, float, double) {
  activation::check_bits<S>(HardTanh{});
}

TEST_CASE("HardTanh: a layer rejects an empty range") {
  using Layer = mlp::Dense<2, 3, HardTanh>;
  CHECK_THROWS_WITH_AS((Layer{HardTanh{1, -1}}), "HardTanh: expected min_value < max_value, found 1 and -1",
                       std::invalid_argument);
  CHECK_THROWS_AS((Layer{HardTanh{1, 1}}), std::invalid_argument);
  CHECK_THROWS_AS((Layer{HardTanh{.max_value = std::numeric_limits<double>::quiet_NaN()}}),
                  std::invalid_argument);
  CHECK(Layer{HardTanh{0, 6}}.activation().max_value == 6);
}
