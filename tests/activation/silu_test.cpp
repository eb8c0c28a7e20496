#include <mlp/activation/silu.hpp>

#include <doctest/doctest.h>

#include "activation/check_activation.hpp"

using mlp::SiLU;

static_assert(mlp::Activation<SiLU, float> && mlp::Activation<SiLU, double>);

// The rounding of s near 1, epsilon / 2, is multiplied by z while 1 - s is not 0: up to -log(epsilon) = 36.
// delta = 2 doubles it; 4 allow for the rest.
TEST_CASE_TEMPLATE("SiLU: values and derivatives are PyTorch's", S, float, double) {
  activation::check_golden<S>(SiLU{}, golden::silu, 40);
}

TEST_CASE_TEMPLATE("SiLU: far from 0", S, float, double) { activation::check_far<S>(SiLU{}, 0, 1); }

TEST_CASE_TEMPLATE("SiLU: NaN stays NaN", S, float, double) { activation::check_nan<S>(SiLU{}); }

TEST_CASE_TEMPLATE("SiLU: the same value gives the same bits everywhere", S, float, double) {
  activation::check_bits<S>(SiLU{});
}
