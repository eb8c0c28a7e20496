#include <mlp/core/network.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/loss/hinge.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <string>
#include <vector>

#include "loss/check_loss.hpp"
#include "message_of.hpp"

using mlp::Dynamic;
using mlp::Hinge;
using mlp::Index;
using mlp::Labels;
using mlp::Matrix;

static_assert(mlp::Loss<Hinge, float> && mlp::Loss<Hinge, double>);

// The value: fewer than n + 3 roundings of half an epsilon each, of terms of one sign. The gradient: two
// roundings of numbers up to 4 / n.
TEST_CASE_TEMPLATE("Hinge: value and gradient are PyTorch's", S, float, double) {
  constexpr double eps = loss::epsilon<S>;
  loss::check_golden<5, 7, S>(Hinge{}, golden::hinge, 35 * eps * golden::hinge.value, eps / 35);
  loss::check_golden<5, 7, S>(Hinge{}, golden::hinge_labels, 35 * eps * golden::hinge_labels.value,
                              4 * eps / 35);
}

TEST_CASE("Hinge: the gradient is the value's") {
  loss::check_differences(Hinge{}, golden::hinge);
  loss::check_differences(Hinge{}, golden::hinge_labels);
}

TEST_CASE_TEMPLATE("Hinge: by hand", S, float, double) {
  SUBCASE("signs: L = 1/4 (1/2 + 0 + (1 + 1e4) + 0), the second exactly at the margin") {
    const Matrix<S> y{{0.5, -1, 1e4, 1e4}}, t{{1, -1, -1, 1}};
    const std::vector gradient{-0.25, 0., 0.25, 0.};
    loss::check<1, 4>(Hinge{}, y, t, 2500.375, gradient, 0, 0);
    loss::check<Dynamic, Dynamic>(Hinge{}, y, t, 2500.375, gradient, 0, 0);
  }
  SUBCASE("labels: L = 1/8 ((1 + 2e4) + (1 + 1e4) + (1 + 1e4) + 1/2)") {
    const Matrix<S> y{{-1e4, 2}, {1e4, 1}, {0, 1}, {0, 1.5}};
    const std::vector gradient{-0.375, 0.125, 0.125, 0.125, -0.125, 0., 0., 0.125};
    loss::check<4, 2>(Hinge{}, y, Labels{{0, 0}}, 40003.5 / 8, gradient, 0, 0);
    loss::check<Dynamic, Dynamic>(Hinge{}, y, Labels{{0, 0}}, 40003.5 / 8, gradient, 0, 0);
  }
}

TEST_CASE_TEMPLATE("Hinge: NaN is detected everywhere", S, float, double) {
  for (Index i = 0; i < 3; ++i) {
    Matrix<S> y = Matrix<S>::Zero(3, 2);
    y(i, 1) = static_cast<S>(loss::nan);
    CAPTURE(i);
    CHECK(std::isnan(Hinge{}.value(y, Labels{{0, 1}})));
    CHECK(std::isnan(Hinge{}.value(y, Matrix<S>::Ones(3, 2).eval())));
  }
}

TEST_CASE("Hinge: a label out of range is named") {
  const Matrix<float> y = Matrix<float>::Zero(3, 2);
  Matrix<float> dy = y;
  for (const int label : {-1, 3}) {
    const Labels t{{2, label}};
    const std::string expected =
        "Hinge: expected labels in [0, 3), found " + std::to_string(label) + " for sample 1";
    CHECK(message_of([&] { Hinge{}.value(y, t); }) == expected);
    CHECK(message_of([&] { Hinge{}.gradient(y, t, dy); }) == expected);
  }
  CHECK(dy == y);
}

TEST_CASE("Hinge: predictions are the scores") {
  const Matrix<float> scores{{1, -2}, {1e4f, 0}};
  Matrix<float> y = scores;
  Hinge{}.to_prediction(y);
  CHECK(y == scores);
}

TEST_CASE_TEMPLATE("Hinge: accuracy counts correct signs, or correct labels", S, float, double) {
  const Matrix<S> y{{3, -1, 0.25, 1e4}, {1, 2, -5, 1}};
  CHECK(Hinge{}.accuracy(y, Matrix<S>{{1, -1, 1, 1}, {1, 1, -1, 1}}) == 1);
  CHECK(Hinge{}.accuracy(y, Matrix<S>{{-1, -1, 1, -1}, {1, 1, -1, 1}}) == S(0.75));
  CHECK(Hinge{}.accuracy(y, Labels{{0, 1, 0, 0}}) == 1);
  CHECK(Hinge{}.accuracy(y, Labels{{0, 0, 0, 1}}) == S(0.5));
}

TEST_CASE("Hinge: a single score predicts class 1 above 0") {
  mlp::Mlp<Hinge, mlp::Dense<1, 1>> net;
  net.parameters() << 1, 0;
  CHECK(net.classify(Eigen::RowVector3f(-0.1f, 0.1f, 2)) == Eigen::Vector3i(0, 1, 1));
}
