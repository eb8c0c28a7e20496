#pragma once

#include <mlp/base/types.hpp>
#include <mlp/training/history.hpp>

#include <cstddef>
#include <limits>
#include <optional>

namespace mlp::inline MLP_ABI::detail {

/// Finds the best epoch, and with a patience ends the run when the validation loss no longer improves.
///   An epoch is the best so far if  loss < best loss - min_delta;  the first best loss is infinity.
///   The run is over after `patience` epochs without a new best one, and the network gets back the parameters
///   and state of its best epoch. It gets them too if the run ends for another reason.
/// V is the vector of all parameters.
/// Source: Goodfellow, Bengio and Courville, Deep Learning (2016), algorithm 7.1.
template <class V>
class EarlyStopping {
 public:
  /// theta and state: the network's at the start of the run.
  EarlyStopping(std::optional<Index> patience, double min_delta, const auto& theta, const auto& state)
      : patience_(patience), min_delta_(min_delta) {
    if (patience_) keep(theta, state);
  }

  /// The epoch's validation loss is the last one in the history. theta and state: those of the network that was
  /// validated.
  void after_epoch(History& history, const auto& theta, const auto& state) {
    const auto& losses = history.validation_loss;
    const double best = history.best_epoch > 0 ? losses[static_cast<std::size_t>(history.best_epoch - 1)]
                                               : std::numeric_limits<double>::infinity();
    if (!(losses.back() < best - min_delta_)) return;
    history.best_epoch = static_cast<Index>(losses.size());
    if (patience_) keep(theta, state);
  }

  bool run_is_over(const History& history) const {
    const auto epochs = static_cast<Index>(history.validation_loss.size());
    return patience_ && epochs - history.best_epoch >= *patience_;
  }

  /// Whether there is a best epoch whose parameters and state put_back can return to the network.
  bool has_best(const History& history) const { return patience_ && history.best_epoch > 0; }
  void put_back(auto&& theta, auto&& state) const {
    theta = best_theta_;
    state = best_state_;
  }

  static void each_state(auto& self, auto&& f) {
    if (!self.patience_) return;
    f("best_parameters", self.best_theta_);
    if (self.best_state_.size() > 0) f("best_state", self.best_state_);
  }

 private:
  void keep(const auto& theta, const auto& state) {
    best_theta_ = theta;
    best_state_ = state;
  }

  std::optional<Index> patience_;
  double min_delta_;
  V best_theta_;
  Vector<typename V::Scalar> best_state_;
};

}  // namespace mlp::inline MLP_ABI::detail
