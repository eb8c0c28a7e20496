#include <mlp/data/dataset.hpp>
#include <mlp/data/scalers.hpp>

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>
#include <type_traits>

#include "message_of.hpp"

using namespace mlp;

namespace {

template <class S>
constexpr S epsilon = std::numeric_limits<S>::epsilon();

template <class A, class B>
double worst_difference(const A& a, const B& b) {
  return static_cast<double>((a - b).cwiseAbs().maxCoeff());
}

// Computed by sklearn.preprocessing 1.2.1 from the transpose of x:
//   StandardScaler().fit(x).transform(x), MinMaxScaler((-1, 1)).fit(x).transform(x)
template <class S>
const Matrix<S> x = (Matrix<S>(3, 4) << 1, 2, 4, 9,  //
                     -0.5, -0.5, -0.5, -0.5,         //
                     1000, 1001, 1002, 999)
                        .finished();
const Matrix<double> standard =
    (Matrix<double>(3, 4) << -0.9733285267845753, -0.6488856845230502, 0.0, 1.6222142113076254,  //
     0, 0, 0, 0,                                                                                 //
     -0.4472135954999579, 0.4472135954999579, 1.3416407864998738, -1.3416407864998738)
        .finished();
const Matrix<double> min_max = (Matrix<double>(3, 4) << -1, -0.75, -0.25, 1,  //
                                -1, -1, -1, -1,                               //
                                -1. / 3, 1. / 3, 1, -1)
                                   .finished();

}  // namespace

TEST_CASE_TEMPLATE("StandardScaler: mean 0 and deviation 1, as scikit-learn", S, float, double) {
  const StandardScaler scaler(x<S>);
  static_assert(std::is_same_v<decltype(scaler), const StandardScaler<S>>);
  CHECK(scaler.mean == Vector<S>{{4, S(-0.5), S(1000.5)}});
  CHECK(scaler.scale(0) == doctest::Approx(3.082207001484488).epsilon(epsilon<S>));
  CHECK(scaler.scale(1) == 1);
  CHECK(scaler.scale(2) == doctest::Approx(1.118033988749895).epsilon(epsilon<S>));
  // An exact subtraction, two roundings of the scale and one of the division; numbers below 2.
  const Matrix<S> z = scaler.transform(x<S>);
  CHECK(worst_difference(z.template cast<double>(), standard) <= 4 * static_cast<double>(epsilon<S>));
  // A number of 1002 adds another rounding.
  CHECK(worst_difference(scaler.inverse_transform(z), x<S>) <= 1002 * static_cast<double>(epsilon<S>));
}

TEST_CASE_TEMPLATE("MinMaxScaler: into the range, as scikit-learn", S, float, double) {
  const MinMaxScaler scaler(x<S>, -1, 1);
  static_assert(std::is_same_v<decltype(scaler), const MinMaxScaler<S>>);
  CHECK(scaler.min == Vector<S>{{1, S(-0.5), 999}});
  CHECK(scaler.scale == Vector<S>{{4, 1, S(1.5)}});
  const Matrix<S> z = scaler.transform(x<S>);
  CHECK(worst_difference(z.template cast<double>(), min_max) <= 2 * static_cast<double>(epsilon<S>));
  CHECK(worst_difference(scaler.inverse_transform(z), x<S>) <= 1002 * static_cast<double>(epsilon<S>));

  const Matrix<S> unit = MinMaxScaler(x<S>).transform(x<S>);
  CHECK(unit.row(0) == Eigen::Matrix<S, 1, 4>{0, S(0.125), S(0.375), 1});
  CHECK(unit.row(1) == Eigen::Matrix<S, 1, 4>::Zero());
}

TEST_CASE("Scalers: other data are scaled by the fitted numbers") {
  const Eigen::Vector3d sample(7, -2.5, 1000.5);
  const auto check = [&](const auto& scaler, const Eigen::Vector3d& expected) {
    const auto z = scaler.transform(sample);
    static_assert(
        std::is_same_v<std::remove_const_t<decltype(z)>, Eigen::Vector3d>);  // fixed sizes stay fixed
    CHECK(worst_difference(z, expected) <= epsilon<double>);
    CHECK(worst_difference(scaler.inverse_transform(z), sample) <= 1001 * epsilon<double>);
  };
  check(StandardScaler(x<double>), {0.9733285267845753, -2, 0});
  check(MinMaxScaler(x<double>), {0.75, -2, 0.5});
}

