#include <mlp/activation/tanh.hpp>

#include <doctest/doctest.h>

#include "activation/check_activation.hpp"

using mlp::Tanh;

static_assert(mlp::Activation<Tanh, float> && mlp::Activation<Tanh, double>);

// tanh is within 2 epsilon; 1 - a^2 doubles that error, and so does delta = 2.
TEST_CASE_TEMPLATE("Tanh: values and derivatives are PyTorch's", S, float, double) {
  activation::check_golden<S>(Tanh{}, golden::tanh, 8);
}

TEST_CASE_TEMPLATE("Tanh: NaN stays NaN", S, float, double) { activation::check_nan<S>(Tanh{}); }

TEST_CASE_TEMPLATE("Tanh: the same value gives the same bits everywhere", S, float, double) {
  activation::check_bits<S>(Tanh{});
}
