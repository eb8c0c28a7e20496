#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>
#include <mlp/training/schedule.hpp>

#include <cstdint>
#include <optional>
#include <stdexcept>

namespace mlp::inline MLP_ABI {

/// What fit does. An empty optional switches its feature off.
struct FitOptions {
  Index epochs = 10;
  Index batch_size = 32;
  /// Seeds the split by validation_fraction, the order of the samples, and layers that draw random numbers.
  std::uint64_t seed = 0;
  /// The largest number of threads, or one where that is faster (see thread_choice.hpp). 0: as many as OpenMP
  /// would use.
  int threads = 0;
  /// Batches per step (see gradient_accumulation.hpp); an epoch's last step may have fewer.
  Index accumulate = 1;
  /// Multiplies the optimizer's learning_rate in each step (see learning_rate.hpp).
  std::optional<Schedule> schedule = {};
  /// The largest norm of a gradient, and the largest magnitude of its coefficients (see clip.hpp).
  std::optional<double> clip_norm = {}, clip_value = {};
  /// The fraction of the samples, drawn at random, that is kept from training and used for validation.
  double validation_fraction = 0;
  /// Epochs without a new best validation loss after which training ends. A new best loss is smaller than the
  /// best one before by more than min_delta. The network ends with the parameters and state of its best epoch
  /// (see early_stopping.hpp).
  std::optional<Index> patience = {};
  double min_delta = 0;
  /// d in average = d average + (1 - d) theta after each step. The network is validated with the average, and
  /// ends with it (see parameter_average.hpp).
  std::optional<double> average_decay = {};

  Index batches_per_epoch(Index samples) const { return quotient_rounded_up(samples, batch_size); }
  Index steps_per_epoch(Index samples) const {
    return quotient_rounded_up(batches_per_epoch(samples), accumulate);
  }
  /// The number of steps of a whole run with that many training samples, as OneCycleSchedule needs it;
  /// CosineSchedule::steps does not count its warm-up.
  Index steps(Index samples) const { return epochs * steps_per_epoch(samples); }

 private:
  static Index quotient_rounded_up(Index n, Index size) { return (n - 1) / size + 1; }
};

namespace detail {

// Throws std::invalid_argument unless fit can do what the options ask for.
inline void check_fit_options(const FitOptions& options, bool has_validation) {
  const auto check = [](bool right, const char* expected, auto found) {
    check_option(right, "fit", expected, found);
  };
  check(options.epochs > 0, "epochs > 0", options.epochs);
  check(options.batch_size > 0, "batch_size > 0", options.batch_size);
  check(options.threads >= 0, "threads >= 0", options.threads);
  check(options.accumulate > 0, "accumulate > 0", options.accumulate);
  const double fraction = options.validation_fraction;
  check(fraction >= 0 && fraction < 1, "validation_fraction in [0, 1)", fraction);
  check(options.min_delta >= 0, "min_delta >= 0", options.min_delta);
  if (options.clip_norm) check(*options.clip_norm > 0, "clip_norm > 0", *options.clip_norm);
  if (options.clip_value) check(*options.clip_value > 0, "clip_value > 0", *options.clip_value);
  if (options.patience) check(*options.patience > 0, "patience > 0", *options.patience);
  if (const auto& d = options.average_decay) check(*d >= 0 && *d < 1, "average_decay in [0, 1)", *d);
  if (has_validation && fraction > 0) {
    raise<std::invalid_argument>("fit: expected validation data or a validation_fraction, found both");
  }
  if (options.patience && !has_validation && fraction == 0) {
    raise<std::invalid_argument>(
        "fit: expected validation data or a validation_fraction for patience to watch, found none");
  }
}

}  // namespace detail

}  // namespace mlp::inline MLP_ABI
