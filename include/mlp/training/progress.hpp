#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>
#include <mlp/training/evaluate.hpp>

#include <limits>
#include <optional>
#include <stdexcept>
#include <string>

namespace mlp::inline MLP_ABI {

/// Where fit stands after a batch.
struct Progress {
  Index epoch = 0, epochs = 0;  // 1, 2, ..., epochs
  Index batch = 0, batches = 0;
  Index samples = 0;   // seen in this epoch
  double loss = 0;     // mean over these samples, before each step
  double seconds = 0;  // since the epoch began
  Index steps = 0;     // taken, in all epochs
  /// Of the latest step; nan if the optimizer has no learning_rate.
  double learning_rate = std::numeric_limits<double>::quiet_NaN();
  /// Of the latest step, before the gradient was clipped.
  double gradient_norm = std::numeric_limits<double>::quiet_NaN();
  std::optional<Evaluation> validation = {};  // at the end of an epoch, if there are data for it

  bool epoch_is_done() const { return batch == batches; }
  Index epochs_done() const { return epoch_is_done() ? epoch : epoch - 1; }

  void begin_epoch() {
    ++epoch;
    batch = samples = 0;
    seconds = 0;
    validation.reset();
  }

  /// Calls f(name, value) for each member that a checkpoint holds; the others follow from them.
  static void each_state(auto& self, auto&& f) {
    f("epoch", self.epoch);
    f("batch", self.batch);
    f("learning_rate", self.learning_rate);
    f("gradient_norm", self.gradient_norm);
  }
};

namespace detail {

// Throws std::runtime_error, whose message begins with `who`, unless a count from a checkpoint is in [low, high].
inline void check_restored(const char* who, const char* what, Index low, Index high, Index found) {
  if (low <= found && found <= high) return;
  raise<std::runtime_error>({who, ": expected ", what, " in [", low, ", ", high, "], found ", found});
}

inline void check_restored(const char* who, const Progress& progress) {
  check_restored(who, "epoch", 0, progress.epochs, progress.epoch);
  // Before the first epoch, progress is what it is at the end of an epoch.
  check_restored(who, "batch", progress.epoch == 0 ? progress.batches : 1, progress.batches, progress.batch);
}

}  // namespace detail

}  // namespace mlp::inline MLP_ABI
