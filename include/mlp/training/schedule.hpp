#pragma once

#include <mlp/base/elementary.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/concepts.hpp>

#include <algorithm>
#include <cmath>
#include <concepts>
#include <functional>
#include <limits>
#include <type_traits>
#include <utility>

/// Learning-rate schedules. A schedule is a function object, for instance a lambda: called with the number of a
/// step, 1, 2, ..., it returns the factor by which the optimizer's learning rate is multiplied in this step.
/// PyTorch counts steps from 0: its n is step - 1. The factor depends on the step alone; only ReduceOnPlateau
/// depends on the run so far.
namespace mlp::inline MLP_ABI {

namespace detail {

// Goes from a to b as progress goes from 0 to 1, along half a period of a cosine.
inline double anneal(double a, double b, double progress) {
  return multiply_add(a - b, elementary::half_cosine(std::clamp(progress, 0.0, 1.0)), b);
}

}  // namespace detail

/// The same factor in all steps.
/// Errors (validate): std::invalid_argument if factor is negative.
struct ConstantSchedule {
  double factor = 1;

  double operator()(Index) const { return factor; }
  void validate() const { detail::check_option(factor >= 0, "ConstantSchedule", "factor >= 0", factor); }
};

/// gamma^floor((step - 1) / step_size), as PyTorch's StepLR.
/// Errors (validate): std::invalid_argument if step_size or gamma is not > 0.
struct StepSchedule {
  Index step_size = 0;
  double gamma = 0.1;

  double operator()(Index step) const { return elementary::power(gamma, (step - 1) / step_size); }
  void validate() const {
    detail::check_option(step_size > 0, "StepSchedule", "step_size > 0", step_size);
    detail::check_option(gamma > 0, "StepSchedule", "gamma > 0", gamma);
  }
};

/// gamma^(step - 1), as PyTorch's ExponentialLR.
/// Errors (validate): std::invalid_argument if gamma is not > 0.
struct ExponentialSchedule {
  double gamma = 0;

  double operator()(Index step) const { return elementary::power(gamma, step - 1); }
  void validate() const { detail::check_option(gamma > 0, "ExponentialSchedule", "gamma > 0", gamma); }
};

/// A linear warm-up, then half a period of a cosine from 1 down to minimum.
///   step / warmup_steps                                          for step <= warmup_steps
///   minimum + (1 - minimum) / 2 * (1 + cos(pi * n / steps))      with n = step - warmup_steps - 1 <= steps
/// Without restarts the factor then stays at minimum; up to there it equals PyTorch's CosineAnnealingLR. With
/// restarts the cosine starts again at 1, each time period_factor times as long, as in PyTorch's
/// CosineAnnealingWarmRestarts.
/// Errors (validate): std::invalid_argument if steps is not > 0, minimum is not in [0, 1], warmup_steps is
/// negative or period_factor is not >= 1.
/// Source: Loshchilov and Hutter, SGDR: Stochastic Gradient Descent with Warm Restarts (2017), equation 5.
struct CosineSchedule {
  Index steps = 0;
  double minimum = 0;
  Index warmup_steps = 0;
  bool restarts = false;
  double period_factor = 1;

  double operator()(Index step) const {
    if (step <= warmup_steps) return static_cast<double>(step) / static_cast<double>(warmup_steps);
    double n = static_cast<double>(step - warmup_steps - 1), period = static_cast<double>(steps);
    if (restarts && period_factor == 1) n = std::fmod(n, period);
    while (restarts && n >= period) {
      n -= period;
      period = rounded_product(period, period_factor);
    }
    return detail::anneal(1, minimum, n / period);
  }
  void validate() const {
    constexpr auto who = "CosineSchedule";
    detail::check_option(steps > 0, who, "steps > 0", steps);
    detail::check_option(minimum >= 0 && minimum <= 1, who, "minimum in [0, 1]", minimum);
    detail::check_option(warmup_steps >= 0, who, "warmup_steps >= 0", warmup_steps);
    detail::check_option(period_factor >= 1, who, "period_factor >= 1", period_factor);
  }
};

/// Up from initial_factor to 1, then down to final_factor, each along half a period of a cosine, as PyTorch's
/// OneCycleLR with the optimizer's learning rate as max_lr. The peak is at step p = warmup_fraction * steps,
/// which need not be an integer:
///   1 + (initial_factor - 1) / 2 * (1 + cos(pi * (step - 1) / (p - 1)))                 for step < p
///   final_factor + (1 - final_factor) / 2 * (1 + cos(pi * (step - p) / (steps - p)))    else, step <= steps
/// After the last of the steps the factor stays at final_factor.
/// Errors (validate): std::invalid_argument if steps is not > 0, warmup_fraction is not in [0, 1), or
/// initial_factor or final_factor is not in [0, 1].
/// Source: Smith and Topin, Super-Convergence: Very Fast Training of Neural Networks Using Large Learning
/// Rates (2018), in the form of torch.optim.
struct OneCycleSchedule {
  Index steps = 0;
  double warmup_fraction = 0.3;
  double initial_factor = 1.0 / 25;
  double final_factor = 1.0 / 25e4;

