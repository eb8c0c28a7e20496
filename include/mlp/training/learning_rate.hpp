#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>
#include <mlp/training/history.hpp>
#include <mlp/training/schedule.hpp>

#include <concepts>
#include <limits>
#include <optional>
#include <stdexcept>
#include <vector>

namespace mlp::inline MLP_ABI::detail {

// Where an optimizer keeps its learning rate; nullptr if it has none.
template <class Opt>
double* learning_rate_of(Opt& optimizer) {
  if constexpr (requires {
                  { &optimizer.learning_rate } -> std::same_as<double*>;
                }) {
    return &optimizer.learning_rate;
  } else {
    return nullptr;
  }
}

/// Sets the optimizer's learning rate before each step:
///   learning rate = base rate * schedule(step), where the base rate is the optimizer's at the start of the run.
/// A schedule that observes losses, such as ReduceOnPlateau, is passed the validation loss of each epoch or,
/// without validation, the training loss. Its state follows from the history, and needs no place in a
/// checkpoint.
/// Errors: std::invalid_argument if there is a schedule, but no learning rate.
class LearningRate {
 public:
  LearningRate(double* rate, const std::optional<Schedule>& schedule)
      : rate_(rate), initial_schedule_(schedule.value_or(Schedule{})), schedule_(initial_schedule_) {
    if (rate_ != nullptr) {
      base_rate_ = *rate_;
    } else if (schedule) {
      raise<std::invalid_argument>(
          "fit: expected an optimizer with a learning_rate for the schedule, found none");
    }
  }

  /// Returns the rate of that step, 1, 2, ...; nan if the optimizer has none.
  double before_step(Index step) {
    if (rate_ == nullptr) return base_rate_;
    return *rate_ = base_rate_ * schedule_(step);
  }

  void after_epoch(const History& history) { schedule_.observe(observed(history).back()); }

  /// The schedule as it is after the history's epochs.
  void restore(const History& history) {
    schedule_ = initial_schedule_;
    for (const double loss : observed(history)) schedule_.observe(loss);
  }

 private:
  static const std::vector<double>& observed(const History& history) {
    return history.validation_loss.empty() ? history.loss : history.validation_loss;
  }

  double* rate_;
  double base_rate_ = std::numeric_limits<double>::quiet_NaN();
  Schedule initial_schedule_, schedule_;
};

}  // namespace mlp::inline MLP_ABI::detail
