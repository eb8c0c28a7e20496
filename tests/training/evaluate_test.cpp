#include <mlp/training/evaluate.hpp>

#include <doctest/doctest.h>

#include <utility>

#include "message_of.hpp"

using namespace mlp;

namespace {

// A network whose loss is the mean of its inputs, and whose accuracy is the mean of its targets.
struct Mean {
  using Scalar = double;
  static double weighted(const auto& row, const auto& w) {
    return w.size() == 0 ? row.mean() : row.cwiseProduct(w.transpose()).sum() / w.sum();
  }
  std::pair<double, double> loss_and_accuracy(const auto& x, const auto& t, const auto& w) const {
    return {weighted(x.row(0), w), weighted(t.row(0), w)};
  }
  double batch_weight(const auto& t, const auto& w) const {
    return w.size() == 0 ? static_cast<double>(t.cols()) : w.sum();
  }
};

}  // namespace

TEST_CASE("evaluate: the mean over all pieces of the data, with weights and without") {
  for (const Index n : {1, 1024, 1025, 2500}) {
    CAPTURE(n);
    Dataset<Matrix<double>> data{Matrix<double>(1, n), Matrix<double>::Ones(1, n)};
    data.x.row(0).setLinSpaced(n, 1, static_cast<double>(n));
    CHECK(evaluate(Mean{}, data).loss == doctest::Approx(static_cast<double>(n + 1) / 2).epsilon(1e-14));
    CHECK(evaluate(Mean{}, data).accuracy == doctest::Approx(1).epsilon(1e-14));
    data.weights = data.x.transpose();
    data.t = data.x;
    // sum i^2 / sum i = (2n + 1) / 3
    const double expected = static_cast<double>(2 * n + 1) / 3;
    CHECK(evaluate(Mean{}, data).loss == doctest::Approx(expected).epsilon(1e-14));
    CHECK(evaluate(Mean{}, data).accuracy == doctest::Approx(expected).epsilon(1e-14));
  }
}

TEST_CASE("evaluate: data are needed") {
  CHECK(message_of([] { evaluate(Mean{}, Dataset<Matrix<double>>{}); }) ==
        "evaluate: expected at least one sample, found none");
}
