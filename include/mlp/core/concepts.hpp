#pragma once

#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/concept_details.hpp>
#include <mlp/kernel/tile.hpp>

#include <concepts>

/// The concepts of activation, layer, loss and optimizer. Read this first; a type of your own that has these members
/// works with everything else here.
///
/// Letters: theta the parameters of a layer, x its input, y its output, t the targets, and dq the derivative of the loss
/// with respect to q. `const auto&` stands for Eigen Maps and blocks of many types: write templates.
///
/// All but layers may have `void validate() const`, which throws std::invalid_argument. It is called when the
/// object enters a layer, a network or a Trainer.
namespace mlp::inline MLP_ABI {

/// Element-wise a = f(z).
///
///     struct Tanh {
///       static constexpr bool needs_input = false;
///       void forward(auto& z) const;                         // z becomes f(z)
///       void backward(const auto& a, auto& delta) const;     // delta becomes delta * f'(z)
///     };
///
/// The arguments are Eigen arrays of a fixed size (tiles, see kernel/tile.hpp): both z = z.tanh() and plain loops over
/// the coefficients work. Most derivatives follow from a. An activation whose derivative needs z declares
/// needs_input = true and backward(z, a, delta); only then is z kept.
/// Optional: `using Initializer = ...`, which draws the weights of a Dense layer with this activation (default:
/// GlorotUniform).
template <class A, class S = float>
concept Activation = std::copyable<A> && requires(const A f, Tile<S>& tile, const Tile<S>& a) {
  { A::needs_input } -> std::convertible_to<bool>;
  f.forward(tile);
  requires(A::needs_input && requires { f.backward(a, a, tile); }) ||
      (!A::needs_input && requires { f.backward(a, tile); });
};

/// A layer that keeps numbers beside its parameters: BatchNorm's running statistics. They lie in the network's state()
/// and change with the Trainer's steps, not during a pass. Besides the members of Layer it has
///
///       Index state_count() const;
///       void initialize_state(auto& state) const;
///       void update_state(auto& state, const auto& cache) const;      // from the cache that forward filled
///       void infer       (const auto& theta, const auto& state, const auto& x, auto& y) const;
///       void forward_eval(const auto& theta, const auto& state, const auto& x, auto& y, auto& cache) const;
///
/// in place of the infer and forward_eval without state.
template <class L>
concept StatefulLayer = requires(const L& layer, detail::VectorArgument<float>& state) {
  layer.initialize_state(state);
};

/// Maps inputs() x B to outputs() x B.
///
///     struct Layer {
///       Index inputs() const;  Index outputs() const;  Index parameter_count() const;
///       template <class S> struct Cache;                  // what backward must remember, or Cache<S, Batch>
///       void initialize(auto& theta, Rng& rng) const;
///       void infer   (const auto& theta, const auto& x, auto& y) const;
///       void forward (const auto& theta, const auto& x, auto& y, auto& cache, Rng& rng) const;
///       void backward(const auto& theta, const auto& x, const auto& y, auto& cache,
///                     auto& dy, auto& dtheta, auto& dx) const;
///     };
///
/// infer is the pass of a prediction: it has no cache and no randomness. forward is the pass of training. backward
/// gets dy, which it may overwrite, and writes (does not add) dtheta and dx. If inputs(), outputs() and
/// parameter_count() are static constexpr, the network's sizes are static, too. The base class Sizes<In, Out,
/// Parameters> (base/sizes.hpp) provides them for numbers and Dynamic.
/// Optional members:
///   - backward without the last argument, for a first layer whose dx nobody asks for;
///   - infer that is noexcept for one sample: the network's predict is noexcept if all layers have it;
///   - forward_eval(theta, x, y, cache), which computes what infer does and fills the cache for backward, if that
///     differs from forward (Dropout);
///   - mark_weights(mask), which sets the mask to 1 for parameters that weight decay should shrink, and to 0 for the
///     others (default: all 1).
template <class L, class S = float>
concept Layer =
    std::copyable<L> && !std::same_as<typename detail::cache_of<L, S, Dynamic>::type, detail::NoCache> &&
    requires(const L layer, detail::VectorArgument<S>& theta, detail::MatrixArgument<S>& m,
             typename detail::cache_of<L, S, Dynamic>::type& cache, Rng& rng) {
  { layer.inputs() } -> std::convertible_to<Index>;
  { layer.outputs() } -> std::convertible_to<Index>;
  { layer.parameter_count() } -> std::convertible_to<Index>;
  layer.initialize(theta, rng);
  requires(!StatefulLayer<L> && requires { layer.infer(theta, m, m); }) ||
      (StatefulLayer<L> && requires(const detail::VectorArgument<S>& state) {
        { layer.state_count() } -> std::convertible_to<Index>;
        layer.initialize_state(theta);
        layer.update_state(theta, cache);
        layer.infer(theta, state, m, m);
        layer.forward_eval(theta, state, m, m, cache);
      });
  layer.forward(theta, m, m, cache, rng);
  layer.backward(theta, m, m, cache, m, theta, m);
};

/// Measures how far outputs are from targets: a mean over the batch.
///
///     struct Loss {
///       template <class S> using Target = ...;            // Labels if accepted, else Matrix<S>
///       S    value   (const auto& y, const auto& t) const;
///       void gradient(const auto& y, const auto& t, auto& dy) const;
///       void to_prediction(auto& y) const;            // outputs become predictions, in place
///     };
///
/// Optional members:
///   - S value_and_gradient(y, t, dy): both in one pass, if that is faster;
///   - S accuracy(y, t): the fraction of correctly predicted samples;
///   - void validate(Index outputs): checks options whose number depends on the network's outputs (class weights);
///   - double weight(t): the denominator of the mean, if the loss weighs the samples (by class weights);
///   - static constexpr int outputs_per_target: if a target has several outputs (a mean and a variance);
///   - static constexpr double threshold: a single prediction above it means class 1 (default: one half).
/// Weighted samples are passed to a loss one at a time.
template <class L, class S = float>
concept Loss = std::copyable<L> && requires {
  typename L::template Target<S>;
} && requires(const L loss, detail::MatrixArgument<S>& m, const typename L::template Target<S>& t) {
  { loss.value(m, t) } -> std::convertible_to<S>;
  loss.gradient(m, t, m);
  loss.to_prediction(m);
};

/// An update rule on one vector; it knows no network.
///
///     struct Optimizer {
///       static constexpr Index slots;                     // how many state vectors it keeps
///       void step(auto& theta, const auto& gradient, auto& slots, Index t) const;
///     };
///
/// t counts the steps: 1, 2, ... The state vectors (one for momentum) are the columns of `slots`, zero at
/// first.
template <class O, class S = float>
concept Optimizer = std::copyable<O> &&
    requires(const O optimizer, detail::VectorArgument<S>& v, detail::MatrixArgument<S>& slots, Index t) {
  { O::slots } -> std::convertible_to<Index>;
  optimizer.step(v, v, slots, t);
};

}  // namespace mlp::inline MLP_ABI