TEST_CASE("Scalers: any dense Eigen object") {
  const Matrix<double> wide = x<double>.replicate(2, 3);
  const auto part = wide.block(3, 4, 3, 4);
  const Eigen::Matrix<double, 3, 4, Eigen::RowMajor> row_major = x<double>;
  const Eigen::Array<double, 3, 4> array = x<double>;
  const auto check = [&](const auto& scaler, const Matrix<double>& z) {
    CHECK(std::decay_t<decltype(scaler)>(part).scale == scaler.scale);
    CHECK(std::decay_t<decltype(scaler)>(row_major).scale == scaler.scale);
    CHECK(std::decay_t<decltype(scaler)>(array).scale == scaler.scale);
    CHECK(std::decay_t<decltype(scaler)>(2 * x<double>).scale(0) == 2 * scaler.scale(0));
    CHECK(scaler.transform(part) == z);
    CHECK(scaler.transform(row_major) == z);
    CHECK(scaler.transform(array) == z);
    CHECK(scaler.transform(0.5 * (2 * x<double>)) == z);
    CHECK(scaler.inverse_transform(2 * z - z) == scaler.inverse_transform(z));
  };
  check(StandardScaler(x<double>), StandardScaler(x<double>).transform(x<double>));
  check(MinMaxScaler(x<double>), MinMaxScaler(x<double>).transform(x<double>));

  // Scales a dataset in place.
  Dataset data{x<double>, Labels(4)};
  data.x = StandardScaler(data.x).transform(data.x);
  CHECK(worst_difference(data.x, standard) <= 4 * epsilon<double>);
}

TEST_CASE("Scalers: constant features, also with a rounded mean, and one sample") {
  for (const double value : {0.1, -1e300, 1e-310, 0.0}) {
    CAPTURE(value);
    const Matrix<double> constant = Matrix<double>::Constant(1, 10, value);
    CHECK(StandardScaler(constant).scale(0) == 1);
    CHECK(MinMaxScaler(constant).scale(0) == 1);
    CHECK(MinMaxScaler(constant).transform(constant).isZero(0));
  }
  CHECK(StandardScaler(Eigen::Vector2f(3, 4)).transform(Eigen::Vector2f(3, 4)) == Eigen::Vector2f::Zero());
}

TEST_CASE("Scalers: numbers whose squares overflow, and the smallest") {
  for (const float size : {1e38f, 1e-38f}) {
    const Matrix<float> data = size * Eigen::RowVector4f(1, -1, 1, -1);
    CHECK(StandardScaler(data).transform(data) == Eigen::RowVector4f(1, -1, 1, -1));
    CHECK(MinMaxScaler(data).transform(data) == Eigen::RowVector4f(1, 0, 1, 0));
  }
  for (const double size : {1e300, 1e-300}) {
    const Matrix<double> data = size * Eigen::RowVector4d(1, -1, 1, -1);
    CHECK(worst_difference(StandardScaler(data).transform(data), Eigen::RowVector4d(1, -1, 1, -1)) <=
          4 * epsilon<double>);
    CHECK(MinMaxScaler(data).transform(data) == Eigen::RowVector4d(1, 0, 1, 0));
  }
}

