#include <mlp/training/parameter_average.hpp>

#include <mlp/base/types.hpp>

#include <doctest/doctest.h>

using namespace mlp;

TEST_CASE_TEMPLATE("average of the parameters: by hand", V, Vector<float>, Eigen::Vector2d) {
  V theta(2);
  theta << 8, 0;
  detail::ParameterAverage<V> average(0.75, theta);
  theta << 0, 4;
  average.after_step(theta);
  average.after_step(theta);
  V found(2), expected(2);
  average.copy_to(found);
  expected << 4.5f, 1.75f;  // 8 * 0.75^2, 4 * (1 - 0.75^2)
  CHECK(found == expected);

  average.swap(theta);
  CHECK(theta == expected);
  average.swap(theta);
  expected << 0, 4;
  CHECK(theta == expected);

  int values = 0;
  average.each_state(average, [&](const char*, const V& value) {
    CHECK(value == found);
    ++values;
  });
  CHECK(values == 1);
}

TEST_CASE("average of the parameters: without a decay nothing changes, and there is no state") {
  const Vector<float> before = Vector<float>::Ones(2);
  Vector<float> theta = before;
  detail::ParameterAverage<Vector<float>> average({}, theta);
  average.after_step(theta);
  average.swap(theta);
  average.copy_to(theta);
  CHECK(theta == before);
  average.each_state(average, [](const char*, const auto&) { FAIL("a state"); });
}
