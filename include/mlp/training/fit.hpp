#pragma once

#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/data/dataset.hpp>
#include <mlp/kernel/norm.hpp>
#include <mlp/kernel/thread_choice.hpp>
#include <mlp/training/callback.hpp>
#include <mlp/training/clip.hpp>
#include <mlp/training/early_stopping.hpp>
#include <mlp/training/epoch_means.hpp>
#include <mlp/training/evaluate.hpp>
#include <mlp/training/fit_options.hpp>
#include <mlp/training/gradient_accumulation.hpp>
#include <mlp/training/history.hpp>
#include <mlp/training/learning_rate.hpp>
#include <mlp/training/not_finite.hpp>
#include <mlp/training/parameter_average.hpp>
#include <mlp/training/progress.hpp>
#include <mlp/training/sample_order.hpp>
#include <mlp/training/stopwatch.hpp>
#include <mlp/training/trainer.hpp>
#include <mlp/training/validation_split.hpp>

#include <algorithm>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace mlp::inline MLP_ABI {

namespace detail {

/// A run of fit: a loop over batches, and a list of parts. A part is an object with a state of its own. It acts
/// at some moments of the loop, by the members
///   begin_epoch    after_batch    before_step    after_step    after_epoch
/// each_state lists its state for a checkpoint; restore derives the rest. A new feature is a new part.
///
/// trainer takes the steps. share_of(count) = (begin, end) is the range of a batch's `count` samples that this
/// process works on: all of them, unless several processes share a batch.
template <class AnyTrainer, class Data, class Share>
class Run {
  using Net = std::remove_cvref_t<decltype(std::declval<AnyTrainer&>().net())>;
  using ParameterVector = typename Net::ParameterVector;

 public:
  Run(AnyTrainer& trainer, const Data& train, const Data* validation, const FitOptions& options,
      const Rng& rng, Share share_of)
      : trainer_(trainer),
        net_(trainer.net()),
        train_(train),
        validation_(validation),
        options_(options),
        share_of_(share_of),
        order_(train.size(), rng) {
    progress_.epochs = options.epochs;
    progress_.batch = progress_.batches = options.batches_per_epoch(train.size());
    restored();
  }

  /// Trains until the run is over or the callback ends it.
  History operator()(auto& callback) {
    detail::begin(callback, *this);  // which may load a checkpoint
    Stopwatch watch;
    bool goes_on = true;
    while (goes_on && !is_over()) {
      if (progress_.epoch_is_done()) {
        progress_.begin_epoch();
        means_.begin_epoch();
        order_.begin_epoch();
        watch.lap();
      }
      threads_.run([&] { run_batch(); });
      progress_.seconds += watch.lap();
      if (progress_.epoch_is_done()) end_epoch();
      goes_on = detail::goes_on(callback, *this, std::as_const(progress_));
    }
    detail::end(callback, *this);
    if (!progress_.epoch_is_done()) history_.after_epoch(progress_, means_.gradient_norm());
    if (early_stopping_.has_best(history_)) early_stopping_.put_back(net_.parameters(), net_.state());
    else average_.copy_to(net_.parameters());
    return std::move(history_);
  }

  const Progress& progress() const { return progress_; }
  const History& history() const { return history_; }
  /// The network as it is validated.
  Net validated() const {
    Net net = net_;
    average_.copy_to(net.parameters());
    return net;
  }

  /// Calls f(name, value) for each value on which later batches depend. The const ones identify the data and
  /// options of the run. After setting the others, call restored().
  static void each_state(auto& self, auto&& f) {
    const Index samples = self.train_.size();
    f("samples", samples);
    f("seed", self.options_.seed);
    f("batch_size", self.options_.batch_size);
    f("accumulate", self.options_.accumulate);
    const auto each_state_of = [&](auto&... part) { (part.each_state(part, f), ...); };
    each_state_of(self.trainer_, self.accumulation_, self.average_, self.early_stopping_, self.progress_,
                  self.means_, self.history_);
    f("seconds", self.progress_.seconds);  // the times come last: they differ between runs
  }

  /// Recomputes the members that are derived from the restored state.
  /// Errors: std::runtime_error if the state belongs to another run; the message begins with `who`.
  void restored(const char* who = "fit") {
    check_restored(who, progress_);
    const Index epochs = progress_.epochs_done(),
                epoch_steps = progress_.epoch_is_done() ? 0 : progress_.batch / options_.accumulate,
                steps = epochs * options_.steps_per_epoch(train_.size()) + epoch_steps;
    check_restored(who, "steps", steps, steps, trainer_.steps());
    check_restored(who, history_, epochs, validation_ == nullptr ? 0 : epochs);

    means_.restore(epoch_steps);
    order_.restore(progress_.epoch);
    learning_rate_.restore(history_);
    progress_.samples = (std::min)(progress_.batch * options_.batch_size, train_.size());
    progress_.steps = steps;
    progress_.loss = means_.loss();
    progress_.validation = progress_.epoch_is_done() ? history_.latest_validation() : std::nullopt;
  }