TEST_CASE("Scalers: errors") {
  const StandardScaler standard_scaler(x<float>);
  const MinMaxScaler min_max_scaler(x<float>);
  CHECK(message_of([&] { standard_scaler.transform(x<float>.topRows(2)); }) ==
        "StandardScaler: expected 3 features, the rows of x, found 2");
  CHECK(message_of([&] { standard_scaler.inverse_transform(Matrix<float>(4, 1)); }) ==
        "StandardScaler: expected 3 features, the rows of x, found 4");
  CHECK(message_of([&] { min_max_scaler.transform(x<float>.topRows(2)); }) ==
        "MinMaxScaler: expected 3 features, the rows of x, found 2");
  CHECK(message_of([&] { min_max_scaler.inverse_transform(Matrix<float>(4, 1)); }) ==
        "MinMaxScaler: expected 3 features, the rows of x, found 4");

  CHECK(message_of([] { StandardScaler{Matrix<float>(3, 0)}; }) ==
        "StandardScaler: expected at least one feature and one sample, found 3 x 0");
  CHECK(message_of([] { MinMaxScaler{Matrix<float>(0, 2)}; }) ==
        "MinMaxScaler: expected at least one feature and one sample, found 0 x 2");

  const float infinity = std::numeric_limits<float>::infinity();
  for (const auto& [value, name] :
       {std::pair{-std::nanf(""), "nan"}, {infinity, "inf"}, {-infinity, "-inf"}}) {
    Matrix<float> bad = x<float>;
    bad(2, 1) = value;
    const std::string says = std::string(": expected finite numbers, found ") + name + " in row 2, column 1";
    CHECK(message_of([&] { StandardScaler{bad}; }) == "StandardScaler" + says);
    CHECK(message_of([&] { standard_scaler.transform(bad); }) == "StandardScaler" + says);
    CHECK(message_of([&] { MinMaxScaler{bad}; }) == "MinMaxScaler" + says);
    CHECK(message_of([&] { min_max_scaler.transform(bad); }) == "MinMaxScaler" + says);
  }

  const Matrix<double> huge = Eigen::Matrix2d{{1, 2}, {-1.7e308, 1.7e308}};
  CHECK(message_of([&] { MinMaxScaler{huge}; }) ==
        "MinMaxScaler: expected features whose spread is a finite number, found row 1");
  CHECK(message_of([&] { StandardScaler{huge.cwiseAbs()}; }) ==
        "StandardScaler: expected features whose spread is a finite number, found row 1");

  CHECK(message_of([] { MinMaxScaler(x<float>, 1, 1); }) ==
        "MinMaxScaler: expected low < high, found 1 and 1");
  CHECK(message_of([] { MinMaxScaler(x<float>, 0, std::nan("")); }) ==
        "MinMaxScaler: expected low < high, found 0 and nan");
}

TEST_CASE("one_hot: a column per label, and back") {
  const Labels labels{{2, 0, 2, 1}};
  const auto encoded = one_hot(labels, 4);
  static_assert(std::is_same_v<decltype(encoded), const Matrix<float>>);
  CHECK(encoded == Eigen::Matrix4f{{0, 1, 0, 0}, {0, 0, 0, 1}, {1, 0, 1, 0}, {0, 0, 0, 0}});
  CHECK(from_one_hot(encoded) == labels);
  CHECK(one_hot<double>(labels.segment(1, 2), 3) == Eigen::Matrix<double, 3, 2>{{1, 0}, {0, 0}, {0, 1}});
  CHECK(one_hot(Eigen::Array<long, 1, 2>(1, 0), 2) == Eigen::Matrix2f{{0, 1}, {1, 0}});
  CHECK(from_one_hot(encoded.middleCols(1, 2)) == labels.segment(1, 2));
  CHECK(from_one_hot(one_hot(Labels(0), 3)).size() == 0);
}

TEST_CASE("one_hot: errors") {
  CHECK(message_of([] {
          one_hot(Labels{{0, 1, 3}}, 3);
        }) == "one_hot: expected labels in [0, 3), found 3 for sample 2");
  CHECK(message_of([] {
          one_hot(Labels{{0, -1}}, 3);
        }) == "one_hot: expected labels in [0, 3), found -1 for sample 1");
  const auto check = [](const Eigen::Vector3f& column) {
    Eigen::Matrix3f encoded = Eigen::Matrix3f::Identity();
    encoded.col(1) = column;
    CHECK(message_of([&] { from_one_hot(encoded); }) ==
          "from_one_hot: expected a single 1 and zeros for sample 1");
  };
  check({0, 0, 0});
  check({1, 0, 1});
  check({0.5f, 0.5f, 0});
  check({1, 0.1f, 0});
  check({1, std::nanf(""), 0});
}
