#include <mlp/activation/tanh.hpp>

#include <doctest/doctest.h>

#include "activation/check_activation.hpp"

using mlp::Tanh;

static_assert(mlp::Activation<Tanh, float> && mlp::Activation<Tanh, double>);

// Eigen's tanh is within 4 epsilon in float; 1 - a^2 doubles that error, and so does delta = 2.
TEST_CASE_TEMPLATE("Tanh: values and derivatives are PyTorch's", S, float, double) {
  activation::check_golden<S>(Tanh{}, golden::tanh, 16);
}

TEST_CASE_TEMPLATE("Tanh: NaN stays NaN", S, float, double) { activation::check_nan<S>(Tanh{}); }

TEST_CASE_TEMPLATE("Tanh: the same value gives the same bits everywhere", S, float, double) {
  activation::check_bits<S>(Tanh{});
}
