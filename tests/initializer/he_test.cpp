#include <mlp/initializer/he.hpp>

#include <doctest/doctest.h>

#include <cmath>

#include "initializer/check_initializer.hpp"

TEST_CASE("HeUniform: r = sqrt(6 / inputs)") {
  initializer::check_uniform(mlp::HeUniform{}, std::sqrt(6. / initializer::inputs));
  initializer::check_seed(mlp::HeUniform{});
}

TEST_CASE("HeNormal: variance 2 / inputs") {
  initializer::check_normal(mlp::HeNormal{}, std::sqrt(2. / initializer::inputs));
  initializer::check_seed(mlp::HeNormal{});
}
