#include <mlp/core/arguments.hpp>
#include <mlp/loss/gaussian_nll.hpp>
#include <mlp/loss/mean_squared_error.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>

#include "message_of.hpp"

#include <doctest/doctest.h>

#include <type_traits>

using namespace mlp;

TEST_CASE("check_inputs: one row for each input") {
  const Matrix<float> x = Matrix<float>::Zero(3, 2);
  CHECK_NOTHROW(detail::check_inputs<float, Dynamic>(x, 3));
  CHECK(message_of([&] { detail::check_inputs<float, Dynamic>(x, 4); }) ==
        "mlp: expected 4 rows in x, one for each input, found 3");
}

TEST_CASE("check_targets: as many targets as samples, each of the size that the loss takes") {
  const detail::NoWeights none;
  const auto refused = [&](const auto& loss, const auto& t, Index outputs, Index batch) {
    return message_of([&] { detail::check_targets<float, Dynamic>(loss, t, none, outputs, batch); });
  };
  const Matrix<float> t = Matrix<float>::Zero(3, 2);
  CHECK(refused(MeanSquaredError{}, t, 3, 2) == "no such exception");
  CHECK(refused(MeanSquaredError{}, t, 3, 0) ==
        "mlp: expected at least one sample to take a mean loss of, found none");
  CHECK(refused(MeanSquaredError{}, t, 3, 5) == "mlp: expected 5 targets, one for each sample, found 2");
  CHECK(refused(MeanSquaredError{}, t, 4, 2) == "mlp: expected 4 rows in t, one for each output, found 3");
  CHECK(refused(GaussianNLL{}, t, 6, 2) == "no such exception");
  CHECK(refused(GaussianNLL{}, t, 4, 2) ==
        "mlp: expected 2 rows in t, of which each has several outputs, found 3");
  CHECK(refused(SoftmaxCrossEntropy{}, Labels{{0, 1}}, 3, 2) == "no such exception");
  CHECK(refused(SoftmaxCrossEntropy{}, Labels{{0, 1}}, 3, 3) ==
        "mlp: expected 3 targets, one for each sample, found 2");
  const Vector<float> weights{{1, -1}};
  CHECK(message_of([&] {
          detail::check_targets<float, Dynamic>(MeanSquaredError{}, t, weights, 3, 2);
        }).find("found -1") != std::string::npos);
}

TEST_CASE("target_view: a view where the targets lie contiguously, else a copy") {
  const Labels labels{{2, 0, 1}};
  CHECK(detail::target_view<Dynamic, Dynamic>(labels).data() == labels.data());
  const auto sum = detail::target_view<Dynamic, Dynamic>(labels.array() + 1);
  CHECK(sum == Labels{{3, 1, 2}});
  const Matrix<float> t = Matrix<float>::Random(2, 4);
  CHECK(detail::target_view<2, Dynamic>(t).data() == t.data());
  CHECK(detail::target_view<2, Dynamic>(2 * t) == 2 * t);
}

TEST_CASE("fit_size: a dynamic matrix is resized, any other object must fit") {
  Matrix<float> owned;
  detail::fit_size<float>(owned, 2, 3, "gradient");
  CHECK((owned.rows() == 2 && owned.cols() == 3));
  Eigen::Matrix<float, 1, Dynamic> row;  // one row, row-major in Eigen, has the order of columns, too
  detail::fit_size<float>(row, 1, 3, "gradient");
  CHECK(row.cols() == 3);

  const auto refused = [](auto&& m, Index rows, Index cols) {
    return message_of([&] { detail::fit_size<float>(m, rows, cols, "gradient"); });
  };
  CHECK(refused(owned.leftCols(2), 2, 2) == "no such exception");
  CHECK(refused(owned.topRows(1).col(2), 1, 1) == "no such exception");
  CHECK(refused(owned.topRows(1), 1, 3) ==
        "mlp: expected room for a gradient of 1 x 3 contiguous coefficients, found 1 x 3 with columns 2 "
        "coefficients apart");
  CHECK(refused(owned.leftCols(2), 2, 3) ==
        "mlp: expected room for a gradient of 2 x 3 contiguous coefficients, found 2 x 2");
  Eigen::Matrix<float, 2, 2> fixed;
  CHECK(refused(fixed, 2, 2) == "no such exception");
  CHECK(refused(fixed, 2, 3) != "no such exception");
}
