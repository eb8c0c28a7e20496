#pragma once

#include <mlp/base/types.hpp>
#include <mlp/kernel/tile.hpp>

namespace mlp::inline MLP_ABI::detail {

/// The gradient of a step over several batches, of the mean loss over all their samples:
///   g = sum_b w_b g_b / sum_b w_b   for batches of weight w_b (their number of samples, if all count alike)
///                                   with gradients g_b.
/// A step over a single batch leaves the batch's gradient as it is. V is the vector of all parameters.
template <class V>
class GradientAccumulation {
 public:
  GradientAccumulation(Index batches_per_step, Index parameters) : is_on_(batches_per_step > 1) {
    if (is_on_) sum_.setZero(parameters);
  }

  void after_batch(const V& gradient, double weight) {
    if (!is_on_) return;
    const auto w = static_cast<typename V::Scalar>(weight);
    if (weight_ == 0) sum_ = w * gradient;
    else add_multiple(w, gradient, sum_, sum_);
    weight_ += weight;
  }

  /// Replaces the gradient of the last batch by the gradient of the step, and begins the next sum.
  void before_step(V& gradient) {
    if (weight_ > 0) gradient = sum_ / static_cast<typename V::Scalar>(weight_);
    weight_ = 0;
  }

  static void each_state(auto& self, auto&& f) {
    if (!self.is_on_) return;
    f("gradient_sum", self.sum_);
    f("gradient_sum.weight", self.weight_);
  }

 private:
  bool is_on_;
  V sum_;
  double weight_ = 0;
};

}  // namespace mlp::inline MLP_ABI::detail
