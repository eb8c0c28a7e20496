#pragma once

#include <mlp/concepts.hpp>
#include <mlp/dataset.hpp>
#include <mlp/network.hpp>
#include <mlp/threads.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <numeric>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace mlp {

namespace check {

template <class O, class S>
constexpr void is_an_optimizer() {
  static_assert(
      Optimizer<O, S>,
      "mlp: the second argument of Trainer must be an optimizer: see the concept in <mlp/concepts.hpp>");
}

}  // namespace check

namespace detail {

template <class S>
[[noreturn]] void raise_not_finite(S loss, const std::string& where) {
  raise<std::runtime_error>(where + ": expected a finite loss, found " +
                            (std::isnan(loss) ? "nan" : std::to_string(loss)) +
                            ": the data hold a nan or infinity, or the learning rate is too large");
}

}  // namespace detail

/// Trains a network of the caller's in place, step by step; it refers to the network, which must outlive it.
/// Errors: std::invalid_argument if an option of the optimizer is out of range.
template <class Net, class Opt>
class Trainer {
  static constexpr bool is_well_formed_ = Optimizer<Opt, typename Net::Scalar>;

 public:
  using S = typename Net::Scalar;

  /// rng is what layers with randomness of their own draw from.
  Trainer(Net& net, Opt optimizer, Rng rng = Rng{})
      : net_(&net),
        optimizer_(std::move(optimizer)),
        gradient_(net.parameter_count()),
        slots_(net.parameter_count(), slot_count_),
        workspace_(net) {
    check::is_an_optimizer<Opt, S>();
    detail::validate(optimizer_);
    workspace_.rng = rng;
    std::fill_n(gradient_.data(), gradient_.size(), S(0));
    std::fill_n(slots_.data(), slots_.size(), S(0));
  }

  /// One step on a batch: forward, backward, update. Returns the mean loss before the update.
  /// A batch whose size is static is worked on without any heap, if layers are static and small.
  /// Shapes: x inputs x B; t B labels, or outputs x B.
  /// Errors: std::invalid_argument as the network throws; std::runtime_error if the loss is not finite. The
  /// parameters are then those from before the step.
  template <class X, class T>
  S step(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t) {
    return finish_step(backward(x, t));
  }

  /// The two halves of a step, for who wants to do something with the gradient in between (clip it, or add up
  /// those of many machines): backward puts the gradient of a batch into gradient() and returns the mean
  /// loss, update moves the parameters by what is there.
  template <class X, class T>
  S backward(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t) {
    constexpr int batch = X::ColsAtCompileTime;
    if constexpr (Net::template workspace_is_fixed<batch>) {
      Workspace<Net, batch> workspace(*net_);
      workspace.rng = workspace_.rng;
      const S loss = net_->loss_and_gradient(x, t, workspace, gradient_);
      workspace_.rng = workspace.rng;
      return loss;
    } else {
      return net_->loss_and_gradient(x, t, workspace_, gradient_);
    }
  }
  void update() {
    auto theta = net_->parameters();
    ++steps_;
    if constexpr (is_well_formed_) optimizer_.step(theta, gradient_, slots_, steps_);
  }

  Net& net() const { return *net_; }
  /// May be changed between steps, its learning rate for instance.
  Opt& optimizer() { return optimizer_; }
  const Opt& optimizer() const { return optimizer_; }
  /// dL/dtheta of the last step.
  typename Net::ParameterVector& gradient() { return gradient_; }
  const auto& gradient() const { return gradient_; }
  /// How many steps were taken.
  Index steps() const { return steps_; }

 protected:
  // update() after a backward pass that found this loss, which is returned.
  S finish_step(S loss) {
    if (!std::isfinite(loss)) detail::raise_not_finite(loss, "mlp: step " + std::to_string(steps_ + 1));
    update();
    return loss;
  }

 private:
  static constexpr int slot_count_ = [] {
    if constexpr (is_well_formed_) {
      return static_cast<int>(Opt::slots);
    } else {
      return 0;
    }
  }();
  using Slots = Eigen::Matrix<S, Net::ParameterVector::RowsAtCompileTime, slot_count_>;

  Net* net_;
  Opt optimizer_;
  typename Net::ParameterVector gradient_;
  Slots slots_;
  Workspace<Net> workspace_;
  Index steps_ = 0;
};

/// What fit does: how often it goes through the data, in batches of which size.
struct FitOptions {
  Index epochs = 10;
  Index batch_size = 32;
  std::uint64_t seed = 0;  // of the shuffling, and of layers with randomness of their own
  int threads = 0;  // at most so many, where they pay (see threads.hpp); 0: as many as OpenMP would take
};

/// Where fit stands, after a batch.
struct Progress {
  Index epoch, epochs;  // 1, 2, ..., epochs
  Index batch, batches;
  Index samples;   // seen in this epoch
  double loss;     // mean over these samples, each at its own step
  double seconds;  // since the epoch began

