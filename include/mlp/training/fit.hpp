#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/network.hpp>
#include <mlp/data/dataset.hpp>
#include <mlp/kernel/norm.hpp>
#include <mlp/kernel/thread_choice.hpp>
#include <mlp/training/callback.hpp>
#include <mlp/training/clip.hpp>
#include <mlp/training/schedule.hpp>
#include <mlp/training/trainer.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace mlp {

struct Evaluation {
  double loss;
  double accuracy;  // as the loss defines it; nan for a loss that doesn't, such as MeanSquaredError
};

/// The mean loss and accuracy over a dataset.
/// Errors: std::invalid_argument if the data are empty or do not fit the network.
template <class Net, class Target>
Evaluation evaluate(const Net& net, const Dataset<Target, typename Net::Scalar>& data) {
  check_dataset(data, "evaluate");
  constexpr Index piece = 1024;
  double loss_sum = 0, loss_weight = 0, accuracy_sum = 0, accuracy_weight = 0;
  for (Index i = 0; i < data.size(); i += piece) {
    const Index count = std::min(piece, data.size() - i);
    detail::with_samples(data, i, count, [&](const auto& x, const auto& t, const auto& w) {
      const auto [loss, accuracy] = net.loss_and_accuracy(x, t, w);
      const double weight = net.batch_weight(t, w),
                   samples = w.size() == 0 ? static_cast<double>(count) : static_cast<double>(w.sum());
      loss_sum += weight * static_cast<double>(loss);
      loss_weight += weight;
      accuracy_sum += samples * static_cast<double>(accuracy);
      accuracy_weight += samples;
    });
  }
  return {loss_weight > 0 ? loss_sum / loss_weight : 0, accuracy_sum / accuracy_weight};
}

/// What fit does. What is optional is done if it is set.
struct FitOptions {
  Index epochs = 10;
  Index batch_size = 32;
  /// Of the shuffling, of layers with randomness of their own, and of validation_fraction.
  std::uint64_t seed = 0;
  /// At most so many, where they pay (see threads.hpp); 0: as many as OpenMP would take.
  int threads = 0;
  /// Batches to a step, which goes along the gradient of the mean loss of all their samples.
  Index accumulate = 1;
  /// The factor of the optimizer's learning_rate in each step (see schedule.hpp). ReduceOnPlateau is shown the
  /// validation loss of each epoch, or without validation that of training.
  std::optional<Schedule> schedule = {};
  /// The largest norm of a gradient, and the largest magnitude of its coefficients (see clip.hpp).
  std::optional<double> clip_norm = {}, clip_value = {};
  /// Of the samples, drawn at random: kept from training, and used for validation.
  double validation_fraction = 0;
  /// Training ends after so many epochs without a smaller validation loss, smaller by more than min_delta; then,
  /// and at its regular end, the network has the parameters and the state of its best epoch.
  std::optional<Index> patience = {};
  double min_delta = 0;
  /// d: what is validated, and what the network has at the end, is the moving average of the parameters,
  ///   average = d average + (1 - d) theta after each step, the initial theta at first.
  std::optional<double> average_decay = {};

  /// How many steps fit takes for that many samples of training: for schedules.
  Index steps(Index samples) const {
    const auto parts = [](Index n, Index size) { return (n - 1) / size + 1; };
    return epochs * parts(parts(samples, batch_size), accumulate);
  }
};

/// Where fit stands, after a batch.
struct Progress {
  Index epoch, epochs;  // 1, 2, ..., epochs
  Index batch, batches;
  Index samples;                         // seen in this epoch
  double loss;                           // mean over these samples, each at its own step
  double seconds;                        // since the epoch began
  Index steps;                           // taken, in all epochs
  double learning_rate;                  // of the latest step; nan if the optimizer has no learning_rate
  double gradient_norm;                  // of the latest step, before it was clipped
  std::optional<Evaluation> validation;  // at the end of an epoch, if there are data for it

  bool epoch_is_done() const { return batch == batches; }
};

/// What fit has done: an entry per epoch.
struct History {
  std::vector<double> loss;           // mean over the epoch's samples, each at its own step
  std::vector<double> seconds;        // how long it took
  std::vector<double> learning_rate;  // of the epoch's last step
  std::vector<double> gradient_norm;  // mean over the epoch's steps, before clipping
  std::vector<double> validation_loss, validation_accuracy;  // after the epoch, if there are data for it
  Index best_epoch = 0;  // 1, 2, ...: that of the smallest validation loss; 0 without validation
};

