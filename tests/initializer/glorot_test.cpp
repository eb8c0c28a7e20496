#include <mlp/initializer/glorot.hpp>

#include <doctest/doctest.h>

#include <cmath>

#include "initializer/check_initializer.hpp"

TEST_CASE("GlorotUniform: r = sqrt(6 / (outputs + inputs))") {
  initializer::check_uniform(mlp::GlorotUniform{},
                             std::sqrt(6. / (initializer::outputs + initializer::inputs)));
  initializer::check_seed(mlp::GlorotUniform{});
}

TEST_CASE("GlorotNormal: variance 2 / (outputs + inputs)") {
  initializer::check_normal(mlp::GlorotNormal{},
                            std::sqrt(2. / (initializer::outputs + initializer::inputs)));
  initializer::check_seed(mlp::GlorotNormal{});
}
