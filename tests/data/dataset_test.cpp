#include <mlp/data/dataset.hpp>

#include <mlp/base/random.hpp>

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>
#include <type_traits>
#include <vector>

using namespace mlp;

namespace {

// Sample j is (j, -j), with target 2 j.
Dataset<> numbered(Index n) {
  Dataset<> data{Matrix<float>(2, n), Labels(n)};
  for (Index j = 0; j < n; ++j) {
    data.x.col(j) << static_cast<float>(j), static_cast<float>(-j);
    data.t(j) = static_cast<int>(2 * j);
  }
  return data;
}

// How often each sample occurs; -1 if it is separated from its target.
std::vector<int> times_seen(const Dataset<>& a, const Dataset<>& b) {
  std::vector<int> times(static_cast<std::size_t>(a.size() + b.size()), 0);
  for (const Dataset<>* part : {&a, &b}) {
    for (Index j = 0; j < part->size(); ++j) {
      const float id = part->x(0, j);
      int& count = times.at(static_cast<std::size_t>(id));
      if (part->x(1, j) == -id && static_cast<float>(part->t(j)) == 2 * id) ++count;
      else count = -1;
    }
  }
  return times;
}

}  // namespace

TEST_CASE("Dataset: the type follows from the arguments") {
  const Matrix<float> x(2, 4);
  const Matrix<double> xd(2, 4);
  const Eigen::Matrix<float, 2, 4> fixed;
  const Labels labels(4);
  const auto is = []<class Expected>(std::type_identity<Expected>, const auto& data) {
    return std::is_same_v<std::remove_cvref_t<decltype(data)>, Expected>;
  };
  CHECK(is(std::type_identity<Dataset<Labels, float>>{}, Dataset{x, labels}));
  CHECK(is(std::type_identity<Dataset<Labels, double>>{}, Dataset{xd, labels}));
  CHECK(is(std::type_identity<Dataset<Labels, float>>{}, Dataset{fixed, Eigen::Vector4i(0, 1, 2, 3)}));
  CHECK(is(std::type_identity<Dataset<Matrix<float>, float>>{}, Dataset{x, x}));
  CHECK(is(std::type_identity<Dataset<Matrix<double>, double>>{}, Dataset{xd, xd.topRows(1)}));
  CHECK(is(std::type_identity<Dataset<Matrix<float>, float>>{}, Dataset{x, Eigen::RowVectorXf(4)}));
  CHECK(is(std::type_identity<Dataset<Labels, float, ByteMatrix<float>>>{},
           Dataset{ByteMatrix<float>(), labels}));
  CHECK(is(std::type_identity<Dataset<Matrix<double>, double, ByteMatrix<double>>>{},
           Dataset{ByteMatrix<double>(), xd}));
  static_assert(std::is_same_v<Dataset<>, Dataset<Labels, float>>);
  static_assert(std::is_same_v<Dataset<Matrix<double>>, Dataset<Matrix<double>, double>>);
}

TEST_CASE("Dataset: views are copied, sample by sample") {
  const auto all = numbered(5);
  const Dataset part{all.x.middleCols(1, 3), all.t.segment(1, 3)};
  CHECK(part.size() == 3);
  CHECK(part.x == all.x.middleCols(1, 3));
  CHECK(part.t == all.t.segment(1, 3));
}

TEST_CASE("split: every sample is, with its target, in exactly one part") {
  const struct {
    Index size;
    double fraction;
    Index first;
  } cases[] = {{10, 0, 0},    {10, 1, 10}, {10, 0.5, 5}, {10, 0.25, 3},  // 2.5 rounded up
               {10, 0.34, 3}, {1, 0.5, 1}, {1, 0.4, 0},  {7, 1. / 3, 2}, {100, 0.999, 100}};
  for (const auto& c : cases) {
    CAPTURE(c.size);
    CAPTURE(c.fraction);
    Rng rng{1};
    const auto [first, second] = split(numbered(c.size), c.fraction, rng);
    CHECK(first.size() == c.first);
    CHECK(first.t.size() == c.first);
    CHECK(second.size() == c.size - c.first);
    CHECK(second.t.size() == c.size - c.first);
    CHECK(first.x.rows() == 2);
    CHECK(second.x.rows() == 2);
    CHECK(times_seen(first, second) == std::vector<int>(static_cast<std::size_t>(c.size), 1));
  }
}

TEST_CASE("split: the order is random and determined by the seed") {
  const auto data = numbered(50);
  const auto order = [&](std::uint64_t seed) {
    Rng rng{seed};
    return split(data, 1, rng).first.t;
  };
  CHECK(order(1) == order(1));
  CHECK(order(1) != order(2));
  CHECK(order(1) != data.t);
  Rng rng{1};
  CHECK(split(data, 0.5, rng).first.t != split(data, 0.5, rng).first.t);
}

TEST_CASE("split: matrix targets") {
  Dataset<Matrix<double>> data{Matrix<double>(1, 9), Matrix<double>(3, 9)};
  for (Index j = 0; j < 9; ++j) {
    data.x(0, j) = static_cast<double>(j);
    data.t.col(j).setConstant(static_cast<double>(10 * j));
  }
  Rng rng{3};
  const auto [first, second] = split(data, 0.6, rng);
  CHECK(first.t.cols() == 5);
  CHECK(second.t.cols() == 4);
  CHECK(first.x.sum() + second.x.sum() == 36);
  for (const auto* part : {&first, &second}) {
    CHECK(part->t.rows() == 3);
    CHECK(part->t == (10 * part->x).replicate(3, 1));
  }
}

TEST_CASE("split: errors") {
  Rng rng{1};
  const auto data = numbered(4);
  CHECK_THROWS_WITH_AS(split(data, -0.5, rng), "split: expected a fraction in [0, 1], found -0.5",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(split(data, 1.5, rng), "split: expected a fraction in [0, 1], found 1.5",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(split(data, std::numeric_limits<double>::quiet_NaN(), rng),
                       "split: expected a fraction in [0, 1], found nan", std::invalid_argument);
  CHECK_THROWS_WITH_AS(split(Dataset<>{}, 0.5, rng), "split: expected at least one sample, found none",
                       std::invalid_argument);
  auto short_of_one = data;
  short_of_one.t.conservativeResize(3);
  CHECK_THROWS_WITH_AS(split(short_of_one, 0.5, rng),
                       "split: expected a target for each of 4 samples, found 3", std::invalid_argument);
  Dataset<Matrix<float>> matrices{Matrix<float>::Zero(2, 4), Matrix<float>::Zero(4, 5)};
  CHECK_THROWS_WITH_AS(split(matrices, 0.5, rng), "split: expected a target for each of 4 samples, found 5",
                       std::invalid_argument);
}
