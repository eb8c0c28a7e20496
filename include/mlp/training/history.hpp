#pragma once

#include <mlp/base/types.hpp>
#include <mlp/training/evaluate.hpp>
#include <mlp/training/progress.hpp>

#include <optional>
#include <string>
#include <vector>

namespace mlp::inline MLP_ABI {

/// What fit has done: an entry per epoch.
struct History {
  std::vector<double> loss;           // mean over the epoch's samples, before each step
  std::vector<double> seconds;        // how long the epoch took
  std::vector<double> learning_rate;  // of the epoch's last step
  std::vector<double> gradient_norm;  // mean over the epoch's steps, before clipping
  std::vector<double> validation_loss, validation_accuracy;  // after the epoch, if there are data for it
  Index best_epoch = 0;  // 1, 2, ...: the one with the best validation loss; 0 without validation

  void after_validation(const Evaluation& found) {
    validation_loss.push_back(found.loss);
    validation_accuracy.push_back(found.accuracy);
  }
  void after_epoch(const Progress& now, double mean_gradient_norm) {
    loss.push_back(now.loss);
    seconds.push_back(now.seconds);
    learning_rate.push_back(now.learning_rate);
    gradient_norm.push_back(mean_gradient_norm);
  }

  /// The validation after the latest epoch; empty if there was none.
  std::optional<Evaluation> latest_validation() const {
    if (validation_loss.empty()) return {};
    return Evaluation{validation_loss.back(), validation_accuracy.back()};
  }

  /// Calls f(name, value) for each member: a checkpoint holds all of them.
  static void each_state(auto& self, auto&& f) {
    f("history.loss", self.loss);
    f("history.learning_rate", self.learning_rate);
    f("history.gradient_norm", self.gradient_norm);
    f("history.validation_loss", self.validation_loss);
    f("history.validation_accuracy", self.validation_accuracy);
    f("history.best_epoch", self.best_epoch);
    f("history.seconds", self.seconds);
  }
};

namespace detail {

// Throws std::runtime_error, whose message begins with `who`, unless a history from a checkpoint has an entry for
// each of the epochs and that many validations.
inline void check_restored(const char* who, const History& history, Index epochs, Index validations) {
  const auto check_size = [&](const char* what, Index size, const std::vector<double>& found) {
    check_restored(who, what, size, size, static_cast<Index>(found.size()));
  };
  check_size("epochs of history.loss", epochs, history.loss);
  check_size("epochs of history.learning_rate", epochs, history.learning_rate);
  check_size("epochs of history.gradient_norm", epochs, history.gradient_norm);
  check_size("epochs of history.seconds", epochs, history.seconds);
  check_size("epochs of history.validation_loss", validations, history.validation_loss);
  check_size("epochs of history.validation_accuracy", validations, history.validation_accuracy);
  check_restored(who, "history.best_epoch", 0, validations, history.best_epoch);
}

}  // namespace detail

}  // namespace mlp::inline MLP_ABI
