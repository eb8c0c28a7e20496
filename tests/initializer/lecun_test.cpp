#include <mlp/initializer/lecun.hpp>

#include <doctest/doctest.h>

#include <cmath>

#include "initializer/check_initializer.hpp"

TEST_CASE("LeCunNormal: variance 1 / inputs") {
  initializer::check_normal(mlp::LeCunNormal{}, std::sqrt(1. / initializer::inputs));
  initializer::check_seed(mlp::LeCunNormal{});
}
