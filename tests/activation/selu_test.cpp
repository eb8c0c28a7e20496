#include <mlp/activation/selu.hpp>

#include <doctest/doctest.h>

#include "activation/check_activation.hpp"

using mlp::SELU;

static_assert(mlp::Activation<SELU, float> && mlp::Activation<SELU, double>);

// expm1 is within 1.3 epsilon, multiplied by lambda alpha = 1.76 and delta = 2; the
// roundings of the constants, the product and the sum add to that.
TEST_CASE_TEMPLATE("SELU: values and derivatives are PyTorch's", S, float, double) {
  activation::check_golden<S>(SELU{}, golden::selu, 8);
}

TEST_CASE_TEMPLATE("SELU: far from 0", S, float, double) {
  activation::check_far<S>(SELU{}, -SELU::lambda * SELU::alpha, SELU::lambda);
}

TEST_CASE_TEMPLATE("SELU: NaN stays NaN", S, float, double) { activation::check_nan<S>(SELU{}); }

TEST_CASE_TEMPLATE("SELU: the same value gives the same bits everywhere", S, float, double) {
  activation::check_bits<S>(SELU{});
}
