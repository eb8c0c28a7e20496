#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/core/network.hpp>
#include <mlp/core/sample_weights.hpp>

#include <algorithm>
#include <cmath>
#include <stdexcept>
#include <string>
#include <utility>

namespace mlp::inline MLP_ABI {

/// Trains a network in place, step by step. It keeps a reference to the network, which must outlive it.
/// Errors: std::invalid_argument if an option of the optimizer is out of range.
template <class Net, class Opt>
class Trainer {
  static constexpr bool is_well_formed_ = Optimizer<Opt, typename Net::Scalar>;

 public:
  using S = typename Net::Scalar;

  /// rng: the random numbers of layers that draw some, such as Dropout.
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
  /// Allocates only for a batch larger than all before; static, small sizes: never.
  /// Shapes: x inputs x B; t B labels, or outputs x B; w, if given, B weights of the samples.
  /// Errors: like the network's; std::runtime_error if the loss is not finite: the parameters are then unchanged.
  template <class X, class T, class W = detail::NoWeights>
  S step(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t, const W& w = {}) {
    return finish_step(backward(x, t, w));
  }

  /// The two halves of a step. backward writes the gradient of a batch into gradient() and returns the mean loss. If
  /// it is finite, backward updates the network's state. update takes the optimizer's step with gradient(), which may be
  /// changed in between: clipped, or summed over machines.
  template <class X, class T, class W = detail::NoWeights>
  S backward(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t, const W& w = {}) {
    constexpr int batch = X::ColsAtCompileTime;
    if constexpr (Net::template workspace_is_fixed<batch>) {
      Workspace<Net, batch> workspace(*net_);
      workspace.rng = workspace_.rng;
      const S loss = backward_in(workspace, x, t, w);
      workspace_.rng = workspace.rng;
      return loss;
    } else {
      return backward_in(workspace_, x, t, w);
    }
  }
  void update() {
    auto theta = net_->parameters();
    ++steps_;
    if constexpr (is_well_formed_) optimizer_.step(theta, gradient_, slots_, steps_);
  }

  Net& net() const { return *net_; }
  /// It may be changed between steps, for instance its learning rate.
  Opt& optimizer() { return optimizer_; }
  const Opt& optimizer() const { return optimizer_; }
  /// dL/dtheta of the last backward.
  typename Net::ParameterVector& gradient() { return gradient_; }
  const auto& gradient() const { return gradient_; }
  /// The number of steps taken.
  Index steps() const { return steps_; }
  /// The network's batch_weight for the batch of the last backward.
  double batch_weight() const { return batch_weight_; }
  /// The value itself; in training by several processes, rank 0's value on all ranks (see mpi.hpp).
  double from_root(double value) const { return value; }

  /// The random numbers of layers that draw some.
  Rng& rng() { return workspace_.rng; }

  /// Calls f(name, value) for each value on which the steps to come depend, except the optimizer's options.
  static void each_state(auto& self, auto&& f) {
    f("parameters", self.net_->parameters());
    if (self.net_->state_count() > 0) f("state", self.net_->state());
    if constexpr (slot_count_ > 0) f("slots", self.slots_);
    f("rng", self.workspace_.rng);
    f("steps", self.steps_);
  }

 protected:
  // Completes the step of a backward pass that returned this loss, and returns the loss.
  S finish_step(S loss) {
    if (!std::isfinite(loss)) {
      detail::raise<std::runtime_error>(
          {"mlp: step ", steps_ + 1, ": expected a finite loss, found ", loss,
           ": the data hold a nan or infinity, or the learning rate is too large"});
    }
    update();
    return loss;
  }

 private:
  S backward_in(auto& workspace, const auto& x, const auto& t, const auto& w) {
    const S loss = net_->loss_and_gradient(x, t, w, workspace, gradient_);
    batch_weight_ = net_->batch_weight(t, w);
    if (std::isfinite(loss)) net_->update_state(workspace);
    return loss;
  }

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
  double batch_weight_ = 0;
};

}  // namespace mlp::inline MLP_ABI
