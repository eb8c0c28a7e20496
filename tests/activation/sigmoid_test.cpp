#include <mlp/activation/sigmoid.hpp>

#include <doctest/doctest.h>

#include "activation/check_activation.hpp"

using mlp::Sigmoid;

static_assert(mlp::Activation<Sigmoid, float> && mlp::Activation<Sigmoid, double>);

// The sigmoid is within 1.7 epsilon; the error of a (1 - a) is no larger, and delta =
// 2 doubles it.
TEST_CASE_TEMPLATE("Sigmoid: values and derivatives are PyTorch's", S, float, double) {
  activation::check_golden<S>(Sigmoid{}, golden::sigmoid, 4);
}

TEST_CASE_TEMPLATE("Sigmoid: NaN stays NaN", S, float, double) { activation::check_nan<S>(Sigmoid{}); }

TEST_CASE_TEMPLATE("Sigmoid: the same value gives the same bits everywhere", S, float, double) {
  activation::check_bits<S>(Sigmoid{});
}
