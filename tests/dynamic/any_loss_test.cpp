#include <mlp/dynamic/any_loss.hpp>

#include <mlp/base/views.hpp>

#include <doctest/doctest.h>

#include <stdexcept>

#include "message_of.hpp"

using namespace mlp;

namespace {

auto view(auto& m) { return matrix_view<Dynamic, Dynamic>(m.data(), m.rows(), m.cols()); }

}  // namespace

TEST_CASE("AnyLoss: the numbers of the loss that it holds") {
  const Matrix<double> y{{1, 2, -1}, {0.5, -2, 3}};
  const Labels t{{0, 1, 1}};
  const SoftmaxCrossEntropy loss{.class_weights = {1, 3}};
  const AnyLoss any = loss;
  CHECK(any.value(view(y), t) == loss.value(view(y), t));
  CHECK(any.accuracy(view(y), t) == loss.accuracy(view(y), t));
  CHECK(any.weight(t) == 7);
  Matrix<double> dy(2, 3), any_dy(2, 3);
  auto dy_view = view(dy), any_view = view(any_dy);
  loss.gradient(view(y), t, dy_view);
  any.gradient(view(y), t, any_view);
  CHECK(any_dy == dy);
  Matrix<double> p = y, any_p = y;
  auto p_view = view(p), any_p_view = view(any_p);
  loss.to_prediction(p_view);
  any.to_prediction(any_p_view);
  CHECK(any_p == p);
}

TEST_CASE("AnyLoss: defaults where the loss has no such member, and options that are checked") {
  const AnyLoss squared = MeanSquaredError{}, hinge = Hinge{}, gaussian = GaussianNLL{};
  CHECK(squared.outputs_per_target() == 1);
  CHECK(gaussian.outputs_per_target() == 2);
  CHECK(squared.threshold() == 0.5);
  CHECK(hinge.threshold() == 0);
  const Matrix<double> y{{1, 2}}, t{{0, 1}};
  CHECK(squared.weight(view(t)) == 2);
  CHECK(squared.value(view(y), view(t)) == 1);
  CHECK(message_of<std::invalid_argument>([&] {
          squared.value(view(y), Labels{{0, 1}});
        }) == "MeanSquaredError: expected targets as a matrix with a row for each output, found labels");
  CHECK_THROWS_AS(AnyLoss(Huber{.delta = -1}).validate(), std::invalid_argument);
  CHECK_THROWS_AS(AnyLoss(SoftmaxCrossEntropy{.class_weights = {1, 3}}).validate(3), std::invalid_argument);
  CHECK_NOTHROW(AnyLoss(SoftmaxCrossEntropy{.class_weights = {1, 3}}).validate(2));
}
