#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/training/progress.hpp>

#include <cmath>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

namespace mlp::inline MLP_ABI::detail {

// Calls f(y) for the output y of a layer; for a chain of layers, for the output of each layer in it.
void for_each_output(const auto& y, auto& cache, auto&& f) {
  if constexpr (requires { cache.steps; }) {
    for (std::size_t i = 0; i + 1 < cache.steps.size(); ++i) f(cache.steps[i].y.view());
  }
  f(y);
}

/// Names the first array that is not finite in the pass over a batch, forward and then backward: the inputs,
/// "the activations of layer 2", the loss, "the gradient of layer 1". Repeats the pass, for which rng must be
/// as it was before the first time.
template <class Net, class X, class T, class W>
std::string where_not_finite(const Net& net, const X& x, const T& t, const W& w, const Rng& rng) {
  if (x.cols() == 0) return "not on this rank";
  if (!x.allFinite()) return "the inputs";
  auto ws = net.workspace(x.cols());
  ws.rng = rng;
  typename Net::ParameterVector gradient(net.parameter_count());
  const auto loss = net.loss_and_gradient(x, t, w, ws, gradient);

  std::string found;
  std::size_t layer = 0;
  const auto look = [&](const auto& y) {
    if (!y.allFinite() && found.empty()) found = message({"the activations of layer ", layer});
    ++layer;
  };
  [&]<std::size_t... I>(std::index_sequence<I...>) {
    (for_each_output(ws.template output<I>(), ws.template cache<I>(), look), ...);
  }
  (std::make_index_sequence<Net::depth>{});
  if (!found.empty()) return found;
  if (!std::isfinite(loss)) return "the loss itself, of finite outputs";

  layer = 0;
  net.for_each_layer([&](const auto& of, Index offset, Index) {
    // A later layer replaces an earlier one, since a backward pass comes to it first.
    if (!gradient.segment(offset, of.parameter_count()).allFinite())
      found = message({"the gradient of layer ", layer});
    ++layer;
  });
  return found.empty() ? "none of the activations and gradients seen here" : found;
}

// Throws the error of a run whose loss or gradient (`what`) is not finite, first so at the place `where`.
[[noreturn]] inline void raise_not_finite(const Progress& now, const char* what, double found,
                                          const std::string& where) {
  raise<std::runtime_error>({"fit: epoch ", now.epoch, ", batch ", now.batch, ", step ", now.steps + 1,
                             ": expected a finite ", what, ", found ", found, "; the first to go bad: ",
                             where, ". The data hold a nan or infinity, or the learning rate is too large"});
}

/// Throws std::runtime_error if the loss of a batch, or the norm of the gradient, is not finite: the message tells
/// where the run is, and by where_not_finite the first layer with a value that is not finite. rng: as it was
/// before the pass over the batch.
template <class Net, class Data>
void check_finite(const char* what, double found, const Progress& now, const Net& net, const Data& batch,
                  const Rng& rng) {
  if (std::isfinite(found)) return;
  raise_not_finite(now, what, found, where_not_finite(net, batch.x, batch.t, batch.weights, rng));
}

}  // namespace mlp::inline MLP_ABI::detail