  double operator()(Index step) const {
    const auto here = static_cast<double>(step), end = static_cast<double>(steps);
    const double peak = rounded_product(warmup_fraction, end);
    if (here < peak) return detail::anneal(initial_factor, 1, (here - 1) / (peak - 1));
    return detail::anneal(1, final_factor, (here - peak) / (end - peak));
  }
  void validate() const {
    constexpr auto who = "OneCycleSchedule";
    detail::check_option(steps > 0, who, "steps > 0", steps);
    detail::check_option(warmup_fraction >= 0 && warmup_fraction < 1, who, "warmup_fraction in [0, 1)",
                         warmup_fraction);
    detail::check_option(initial_factor >= 0 && initial_factor <= 1, who, "initial_factor in [0, 1]",
                         initial_factor);
    detail::check_option(final_factor >= 0 && final_factor <= 1, who, "final_factor in [0, 1]", final_factor);
  }
};

/// Starts at 1. After more than `patience` bad epochs in a row it is multiplied by `factor`, but not below
/// minimum, and the next `cooldown` epochs are not counted as bad. An epoch is bad unless
///   loss < (1 - threshold) best loss.
/// As PyTorch's ReduceLROnPlateau in mode min, without its eps, which skips changes of the rate below 1e-8.
/// Errors (validate): std::invalid_argument if factor or threshold is not in [0, 1), patience or cooldown is
/// negative, or minimum is not in [0, 1].
struct ReduceOnPlateau {
  double factor = 0.1;
  Index patience = 10;
  double threshold = 1e-4;
  Index cooldown = 0;
  double minimum = 0;

  /// The schedule after the epochs observed so far.
  struct State {
    double present = 1;
    double best = std::numeric_limits<double>::infinity();
    Index bad_epochs = 0;
    Index cooldown_left = 0;
  };
  State state = {};

  double operator()(Index) const { return state.present; }

  /// Updates the state with the loss of an epoch.
  void observe(double loss) {
    auto& [present, best, bad_epochs, cooldown_left] = state;
    ++bad_epochs;
    if (loss < best * (1 - threshold)) {
      best = loss;
      bad_epochs = 0;
    }
    if (cooldown_left > 0) {
      --cooldown_left;
      bad_epochs = 0;
    }
    if (bad_epochs > patience) {
      present = (std::max)(present * factor, minimum);
      cooldown_left = cooldown;
      bad_epochs = 0;
    }
  }
  void validate() const {
    constexpr auto who = "ReduceOnPlateau";
    detail::check_option(factor >= 0 && factor < 1, who, "factor in [0, 1)", factor);
    detail::check_option(patience >= 0, who, "patience >= 0", patience);
    detail::check_option(threshold >= 0 && threshold < 1, who, "threshold in [0, 1)", threshold);
    detail::check_option(cooldown >= 0, who, "cooldown >= 0", cooldown);
    detail::check_option(minimum >= 0 && minimum <= 1, who, "minimum in [0, 1]", minimum);
  }
};

/// Holds a schedule of any type. A copy has a copy of the schedule's state. A default Schedule returns 1.
/// Errors: std::invalid_argument if an option of the schedule is out of range.
class Schedule {
 public:
  Schedule() : Schedule(ConstantSchedule{}) {}

  template <class F>
  requires(!std::same_as<F, Schedule> && std::is_invocable_r_v<double, F&, Index>)
      Schedule(F schedule) {  // implicit, so that an option of this type takes any schedule
    detail::validate(schedule);
    call_ = [schedule = std::move(schedule)](Index step, const double* loss) mutable -> double {
      if (loss == nullptr) return schedule(step);
      if constexpr (requires { schedule.observe(*loss); }) schedule.observe(*loss);
      return 0;
    };
  }

  double operator()(Index step) const { return call_(step, nullptr); }

  /// Passes the loss of an epoch to the schedule's member observe(double), if it has one.
  void observe(double loss) { call_(0, &loss); }

 private:
  // A single function for both calls, since both work on the state that it holds: loss is nullptr in a call for
  // a step.
  std::function<double(Index step, const double* loss)> call_;
};

}  // namespace mlp::inline MLP_ABI
