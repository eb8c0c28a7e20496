#pragma once

#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <cstdint>

/// Checks for every initializer. Bounds are five standard errors: a correct initializer exceeds one of them
/// for one seed in two million, and the seed is fixed.
namespace initializer {

using mlp::Index;

// Many more columns (inputs) than rows (outputs), so that confusing the two is detected.
inline constexpr Index outputs = 40, inputs = 250;
inline constexpr double count = outputs * inputs;

template <class S, class Init>
mlp::Matrix<S> draw(const Init& init, std::uint64_t seed) {
  mlp::Rng rng{seed};
  mlp::Matrix<S> w(outputs, inputs);
  init(w, rng);
  return w;
}

/// Mean 0 and the given variance, for a distribution with fourth moment kurtosis * variance^2:
/// Var(mean of w) = variance / n, Var(mean of w^2) = (kurtosis - 1) variance^2 / n.
template <class Init>
void check_moments(const Init& init, double variance, double kurtosis) {
  const mlp::Matrix<double> w = draw<double>(init, 1);
  CHECK(std::abs(w.mean()) <= 5 * std::sqrt(variance / count));
  CHECK(std::abs(w.array().square().mean() - variance) <= 5 * variance * std::sqrt((kurtosis - 1) / count));
}

/// Uniform in (-r, r): none lies outside, and some within r / 1000 of each end (for n draws the chance of
/// none is exp(-n / 2000), below 1% here).
template <class Init>
void check_uniform(const Init& init, double r) {
  check_moments(init, r * r / 3, 9. / 5);
  const mlp::Matrix<double> w = draw<double>(init, 1);
  CHECK(w.maxCoeff() <= r);
  CHECK(w.maxCoeff() >= 0.999 * r);
  CHECK(w.minCoeff() >= -r);
  CHECK(w.minCoeff() <= -0.999 * r);
}

/// Normal: a fraction erf(1 / sqrt(2)) lies within one deviation.
template <class Init>
void check_normal(const Init& init, double deviation) {
  check_moments(init, deviation * deviation, 3);
  const mlp::Matrix<double> w = draw<double>(init, 1);
  const double p = std::erf(std::sqrt(0.5));
  CHECK(std::abs((w.array().abs() < deviation).cast<double>().mean() - p) <=
        5 * std::sqrt(p * (1 - p) / count));
}

/// The same seed gives the same numbers, rounded to the scalar type, whether sizes are static or not.
template <class Init>
void check_seed(const Init& init) {
  CHECK(draw<double>(init, 2) == draw<double>(init, 2));
  CHECK(draw<double>(init, 2) != draw<double>(init, 3));
  CHECK(draw<float>(init, 2) == draw<double>(init, 2).template cast<float>());
  mlp::Matrix<float> storage(outputs, inputs);
  mlp::Rng rng{2};
  init(mlp::matrix_view<outputs, inputs>(storage.data(), outputs, inputs), rng);
  CHECK(storage == draw<float>(init, 2));
}

}  // namespace initializer
