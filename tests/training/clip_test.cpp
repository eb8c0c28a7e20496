#include <mlp/training/clip.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <type_traits>

using mlp::Index;
using mlp::Vector;

namespace {

template <class S>
constexpr double epsilon = static_cast<double>(std::numeric_limits<S>::epsilon());
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

}  // namespace

TEST_CASE_TEMPLATE("clip_norm: down to the norm, and no further", S, float, double) {
  for (const Index n : {1, 17, 40}) {
    CAPTURE(n);
    const Vector<S> start = Vector<S>::LinSpaced(n, S(1), S(3));
    const double before = mlp::norm(start);
    Vector<S> v = start;
    CHECK(mlp::clip_norm(v, 2 * before) == before);
    CHECK(v == start);
    CHECK(mlp::clip_norm(v, before) == before);
    CHECK(v == start);
    CHECK(mlp::clip_norm(v, infinity) == before);
    CHECK(v == start);
    CHECK(mlp::clip_norm(v, before / 4) == before);
    CHECK(mlp::norm(v * S(4) - start) <= epsilon<S> * before);
    CHECK(std::abs(mlp::norm(v) - before / 4) <= epsilon<S> * before / 4);
  }
}

TEST_CASE_TEMPLATE("clip_norm: a part of a vector; huge, infinite and nan gradients", S, float, double) {
  Vector<S> v = Vector<S>::Constant(40, S(3));
  CHECK(mlp::clip_norm(v.segment(2, 4), 1) == 6);
  CHECK((v.segment(2, 4).array() - S(0.5)).abs().maxCoeff() <= static_cast<S>(epsilon<S>));
  CHECK((v.head(2).array() == 3).all());
  CHECK((v.tail(34).array() == 3).all());

  v.setConstant(std::numeric_limits<S>::max() / 64);
  mlp::clip_norm(v, 1);
  CHECK(std::abs(mlp::norm(v) - 1) <= 2 * epsilon<S>);

  v.setOnes();
  v(20) = static_cast<S>(infinity);
  CHECK(mlp::clip_norm(v, 1) == infinity);
  CHECK(std::isnan(v(20)));
  CHECK((v.head(20).array() == 0).all());
  CHECK(std::isnan(mlp::clip_norm(v, 1)));
  CHECK(v.array().isNaN().all());
}

TEST_CASE_TEMPLATE("clip_value: clips each coefficient", S, float, double) {
  const auto big = static_cast<S>(infinity);
  for (const Index n : {1, 17, 40}) {
    CAPTURE(n);
    const Vector<S> start = Vector<S>::LinSpaced(n, -3, 5);
    Vector<S> v = start;
    mlp::clip_value(v, 1.5);
    for (Index i = 0; i < n; ++i) CHECK(v(i) == std::fmax(std::fmin(start(i), S(1.5)), S(-1.5)));
  }
  Eigen::Matrix<S, 4, 1> fixed(big, -big, static_cast<S>(not_a_number), S(0.5));
  mlp::clip_value(fixed, 2);
  CHECK(fixed(0) == 2);
  CHECK(fixed(1) == -2);
  CHECK(std::isnan(fixed(2)));
  CHECK(fixed(3) == S(0.5));
}

TEST_CASE("clip_norm, clip_value: a limit that is not above zero") {
  Vector<float> v = Vector<float>::Ones(3);
  CHECK_THROWS_WITH_AS(mlp::clip_norm(v, 0), "clip_norm: expected max_norm > 0, found 0",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(mlp::clip_norm(v, not_a_number), "clip_norm: expected max_norm > 0, found nan",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(mlp::clip_value(v, -1), "clip_value: expected limit > 0, found -1",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(mlp::clip_value(v, not_a_number), "clip_value: expected limit > 0, found nan",
                       std::invalid_argument);
  CHECK(v == Vector<float>::Ones(3));
}
