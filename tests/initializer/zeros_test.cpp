#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/initializer/zeros.hpp>

#include <doctest/doctest.h>

TEST_CASE("Zeros: every weight is 0, and no random number is drawn") {
  mlp::Matrix<float> w = mlp::Matrix<float>::Ones(3, 2);
  mlp::Rng rng{1}, untouched{1};
  mlp::Zeros{}(mlp::matrix_view<3, 2>(w.data(), 3, 2), rng);
  CHECK(w == mlp::Matrix<float>::Zero(3, 2));
  CHECK(rng.uniform(0, 1) == untouched.uniform(0, 1));
}
