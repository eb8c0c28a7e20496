#include <mlp/activation/gelu.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "activation/check_activation.hpp"

using mlp::GELU;

static_assert(mlp::Activation<GELU, float> && mlp::Activation<GELU, double>);

// Phi and its derivative are each within 3 epsilon and at most 1, and delta = 2 doubles the error.
TEST_CASE_TEMPLATE("GELU: values and derivatives are PyTorch's", S, float, double) {
  activation::check_golden<S>(GELU{}, golden::gelu, 8);
  activation::check_golden<S>(GELU{.approximate = true}, golden::gelu_approximate, 8);
}

TEST_CASE_TEMPLATE("GELU: far from 0", S, float, double) {
  activation::check_far<S>(GELU{}, 0, 1);
  activation::check_far<S>(GELU{.approximate = true}, 0, 1);
}

TEST_CASE_TEMPLATE("GELU: NaN stays NaN", S, float, double) {
  activation::check_nan<S>(GELU{});
  activation::check_nan<S>(GELU{.approximate = true});
}

TEST_CASE_TEMPLATE("GELU: the same value gives the same bits everywhere", S, float, double) {
  activation::check_bits<S>(GELU{});
  activation::check_bits<S>(GELU{.approximate = true});
}

TEST_CASE_TEMPLATE("GELU: a keeps its digits where Phi(z) is tiny, and so does a' near 0", S, float, double) {
  constexpr auto eps = static_cast<long double>(std::numeric_limits<S>::epsilon());
  for (const int k : {-2, -4, -8, -12}) {
    CAPTURE(k);
    mlp::Vector<S> a{{S(k)}};
    activation::forward(GELU{}, a);
    const long double z = k, expected = z / 2 * std::erfc(-z / std::sqrt(2.0L));
    // A relative error of epsilon in z / sqrt(2) causes one of z^2 epsilon in erfc.
    CHECK(std::abs(static_cast<long double>(a(0)) / expected - 1) <= (z * z + 4) * eps);
  }
  mlp::Vector<S> a{{0, std::numeric_limits<S>::denorm_min(), std::numeric_limits<S>::min(), S(1e-12)}};
  const mlp::Vector<S> z = a;
  for (const GELU f : {GELU{}, GELU{.approximate = true}}) {
    mlp::Vector<S> delta = mlp::Vector<S>::Ones(4);
    a = z;
    activation::forward(f, a);
    activation::backward(f, z, a, delta);
    CHECK(((delta.array() - S(0.5)).abs() <= S(4 * eps) + S(1e-12)).all());
  }
}