namespace detail {

// f(y) of a layer, or of each one in it if it is a chain itself.
void for_each_output(const auto& y, auto& cache, auto&& f) {
  if constexpr (requires { cache.steps; }) {
    for (std::size_t i = 0; i + 1 < cache.steps.size(); ++i) f(cache.steps[i].y.view());
  }
  f(y);
}

// Where a pass over a batch first goes bad, forwards and then backwards.
template <class Net, class X, class T, class W, std::size_t... I>
std::string where_not_finite(const Net& net, const X& x, const T& t, const W& w, const Rng& rng,
                             std::index_sequence<I...>) {
  if (x.cols() == 0) return "not on this rank";
  if (!x.allFinite()) return "the inputs";
  auto ws = net.workspace(x.cols());
  ws.rng = rng;
  typename Net::ParameterVector gradient(net.parameter_count());
  const auto loss = net.loss_and_gradient(x, t, w, ws, gradient);
  std::string found;
  std::size_t layer = 0;
  const auto look = [&](const auto& y) {
    if (!y.allFinite() && found.empty()) found = "the activations of layer " + std::to_string(layer);
    ++layer;
  };
  (for_each_output(ws.template output<I>(), ws.template cache<I>(), look), ...);
  if (found.empty() && !std::isfinite(loss)) return "the loss itself, of finite outputs";
  if (found.empty()) {
    layer = 0;
    net.for_each_layer([&](const auto& of, Index offset, Index) {
      if (!gradient.segment(offset, of.parameter_count()).allFinite())
        found = "the gradient of layer " +
                std::to_string(layer);  // the last of them comes first in a backward pass
      ++layer;
    });
  }
  return found.empty() ? "none of the activations and gradients seen here" : found;
}

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

// The mean gradient of several batches: add each of them, then take() it.
template <class V>
class GradientSum {
 public:
  void resize(Index size) { sum_.setZero(size); }
  void add(const V& gradient, double weight) {
    using S = typename V::Scalar;
    if (weight_ == 0) sum_ = static_cast<S>(weight) * gradient;
    else sum_ += static_cast<S>(weight) * gradient;
    weight_ += weight;
  }
  void take(V& gradient) {
    if (weight_ > 0) gradient = sum_ / static_cast<typename V::Scalar>(weight_);
    weight_ = 0;
  }
  static void each_state(auto& self, auto&& f) {
    f("gradient_sum", self.sum_);
    f("gradient_sum.weight", self.weight_);
  }

 private:
  V sum_;
  double weight_ = 0;
};

// fit, whichever Trainer does the steps, each on the samples [begin, end) = part_of(count) of the count of a
// batch.
template <class AnyTrainer, class Data, class Part>
class Fit {
  using Net = std::remove_cvref_t<decltype(std::declval<AnyTrainer&>().net())>;
  using ParameterVector = typename Net::ParameterVector;
  using S = typename Net::Scalar;

 public:
  Fit(AnyTrainer& trainer, const Data& train, const Data* validation, const FitOptions& options,
      const Rng& rng, Part part_of)
      : trainer_(trainer),
        net_(trainer.net()),
        train_(train),
        validation_(validation),
        options_(options),
        part_of_(part_of),
        threads_(options.threads),
        first_rng_(rng),
        order_(static_cast<std::size_t>(train.size())) {
    if (const double* rate = learning_rate_of(trainer_.optimizer())) {
      base_rate_ = *rate;
    } else if (options.schedule) {
      raise<std::invalid_argument>(
          "fit: expected an optimizer with a learning_rate for the schedule, found none");
    }
    if (options_.accumulate > 1) sum_.resize(net_.parameter_count());
    if (options_.average_decay) average_ = net_.parameters();
    if (options_.patience) {
      best_parameters_ = net_.parameters();
      best_state_ = net_.state();
    }
    now_.epochs = options_.epochs;
    now_.batch = now_.batches = (train.size() - 1) / options_.batch_size + 1;
    now_.learning_rate = now_.gradient_norm = std::numeric_limits<double>::quiet_NaN();
    restored();
  }

