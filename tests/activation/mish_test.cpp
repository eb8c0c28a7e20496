#include <mlp/activation/mish.hpp>

#include <doctest/doctest.h>

#include "activation/check_activation.hpp"

using mlp::Mish;

static_assert(mlp::Activation<Mish, float> && mlp::Activation<Mish, double>);

// The rounding of t near 1, epsilon / 2, becomes an error of epsilon in (1 - t) (1 + t), which is multiplied
// by z while 1 - t is not 0: up to -log(epsilon) / 2 = 18. delta = 2 doubles it; 4 allow for the rest.
TEST_CASE_TEMPLATE("Mish: values and derivatives are PyTorch's", S, float, double) {
  activation::check_golden<S>(Mish{}, golden::mish, 40);
}

TEST_CASE_TEMPLATE("Mish: far from 0", S, float, double) { activation::check_far<S>(Mish{}, 0, 1); }

TEST_CASE_TEMPLATE("Mish: NaN stays NaN", S, float, double) { activation::check_nan<S>(Mish{}); }

TEST_CASE_TEMPLATE("Mish: the same value gives the same bits everywhere", S, float, double) {
  activation::check_bits<S>(Mish{});
}
