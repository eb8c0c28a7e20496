#include <mlp/training/gradient_accumulation.hpp>

#include <doctest/doctest.h>

#include <string>

using namespace mlp;

namespace {

template <class V>
std::string state_of(const detail::GradientAccumulation<V>& accumulation) {
  std::string names;
  accumulation.each_state(accumulation,
                          [&](const char* name, const auto&) { names += std::string(name) + ' '; });
  return names;
}

}  // namespace

TEST_CASE_TEMPLATE("accumulated gradients: the mean by the batches' weights", V, Vector<float>,
                   Eigen::Vector2d) {
  using S = typename V::Scalar;
  detail::GradientAccumulation<V> accumulation(2, 2);
  V gradient(2);
  for (int step = 0; step < 2; ++step) {  // nothing is left from one step in the next
    gradient << 4, 8;
    accumulation.after_batch(gradient, 3);
    gradient << 0, -4;
    accumulation.after_batch(gradient, 1);
    accumulation.before_step(gradient);
    CHECK(gradient(0) == S(3));  // (3 * 4 + 1 * 0) / 4
    CHECK(gradient(1) == S(5));  // (3 * 8 - 1 * 4) / 4
  }
  gradient << 1, 2;  // the last step of an epoch may have a single batch
  accumulation.after_batch(gradient, 7);
  accumulation.before_step(gradient);
  CHECK(gradient(0) == S(1));
  CHECK(gradient(1) == S(2));
  CHECK(state_of(accumulation) == "gradient_sum gradient_sum.weight ");
}

TEST_CASE("accumulated gradients: batches in which no sample counts") {
  detail::GradientAccumulation<Eigen::Vector2d> accumulation(2, 2);
  Eigen::Vector2d gradient(0, 0);
  accumulation.after_batch(gradient, 0);
  accumulation.after_batch(gradient, 0);
  accumulation.before_step(gradient);
  CHECK(gradient == Eigen::Vector2d(0, 0));
}

TEST_CASE("accumulated gradients: a step of one batch takes its gradient as it is, and has no state") {
  detail::GradientAccumulation<Eigen::Vector2d> accumulation(1, 2);
  const Eigen::Vector2d before(0.1, 0.2);
  Eigen::Vector2d gradient = before;
  accumulation.after_batch(gradient, 0.3);
  accumulation.before_step(gradient);
  CHECK(gradient == before);
  CHECK(state_of(accumulation).empty());
}