  template <class Callback>
  History run(Callback&& callback) {
    using Clock = std::chrono::steady_clock;
    detail::begin(callback, *this);
    auto start = Clock::now();
    double seconds_before = now_.seconds;
    bool goes_on = true;
    while (goes_on && !is_done()) {
      if (now_.epoch_is_done()) {
        begin_epoch();
        start = Clock::now();
        seconds_before = 0;
      }
      ++now_.batch;
      threads_.run([&] { run_batch(); });
      now_.loss = mean_loss();
      now_.seconds = seconds_before + std::chrono::duration<double>(Clock::now() - start).count();
      if (now_.epoch_is_done()) {
        if (validation_ != nullptr) validate();
        add_to_history();
        schedule_.observe(observed_losses().back());
      }
      goes_on = detail::goes_on(callback, *this, std::as_const(now_));
    }
    detail::end(callback, *this);
    if (!now_.epoch_is_done()) add_to_history();
    if (options_.patience && history_.best_epoch > 0) {
      net_.parameters() = best_parameters_;
      net_.state() = best_state_;
    } else if (options_.average_decay) {
      net_.parameters() = average_;
    }
    return std::move(history_);
  }

  const Progress& progress() const { return now_; }
  const History& history() const { return history_; }
  /// The network as it is validated.
  Net validated() const {
    Net net = net_;
    if (options_.average_decay) net.parameters() = average_;
    return net;
  }

  /// Calls f(name, value) for each thing that the batches to come depend on; a const one is given by the data
  /// and the options. Whoever sets them calls restored() then.
  static void each_state(auto& self, auto&& f) {
    const Index samples = self.train_.size();
    f("samples", samples);
    f("seed", self.options_.seed);
    f("batch_size", self.options_.batch_size);
    f("accumulate", self.options_.accumulate);
    AnyTrainer::each_state(self.trainer_, f);
    if (self.options_.accumulate > 1) self.sum_.each_state(self.sum_, f);
    if (self.options_.average_decay) f("average", self.average_);
    if (self.options_.patience) {
      f("best_parameters", self.best_parameters_);
      if (self.best_state_.size() > 0) f("best_state", self.best_state_);
    }
    f("epoch", self.now_.epoch);
    f("batch", self.now_.batch);
    f("loss_sum", self.loss_sum_);
    f("loss_weight", self.loss_weight_);
    f("gradient_norm_sum", self.norm_sum_);
    f("learning_rate", self.now_.learning_rate);
    f("gradient_norm", self.now_.gradient_norm);
    f("history.loss", self.history_.loss);
    f("history.learning_rate", self.history_.learning_rate);
    f("history.gradient_norm", self.history_.gradient_norm);
    f("history.validation_loss", self.history_.validation_loss);
    f("history.validation_accuracy", self.history_.validation_accuracy);
    f("history.best_epoch", self.history_.best_epoch);
    f("history.seconds", self.history_.seconds);
    f("seconds", self.now_.seconds);
  }

  /// Finds what follows from each_state.
  /// Errors: std::runtime_error if that is of no run with these data and options, and says who says so.
  void restored(const std::string& who = "fit") {
    check_restored(who);
    now_.samples = std::min(now_.batch * options_.batch_size, train_.size());
    now_.steps = trainer_.steps();
    now_.loss = mean_loss();
    now_.validation.reset();
    if (now_.epoch_is_done() && !history_.validation_loss.empty()) {
      now_.validation = Evaluation{history_.validation_loss.back(), history_.validation_accuracy.back()};
    }
    rng_ = first_rng_;
    std::iota(order_.begin(), order_.end(), Index{0});
    for (Index epoch = 0; epoch < now_.epoch; ++epoch) rng_.shuffle(order_);
    schedule_ = options_.schedule.value_or(Schedule{});
    for (const double loss : observed_losses()) schedule_.observe(loss);
  }

 private:
  bool is_done() const {
    return now_.epoch_is_done() &&
           (now_.epoch == options_.epochs ||
            (options_.patience && now_.epoch - history_.best_epoch >= *options_.patience));
  }

  void begin_epoch() {
    ++now_.epoch;
    now_.batch = now_.samples = 0;
    now_.validation.reset();
    loss_sum_ = loss_weight_ = norm_sum_ = 0;
    rng_.shuffle(order_);
  }

