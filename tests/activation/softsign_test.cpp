#include <mlp/activation/softsign.hpp>

#include <doctest/doctest.h>

#include "activation/check_activation.hpp"

using mlp::Softsign;

static_assert(mlp::Activation<Softsign, float> && mlp::Activation<Softsign, double>);

// A sum and a quotient; squaring doubles the error of 1 - |a|, and so does delta = 2.
TEST_CASE_TEMPLATE("Softsign: values and derivatives are PyTorch's", S, float, double) {
  activation::check_golden<S>(Softsign{}, golden::softsign, 4);
}

TEST_CASE_TEMPLATE("Softsign: far from 0", S, float, double) {
  activation::check_far<S>(Softsign{}, -1, 0, 1);
}

TEST_CASE_TEMPLATE("Softsign: NaN stays NaN", S, float, double) { activation::check_nan<S>(Softsign{}); }

TEST_CASE_TEMPLATE("Softsign: the same value gives the same bits everywhere", S, float, double) {
  activation::check_bits<S>(Softsign{});
}
