#include <mlp/activation/identity.hpp>

#include <doctest/doctest.h>

#include <vector>

#include "activation/check_activation.hpp"

using mlp::Identity;

static_assert(mlp::Activation<Identity, float> && mlp::Activation<Identity, double>);

TEST_CASE_TEMPLATE("Identity: a = z, a' = 1", S, float, double) {
  const std::vector<double> ones(std::size(golden::activation_points), 1.);
  activation::check_golden<S>(Identity{}, {golden::activation_points, ones}, 0);
}

TEST_CASE_TEMPLATE("Identity: NaN stays NaN", S, float, double) { activation::check_nan<S>(Identity{}); }

TEST_CASE_TEMPLATE("Identity: the same value gives the same bits everywhere", S, float, double) {
  activation::check_bits<S>(Identity{});
}
