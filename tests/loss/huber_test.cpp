#include <mlp/loss/huber.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <vector>

#include "loss/check_loss.hpp"
#include "message_of.hpp"

using mlp::Dynamic;
using mlp::Huber;
using mlp::Matrix;

static_assert(mlp::Loss<Huber, float> && mlp::Loss<Huber, double>);

// The value: fewer than n + 3 roundings of half an epsilon each, of terms of one sign. The gradient: two
// roundings of numbers up to delta / n.
TEST_CASE_TEMPLATE("Huber: value and gradient are PyTorch's", S, float, double) {
  constexpr double eps = loss::epsilon<S>;
  loss::check_golden<5, 7, S>(Huber{}, golden::huber, 35 * eps * golden::huber.value, eps / 35);
  loss::check_golden<5, 7, S>(Huber{.delta = 1.75}, golden::huber_175, 35 * eps * golden::huber_175.value,
                              1.75 * eps / 35);
}

TEST_CASE("Huber: the gradient is the value's") {
  loss::check_differences(Huber{}, golden::huber);
  loss::check_differences(Huber{.delta = 1.75}, golden::huber_175);
}

// With delta = 2: h = 1/2, 0, 2, 2 (1e4 - 1) and so on.
TEST_CASE_TEMPLATE("Huber: by hand, up to the kink and far beyond it", S, float, double) {
  const Matrix<S> y{{2, 4, 7, 1e4}, {0, -2, -5, -1e4}}, t{{3, 4, 5, 0}, {0, 0, 0, 0}};
  const double value = (0.5 + 0 + 2 + 2 * 9999. + 0 + 2 + 2 * 4. + 2 * 9999.) / 8;
  const std::vector gradient{-0.125, 0., 0., -0.25, 0.25, -0.25, 0.25, -0.25};
  loss::check<2, 4>(Huber{2}, y, t, value, gradient, 0, 0);
  loss::check<Dynamic, Dynamic>(Huber{2}, y, t, value, gradient, 0, 0);
}

TEST_CASE_TEMPLATE("Huber: NaN is detected", S, float, double) {
  const Matrix<S> y{{1, static_cast<S>(loss::nan)}}, t{{0, 0}};
  Matrix<S> dy(1, 2);
  CHECK(std::isnan(Huber{}.value(y, t)));
  Huber{}.gradient(y, t, dy);
  CHECK(std::isnan(dy(1)));
}

TEST_CASE("Huber: predictions are the outputs") {
  const Matrix<float> outputs{{1, -2}, {1e4f, 0}};
  Matrix<float> y = outputs;
  Huber{}.to_prediction(y);
  CHECK(y == outputs);
}

TEST_CASE("Huber: delta must be above 0") {
  CHECK(message_of([] { Huber{.delta = 0}.validate(); }) == "Huber: expected delta > 0, found 0");
  CHECK(message_of([] { Huber{.delta = loss::nan}.validate(); }) == "Huber: expected delta > 0, found nan");
  Huber{}.validate();
}