  // The gradient of a batch, and, if it is the last of those that make one, the step.
  void run_batch() {
    const Index count = std::min(options_.batch_size, train_.size() - now_.samples);
    const auto [begin, end] = part_of_(count);
    gather(train_, order_.data() + now_.samples + begin, end - begin, part_);
    rng_before_ = trainer_.rng();
    const double loss = static_cast<double>(trainer_.backward(part_.x, part_.t, part_.weights));
    if (!std::isfinite(loss)) raise_not_finite("loss", loss);
    const double weight = trainer_.batch_weight();
    loss_sum_ += loss * weight;
    loss_weight_ += weight;
    now_.samples += count;
    const bool is_step = now_.batch % options_.accumulate == 0 || now_.epoch_is_done();
    if (options_.accumulate > 1) {
      sum_.add(trainer_.gradient(), weight);
      if (is_step) sum_.take(trainer_.gradient());
    }
    if (is_step) step();
  }

  void step() {
    auto& gradient = trainer_.gradient();
    now_.gradient_norm = options_.clip_norm ? mlp::clip_norm(gradient, *options_.clip_norm) : norm(gradient);
    if (!std::isfinite(now_.gradient_norm)) raise_not_finite("gradient", now_.gradient_norm);
    if (options_.clip_value) mlp::clip_value(gradient, *options_.clip_value);
    norm_sum_ += now_.gradient_norm;
    if (double* rate = learning_rate_of(trainer_.optimizer())) {
      now_.learning_rate = *rate = base_rate_ * schedule_(now_.steps + 1);
    }
    trainer_.update();
    ++now_.steps;
    if (options_.average_decay) {
      const S rate = static_cast<S>(1 - *options_.average_decay);
      average_ += rate * (net_.parameters() - average_);
    }
  }

  void validate() {
    const auto swap = [&] {
      if (options_.average_decay) net_.parameters().swap(average_);
    };
    swap();
    now_.validation = evaluate(net_, *validation_);
    const double loss = now_.validation->loss = trainer_.from_root(now_.validation->loss);
    const double best_loss = history_.best_epoch > 0
                                 ? history_.validation_loss[static_cast<std::size_t>(history_.best_epoch - 1)]
                                 : std::numeric_limits<double>::infinity();
    history_.validation_loss.push_back(loss);
    history_.validation_accuracy.push_back(now_.validation->accuracy);
    if (loss < best_loss - options_.min_delta) {
      history_.best_epoch = now_.epoch;
      if (options_.patience) {
        best_parameters_ = net_.parameters();
        best_state_ = net_.state();
      }
    }
    swap();
  }

  double mean_loss() const { return loss_weight_ > 0 ? loss_sum_ / loss_weight_ : 0; }

  Index steps_of_epochs(Index epochs) const {
    return epochs * ((now_.batches - 1) / options_.accumulate + 1);
  }

  void add_to_history() {
    history_.loss.push_back(now_.loss);
    history_.seconds.push_back(now_.seconds);
    history_.learning_rate.push_back(now_.learning_rate);
    history_.gradient_norm.push_back(norm_sum_ /
                                     static_cast<double>(now_.steps - steps_of_epochs(now_.epoch - 1)));
  }

  const std::vector<double>& observed_losses() const {
    return validation_ != nullptr ? history_.validation_loss : history_.loss;
  }

  void check_restored(const std::string& who) const {
    const auto check = [&](const char* what, Index low, Index high, Index found) {
      if (low <= found && found <= high) return;
      raise<std::runtime_error>(who + ": expected " + what + " in [" + std::to_string(low) + ", " +
                                std::to_string(high) + "], found " + std::to_string(found));
    };
    const Index epoch = now_.epoch, batch = now_.batch;
    check("epoch", 0, options_.epochs, epoch);
    check("batch", epoch == 0 ? now_.batches : 1, now_.batches, batch);
    const Index done = now_.epoch_is_done() ? epoch : epoch - 1;
    const Index steps = steps_of_epochs(done) + (done == epoch ? 0 : batch / options_.accumulate);
    check("steps", steps, steps, trainer_.steps());
    const auto check_size = [&](const char* what, Index size, const std::vector<double>& found) {
      check(what, size, size, static_cast<Index>(found.size()));
    };
    check_size("epochs of history.loss", done, history_.loss);
    check_size("epochs of history.learning_rate", done, history_.learning_rate);
    check_size("epochs of history.gradient_norm", done, history_.gradient_norm);
    check_size("epochs of history.seconds", done, history_.seconds);
    const Index validated = validation_ == nullptr ? 0 : done;
    check_size("epochs of history.validation_loss", validated, history_.validation_loss);
    check_size("epochs of history.validation_accuracy", validated, history_.validation_accuracy);
    check("history.best_epoch", 0, validated, history_.best_epoch);
  }

