#include <mlp/activation/relu.hpp>

#include <doctest/doctest.h>

#include "activation/check_activation.hpp"

using mlp::ReLU;

static_assert(mlp::Activation<ReLU, float> && mlp::Activation<ReLU, double>);

// Nothing is rounded.
TEST_CASE_TEMPLATE("ReLU: values and derivatives are PyTorch's", S, float, double) {
  activation::check_golden<S>(ReLU{}, golden::relu, 0);
}

TEST_CASE_TEMPLATE("ReLU: NaN stays NaN", S, float, double) { activation::check_nan<S>(ReLU{}); }

TEST_CASE_TEMPLATE("ReLU: the same value gives the same bits everywhere", S, float, double) {
  activation::check_bits<S>(ReLU{});
}