  bool epoch_is_done() const { return batch == batches; }
};

/// What fit has done: an entry per epoch.
struct History {
  std::vector<double> loss;     // mean over the epoch's samples, each at its own step
  std::vector<double> seconds;  // how long it took
};

namespace detail {

// The epochs of fit, whichever Trainer does the steps, each on the samples [begin, end) = part_of(count) of the count
// of a batch.
template <class Target, class S, class AnyTrainer, class Part, class Callback>
History run_epochs(const Dataset<Target, S>& train, const FitOptions& options, Rng& rng, AnyTrainer& trainer,
                   Part&& part_of, Callback&& callback) {
  const Index samples = train.size();
  Dataset<Target, S> part;
  std::vector<Index> order(static_cast<std::size_t>(samples));
  std::iota(order.begin(), order.end(), Index{0});
  ThreadChoice threads(options.threads);
  History history;
  bool stopped = false;
  double loss = 0;
  Progress progress{};
  progress.epochs = options.epochs;
  progress.batches = (samples - 1) / options.batch_size + 1;
  for (progress.epoch = 1; progress.epoch <= options.epochs && !stopped; ++progress.epoch) {
    const auto start = std::chrono::steady_clock::now();
    rng.shuffle(order);
    double loss_sum = 0;
    progress.samples = 0;
    for (progress.batch = 1; progress.batch <= progress.batches && !stopped; ++progress.batch) {
      const Index count = std::min(options.batch_size, samples - progress.samples);
      threads.run([&] {
        const auto [begin, end] = part_of(count);
        const Index* const first = order.data() + progress.samples + begin;
        gather(train.x, first, end - begin, part.x);
        gather(train.t, first, end - begin, part.t);
        loss = static_cast<double>(trainer.backward(part.x, part.t));
        if (!std::isfinite(loss)) {
          raise_not_finite(loss, "fit: epoch " + std::to_string(progress.epoch) + ", batch " +
                                     std::to_string(progress.batch));
        }
        trainer.update();
      });
      progress.samples += count;
      loss_sum += loss * static_cast<double>(count);
      progress.loss = loss_sum / static_cast<double>(progress.samples);
      progress.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
      const Progress& now = progress;
      if constexpr (std::is_same_v<decltype(callback(now)), bool>) {
        stopped = !callback(now);
      } else {
        callback(now);
      }
    }
    history.loss.push_back(progress.loss);
    history.seconds.push_back(progress.seconds);
  }
  return history;
}

inline void check_fit_options(const FitOptions& options) {
  const auto check_positive = [](Index value, const char* name) {
    if (value <= 0) {
      raise<std::invalid_argument>(std::string("fit: expected ") + name + " > 0, found " +
                                   std::to_string(value));
    }
  };
  check_positive(options.epochs, "epochs");
  check_positive(options.batch_size, "batch_size");
  if (options.threads < 0) {
    raise<std::invalid_argument>("fit: expected threads >= 0, found " + std::to_string(options.threads));
  }
}

}  // namespace detail

/// Trains net in place: in each epoch all samples in a new random order, in batches of batch_size (the last
/// may be smaller). Calls callback(const Progress&) after each batch; one that returns false ends the
/// training.
/// Errors: std::invalid_argument if an option is out of range, the data are empty or do not fit the network;
/// std::runtime_error if the loss is not finite, and says in which epoch and batch. The parameters are then
/// those from before that batch.
template <class Net, class Target, class Opt, class Callback>
History fit(Net& net, const Dataset<Target, typename Net::Scalar>& train, Opt optimizer,
            const FitOptions& options, Callback&& callback) {
  detail::check_fit_options(options);
  check_dataset(train, "fit");
  Rng rng{options.seed};
  Trainer trainer(net, std::move(optimizer), Rng{rng()});
  const auto whole_batch = [](Index count) { return std::pair(Index{0}, count); };
  return detail::run_epochs(train, options, rng, trainer, whole_batch, callback);
}

template <class Net, class Target, class Opt>
History fit(Net& net, const Dataset<Target, typename Net::Scalar>& train, Opt optimizer,
            const FitOptions& options = {}) {
  return fit(net, train, std::move(optimizer), options, [](const Progress&) {});
}

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
  Evaluation sum{0, 0};
  for (Index i = 0; i < data.size(); i += piece) {
    const Index count = std::min(piece, data.size() - i);
    const auto [loss, accuracy] = [&] {
      if constexpr (detail::is_labels<Target>)
        return net.loss_and_accuracy(data.x.middleCols(i, count), data.t.segment(i, count));
      else return net.loss_and_accuracy(data.x.middleCols(i, count), data.t.middleCols(i, count));
    }();
    sum.loss += static_cast<double>(loss) * static_cast<double>(count);
    sum.accuracy += static_cast<double>(accuracy) * static_cast<double>(count);
  }
  const auto n = static_cast<double>(data.size());
  return {sum.loss / n, sum.accuracy / n};
}

}  // namespace mlp
