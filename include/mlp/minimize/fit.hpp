#pragma once

#include <mlp/base/types.hpp>
#include <mlp/core/network.hpp>
#include <mlp/data/dataset.hpp>
#include <mlp/minimize/minimize_result.hpp>
#include <mlp/minimize/objective.hpp>
#include <mlp/training/callback.hpp>

#include <concepts>
#include <type_traits>

namespace mlp::inline MLP_ABI {

/// A minimizer of a function of one vector, which knows no network:
///
///     struct FullBatchOptimizer {
///       MinimizeResult minimize(auto&& f, auto&& theta, auto&& callback) const;
///     };
///
/// minimize moves theta to a minimum of f, which is called as an Objective is, and calls
/// callback(const MinimizeResult&) after each iteration, when theta holds the iteration's result.
template <class O, class S = float>
concept FullBatchOptimizer = std::copyable<O> &&
    requires(const O& optimizer, S (&f)(const Vector<S>&, Vector<S>&), Vector<S>& theta,
             detail::NoCallback& callback) {
  { optimizer.minimize(f, theta, callback) } -> std::same_as<MinimizeResult>;
};

/// Trains net in place on the loss over all data at once: for networks and data so small that a pass over all
/// data is cheap. Calls callback(const MinimizeResult&) after each iteration, when net has the iteration's
/// parameters; a callback that returns false ends the training. At the end net has the best parameters found.
/// Errors: std::invalid_argument if an option is out of range, data are empty or do not fit, net has state;
/// std::runtime_error if the loss is not finite at the start. The parameters are then as they were.
//
// BasicMlp is spelled out, unlike in the fit over epochs (training/fit.hpp): overload resolution then prefers
// this function.
template <class S, class Loss, class... Layers, class Target, FullBatchOptimizer<S> Opt, class Callback>
MinimizeResult fit(BasicMlp<S, Loss, Layers...>& net, const Dataset<Target, std::type_identity_t<S>>& data,
                   const Opt& optimizer, Callback&& callback) {
  check_dataset(data, "fit");
  Objective objective(net, data);
  Vector<S> theta = net.parameters();
  MinimizeResult result = optimizer.minimize(objective, theta, [&](const MinimizeResult& now) {
    net.parameters() = theta;
    return detail::goes_on(callback, now);
  });
  net.parameters() = theta;
  return result;
}

template <class S, class Loss, class... Layers, class Target, FullBatchOptimizer<S> Opt>
MinimizeResult fit(BasicMlp<S, Loss, Layers...>& net, const Dataset<Target, std::type_identity_t<S>>& data,
                   const Opt& optimizer) {
  return fit(net, data, optimizer, detail::NoCallback{});
}

}  // namespace mlp::inline MLP_ABI