  [[noreturn]] void raise_not_finite(const char* what, double found) const {
    raise<std::runtime_error>("fit: epoch " + std::to_string(now_.epoch) + ", batch " +
                              std::to_string(now_.batch) + ", step " + std::to_string(now_.steps + 1) +
                              ": expected a finite " + what + ", found " + text_of(found) +
                              "; the first to go bad: " +
                              where_not_finite(net_, part_.x, part_.t, part_.weights, rng_before_,
                                               std::make_index_sequence<Net::depth>{}) +
                              ". The data hold a nan or infinity, or the learning rate is too large");
  }

  AnyTrainer& trainer_;
  Net& net_;
  const Data& train_;
  const Data* validation_;
  const FitOptions& options_;
  Part part_of_;
  ThreadChoice threads_;
  Rng first_rng_, rng_;  // as it was before the first epoch, and as it is
  std::vector<Index> order_;
  Schedule schedule_;  // a copy: it may have a state
  Data part_;
  Rng rng_before_;
  GradientSum<ParameterVector> sum_;
  ParameterVector average_, best_parameters_;
  Vector<S> best_state_;
  double base_rate_ = std::numeric_limits<double>::quiet_NaN();
  double loss_sum_ = 0, loss_weight_ = 0, norm_sum_ = 0;
  Progress now_{};
  History history_;
};

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

// All of fit but the choice of a Trainer: make_trainer(rng) returns one.
template <class Data, class MakeTrainer, class Part, class Callback>
History run_fit(const Data& train, const Data* validation, const FitOptions& options,
                MakeTrainer&& make_trainer, Part part_of, Callback&& callback) {
  Rng rng{options.seed};
  auto trainer = make_trainer(Rng{rng()});
  if (options.validation_fraction == 0)
    return Fit(trainer, train, validation, options, rng, part_of).run(callback);
  const auto [kept, used] = split(train, options.validation_fraction, rng);
  if (kept.size() == 0 || used.size() == 0) {
    raise<std::invalid_argument>(
        "fit: expected a validation_fraction that leaves samples on both sides, found " +
        std::to_string(options.validation_fraction) + " of " + std::to_string(train.size()) + " samples");
  }
  return Fit(trainer, used, &kept, options, rng, part_of).run(callback);
}

template <class Net, class Data, class Opt, class Callback>
History fit(Net& net, const Data& train, const Data* validation, Opt&& optimizer, const FitOptions& options,
            Callback&& callback) {
  check_fit_options(options, validation != nullptr);
  check_dataset(train, "fit");
  if (validation != nullptr) check_dataset(*validation, "fit: validation");
  const auto make_trainer = [&](const Rng& rng) { return Trainer(net, std::move(optimizer), rng); };
  const auto whole_batch = [](Index count) { return std::pair(Index{0}, count); };
  return run_fit(train, validation, options, make_trainer, whole_batch, callback);
}

}  // namespace detail

/// Trains net in place: in each epoch all samples in a new random order, in batches of batch_size (the last
/// may be smaller). Calls callback(const Progress&) after each batch; one that returns false ends the
/// training. See <mlp/io/checkpoint.hpp> for a callback with which it can be stopped and resumed.
/// Errors: std::invalid_argument if an option is out of range, the data are empty or do not fit the network;
/// std::runtime_error if the loss or its gradient is not finite, and says in which epoch, batch and step, and
/// which layer was the first whose activations or gradient went bad. The parameters are then those from before
/// that step.
template <class Net, class Target, class Opt, class Callback = detail::NoCallback>
History fit(Net& net, const Dataset<Target, typename Net::Scalar>& train, Opt optimizer,
            const FitOptions& options = {}, Callback&& callback = {}) {
  return detail::fit<Net, Dataset<Target, typename Net::Scalar>>(net, train, nullptr, std::move(optimizer),
                                                                 options, callback);
}

/// The same with data for validation, whose loss and accuracy are found after each epoch.
template <class Net, class Target, class Opt, class Callback = detail::NoCallback>
History fit(Net& net, const Dataset<Target, typename Net::Scalar>& train,
            const Dataset<Target, typename Net::Scalar>& validation, Opt optimizer,
            const FitOptions& options = {}, Callback&& callback = {}) {
  return detail::fit(net, train, &validation, std::move(optimizer), options, callback);
}

}  // namespace mlp