 private:
  bool is_over() const {
    return progress_.epoch_is_done() &&
           (progress_.epoch == options_.epochs || early_stopping_.run_is_over(history_));
  }

  // Finds the gradient of the next batch and, if the batch completes a step, takes the step.
  void run_batch() {
    const Index count = (std::min)(options_.batch_size, train_.size() - progress_.samples);
    const auto [begin, end] = share_of_(count);
    gather(train_, order_.from(progress_.samples + begin), end - begin, batch_);
    ++progress_.batch;

    const Rng rng = trainer_.rng();  // as it is before the pass, which check_finite may repeat
    const double loss = static_cast<double>(trainer_.backward(batch_.x, batch_.t, batch_.weights));
    check_finite("loss", loss, progress_, net_, batch_, rng);
    const double weight = trainer_.batch_weight();
    progress_.samples += count;
    means_.after_batch(loss, weight);
    progress_.loss = means_.loss();
    accumulation_.after_batch(trainer_.gradient(), weight);
    if (progress_.batch % options_.accumulate != 0 && !progress_.epoch_is_done()) return;

    auto& gradient = trainer_.gradient();
    accumulation_.before_step(gradient);
    progress_.gradient_norm = options_.clip_norm ? clip_norm(gradient, *options_.clip_norm) : norm(gradient);
    check_finite("gradient", progress_.gradient_norm, progress_, net_, batch_, rng);
    if (options_.clip_value) clip_value(gradient, *options_.clip_value);
    means_.before_step(progress_.gradient_norm);
    ++progress_.steps;
    progress_.learning_rate = learning_rate_.before_step(progress_.steps);
    trainer_.update();
    average_.after_step(net_.parameters());
  }

  void end_epoch() {
    if (validation_ != nullptr) {
      average_.swap(net_.parameters());
      const Evaluation found = evaluate(net_, *validation_);
      progress_.validation = Evaluation{trainer_.from_root(found.loss), found.accuracy};
      history_.after_validation(*progress_.validation);
      early_stopping_.after_epoch(history_, net_.parameters(), net_.state());
      average_.swap(net_.parameters());
    }
    history_.after_epoch(progress_, means_.gradient_norm());
    learning_rate_.after_epoch(history_);
  }

  AnyTrainer& trainer_;
  Net& net_;
  const Data& train_;
  const Data* validation_;
  const FitOptions& options_;
  Share share_of_;
  ThreadChoice threads_{options_.threads};
  typename Data::Batch batch_;  // the samples that this process works on

  // The parts.
  SampleOrder order_;
  GradientAccumulation<ParameterVector> accumulation_{options_.accumulate, net_.parameter_count()};
  LearningRate learning_rate_{learning_rate_of(trainer_.optimizer()), options_.schedule};
  ParameterAverage<ParameterVector> average_{options_.average_decay, net_.parameters()};
  EarlyStopping<ParameterVector> early_stopping_{options_.patience, options_.min_delta, net_.parameters(),
                                                 net_.state()};
  EpochMeans means_;
  Progress progress_;
  History history_;
};

// fit with the Trainer that make_trainer(rng) returns.
template <class Data, class MakeTrainer, class Share, class Callback>
History run_fit(const Data& train, const Data* validation, const FitOptions& options,
                MakeTrainer&& make_trainer, Share share_of, Callback&& callback) {
  Rng rng{options.seed};
  auto trainer = make_trainer(Rng{rng()});
  if (options.validation_fraction == 0)
    return Run(trainer, train, validation, options, rng, share_of)(callback);
  const auto [kept, used] = split_validation(train, options.validation_fraction, rng);
  return Run(trainer, used, &kept, options, rng, share_of)(callback);
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
/// may be smaller). Calls callback(const Progress&) after each batch; if it returns false, training ends. With
/// the callback Checkpoint of <mlp/io/checkpoint.hpp>, training can be stopped and resumed.
/// Errors: std::invalid_argument if an option is out of range, the data are empty or do not fit the network;
/// std::runtime_error if the loss or its gradient is not finite. The message tells the epoch, batch and step,
/// and the first layer whose activations or gradient are not finite; the parameters are those from before that
/// step.
template <class Net, class Target, class X, class Opt, class Callback = detail::NoCallback>
History fit(Net& net, const Dataset<Target, typename Net::Scalar, X>& train, Opt optimizer,
            const FitOptions& options = {}, Callback&& callback = {}) {
  return detail::fit<Net, Dataset<Target, typename Net::Scalar, X>>(net, train, nullptr, std::move(optimizer),
                                                                    options, callback);
}

/// The same with validation data: their loss and accuracy are computed after each epoch.
template <class Net, class Target, class X, class Opt, class Callback = detail::NoCallback>
History fit(Net& net, const Dataset<Target, typename Net::Scalar, X>& train,
            const Dataset<Target, typename Net::Scalar, X>& validation, Opt optimizer,
            const FitOptions& options = {}, Callback&& callback = {}) {
  return detail::fit(net, train, &validation, std::move(optimizer), options, callback);
}

}  // namespace mlp::inline MLP_ABI
