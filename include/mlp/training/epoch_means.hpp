#pragma once

#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>

namespace mlp::inline MLP_ABI::detail {

/// Means over the epoch so far.
///   loss          = sum_b w_b L_b / sum_b w_b   for batches of weight w_b with mean losses L_b
///   gradient norm = sum of the norms of the steps' gradients / number of steps
class EpochMeans {
 public:
  void begin_epoch() { *this = {}; }
  void after_batch(double loss, double weight) {
    loss_sum_ = multiply_add(loss, weight, loss_sum_);
    loss_weight_ += weight;
  }
  void before_step(double gradient_norm) {
    norm_sum_ += gradient_norm;
    ++steps_;
  }

  /// 0 where no sample has a weight.
  double loss() const { return loss_weight_ > 0 ? loss_sum_ / loss_weight_ : 0; }
  /// nan before the first step.
  double gradient_norm() const { return norm_sum_ / static_cast<double>(steps_); }

  static void each_state(auto& self, auto&& f) {
    f("loss_sum", self.loss_sum_);
    f("loss_weight", self.loss_weight_);
    f("gradient_norm_sum", self.norm_sum_);
  }
  /// steps: those that the epoch has taken so far.
  void restore(Index steps) { steps_ = steps; }

 private:
  double loss_sum_ = 0, loss_weight_ = 0, norm_sum_ = 0;
  Index steps_ = 0;
};

}  // namespace mlp::inline MLP_ABI::detail
