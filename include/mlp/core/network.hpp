#pragma once

#include <mlp/base/random.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/chain.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/core/sample_weights.hpp>
#include <mlp/data/dataset.hpp>
#include <mlp/kernel/threads.hpp>

#include <algorithm>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace mlp {

template <class S, class LossFunction, class... Layers>
class BasicMlp;

/// A multi-layer perceptron in single precision: Mlp<SoftmaxCrossEntropy, Dense<784, 256, ReLU>, Dense<256,
/// 10>>.
template <class LossFunction, class... Layers>
using Mlp = BasicMlp<float, LossFunction, Layers...>;

namespace check {

template <class L, class S>
constexpr void is_a_loss() {
  static_assert(Loss<L, S>,
                "mlp: the first argument of Mlp must be a loss: see the concept in <mlp/core/concepts.hpp>");
}

template <class Found, class Expected>
constexpr void scalar_is_the_networks() {
  static_assert(std::is_same_v<Found, Expected>,
                "mlp: data and network differ in scalar type (Mlp is float: use x.cast<float>(), or "
                "BasicMlp<double, ...>)");
}

template <int RowsFound, int RowsExpected>
constexpr void rows_are_the_networks() {
  static_assert(
      RowsFound == RowsExpected || RowsFound == Dynamic || RowsExpected == Dynamic,
      "mlp: x or t has another number of rows than the network has inputs or outputs (columns are samples)");
}

template <class Found, class L>
constexpr void targets_are_the_losses() {
  static_assert(!std::is_integral_v<Found> || detail::is_labels<typename L::template Target<double>>,
                "mlp: the targets are labels, but this loss takes a matrix with a row for each output");
}

}  // namespace check

namespace detail {

template <class L, class S>
concept PredictsWithoutThrowing = requires(const L& loss, VectorArgument<S>& y) {
  { loss.to_prediction(y) }
  noexcept;
};

// These are constants of a loss, or functions of one that is chosen at run time.
template <class L>
constexpr double threshold(const L& loss) {
  if constexpr (requires { loss.threshold(); }) return loss.threshold();
  else if constexpr (requires { L::threshold; }) return L::threshold;
  else return 0.5;
}

template <class L>
constexpr Index outputs_per_target(const L& loss) {
  if constexpr (requires { loss.outputs_per_target(); }) return loss.outputs_per_target();
  else if constexpr (requires { L::outputs_per_target; }) return L::outputs_per_target;
  else return 1;
}

template <class L>
consteval int static_targets(int outputs) {
  if constexpr (requires { L::outputs_per_target; })
    return outputs == Dynamic ? Dynamic : outputs / int{L::outputs_per_target};
  else return outputs;
}

}  // namespace detail

/// Everything a pass through a network of type Net must remember, owned by the caller and used again and
/// again: what each layer puts out, the derivative of the loss with respect to it, the layers' caches, and
/// the random numbers of layers that need them. Nothing is allocated once it has held its largest batch; with
/// a static Batch and small layers it needs no heap at all.
template <class Net, int Batch = Dynamic>
class Workspace : private detail::PassBuffers<typename Net::Scalar, Batch, typename Net::LayerTuple> {
  using PassBuffers = detail::PassBuffers<typename Net::Scalar, Batch, typename Net::LayerTuple>;
  friend Net;

 public:
  /// Randomness of the training pass (dropout's masks): seed it as you like.
  Rng rng{};

  explicit Workspace(const Net& net, Index batch = Batch == Dynamic ? 0 : Batch) { resize(net, batch); }

  /// Makes room for a batch of that many samples.
  /// Errors: std::invalid_argument if the batch is static and another.
  void resize(const Net& net, Index batch) {
    if constexpr (Batch != Dynamic) detail::check_equal(batch, Batch, "Workspace", " samples in a batch");
    PassBuffers::resize(net.layers(), batch);
  }

  /// output<I>(): y of layer I. Shape: outputs of the layer x B.
  using PassBuffers::output;
  /// gradient<I>(): dy of layer I. After a backward pass: what the layer left there.
  using PassBuffers::gradient;
  /// cache<I>(): what layer I remembered.
  using PassBuffers::cache;
  /// The network's outputs (logits), and where backward finds dL/d(outputs).
  using PassBuffers::output_gradient;
  using PassBuffers::outputs;

 private:
  PassBuffers& passes() { return *this; }
};

/// A multi-layer perceptron: layers, one after the other, and the loss it is trained for.
///
/// It is a value: copies are independent. All parameters lie in one vector theta, layer after layer (for
/// Dense: W, column-major, then b), and a gradient has the same layout. predict, classify, loss, forward and
/// backward are const and may be called from many threads, each with a workspace of its own.
///
/// Shapes: x inputs() x B, any dense Eigen object of scalar S; it is not copied unless it is an expression or
/// strided within a sample. t is what the loss takes: Labels, or a matrix with B columns.
/// Errors: sizes that disagree do not compile where they are static, and else throw std::invalid_argument.
template <class S, class LossFunction, class... Layers>
class BasicMlp : private detail::Chain<S, Layers...> {
  static_assert(is_real<S>, "mlp: the scalar type of a network must be float or double");
  static constexpr int static_inputs_ = detail::static_inputs<detail::front<Layers...>>();
  static constexpr int static_outputs_ = detail::static_outputs<detail::back<Layers...>>();
  static constexpr Index static_parameters_ = detail::static_parameter_counts<Layers...>();
  using Chain = detail::Chain<S, Layers...>;
  static constexpr int static_targets_ = detail::static_targets<LossFunction>(static_outputs_);

 public:
  using Scalar = S;
  using LossType = std::conditional_t<Loss<LossFunction, S>, LossFunction, detail::StandIn>;
  using typename Chain::LayerTuple;
  /// theta, or its gradient: a fixed-size vector if it is small.
  using ParameterVector = Eigen::Matrix<
      S, static_parameters_ <= max_fixed_size_of<S> ? static_cast<int>(static_parameters_) : Dynamic, 1>;
  /// What layers keep beside their parameters (BatchNorm's running statistics), in the same order.
  using StateVector = SizedMatrix<S, Chain::static_state, 1>;
  using Chain::depth;
  /// Whether a workspace for batches of that size lies wholly within the object.
  template <int Batch>
  static constexpr bool workspace_is_fixed = (detail::works_in_place<Layers, Batch> && ...);

  /// Whether predict(x) for an x of type X allocates nothing and can't throw.
  template <class X>
  static constexpr bool is_real_time =
      is_fixed<static_inputs_, 1>&& workspace_is_fixed<1>&& X::RowsAtCompileTime !=
          Dynamic&& X::ColsAtCompileTime == 1 &&
      detail::PredictsWithoutThrowing<LossType, S> && (detail::InfersWithoutThrowing<Layers, S> && ...);

  using Chain::inputs;
  using Chain::layer;
  using Chain::layers;
  using Chain::outputs;
  using Chain::parameter_count;
  /// slice<I>(v): the part of layer I in a vector that is laid out as theta is.
  using Chain::slice;

  /// The number of coefficients of state().
  Index state_count() const { return Chain::state_size(); }

  /// A network of these layers, all parameters 0. Without arguments where all sizes are static.
  /// Errors: std::invalid_argument if a layer's inputs differ in number from the outputs of the layer before
  /// it.
  BasicMlp() requires(std::is_default_constructible_v<Layers>&&...) : BasicMlp(Layers()...) {}
  explicit BasicMlp(Layers... each) : BasicMlp(LossFunction{}, std::move(each)...) {}
  BasicMlp(LossFunction loss, Layers... each)
      : BasicMlp(std::in_place, LossType(std::move(loss)), LayerTuple(std::move(each)...)) {}

  /// theta.
  auto parameters() {
    return matrix_view<ParameterVector::RowsAtCompileTime, 1>(parameters_.data(), parameter_count(), 1);
  }
  auto parameters() const {
    return matrix_view<ParameterVector::RowsAtCompileTime, 1>(parameters_.data(), parameter_count(), 1);
  }

  /// What layers keep beside their parameters: nothing optimizes it, copies and files take it along.
  auto state() { return state_view<S>(state_); }
  auto state() const { return state_view<const S>(state_); }

  /// 1 for each parameter that is a weight, 0 for biases and the parameters of norms: those which weight decay
  /// is often kept from.
  ParameterVector weight_mask() const {
    ParameterVector mask(parameter_count());
    Chain::mark_weights(mask);
    return mask;
  }

  const LossType& loss_function() const { return loss_; }

  /// for_each_layer(f): calls f(layer, offset, state offset) for each layer in turn: where its part of
  /// parameters() and of state() begins.
  using Chain::for_each_layer;

  /// W and b of layer I, as views into theta.
  /// Shapes: outputs x inputs of the layer; outputs.
  template <std::size_t I>
  auto weights() {
    return this->template layer<I>().weights(Chain::template slice<I>(parameters_));
  }
  template <std::size_t I>
  auto weights() const {
    return this->template layer<I>().weights(Chain::template slice<I>(parameters_));
  }
  template <std::size_t I>
  auto bias() {
    return this->template layer<I>().bias(Chain::template slice<I>(parameters_));
  }
  template <std::size_t I>
  auto bias() const {
    return this->template layer<I>().bias(Chain::template slice<I>(parameters_));
  }

  /// Draws all parameters anew, layer after layer, and resets the state.
  void initialize(Rng& rng) {
    Chain::initialize(parameters_, rng);
    Chain::initialize_state(state_);
  }

  /// The same network with parameters of another scalar type, as Eigen's cast.
  template <class U>
  BasicMlp<U, LossFunction, Layers...> cast() const {
    auto copy = std::apply(
        [this](const auto&... each) { return BasicMlp<U, LossFunction, Layers...>(loss_, each...); },
        layers());
    copy.parameters() = parameters_.template cast<U>();
    copy.state() = state().template cast<U>();
    return copy;
  }

  /// What the network predicts: its outputs after the loss's to_prediction (softmax, sigmoid or identity).
  /// Shapes: x inputs() x B gives outputs() x B; a vector gives a vector, and fixed sizes stay fixed. For a
  /// vector of fixed size and layers of fixed sizes it is fit for real-time threads: it allocates nothing,
  /// takes no lock, starts no thread, and is noexcept (if all layers and the loss say so; Dense and the
  /// library's losses do).
  template <class X>
  auto predict(const Eigen::DenseBase<X>& x) const noexcept(is_real_time<X>) {
    auto y = infer(x);
    auto view = output_view<X>(y);
    loss_.to_prediction(view);
    return y;
  }

  /// The class that is predicted for each sample: the output with the largest prediction, or, with a single
  /// output, 1 where the prediction is above one half (or the loss's threshold) and 0 elsewhere.
  template <class X>
  Labels classify(const Eigen::DenseBase<X>& x) const {
    const auto p = predict(x);
    Labels labels(p.cols());
    for (Index j = 0; j < p.cols(); ++j) {
      Index best = 0;
      if (p.rows() == 1) {
        best = p(0, j) > S(detail::threshold(loss_));
      } else {
        p.col(j).maxCoeff(&best);
      }
      labels(j) = static_cast<int>(best);
    }
    return labels;
  }

  /// The raw outputs (logits) of the trained network: predict without the last step, the loss's to_prediction.
  template <class X>
  auto infer(const Eigen::DenseBase<X>& x) const noexcept(is_real_time<X>) {
    check_x(x);
    SizedMatrix<S, static_outputs_, X::ColsAtCompileTime> y(outputs(), x.cols());
    if constexpr (x_fits<X>) {
      if constexpr (X::ColsAtCompileTime == Dynamic) {
        constexpr Index piece = 256;  // samples whose activations stay in the cache
        const Index parts = detail::part_count(x.cols() * parameter_count(), piece * 1024);
        detail::parallel_for(x.cols(), piece, parts, [&](Index begin, Index end) {
          detail::LayerBuffers<S, Dynamic, LayerTuple> scratch;
          for (Index j = begin; j < end; j += piece) {
            const Index count = std::min(piece, end - j);
            const auto x_piece = dense_view<static_inputs_, Dynamic>(x.derived().middleCols(j, count));
            auto y_piece = matrix_view<static_outputs_, Dynamic>(y.data() + j * outputs(), outputs(), count);
            Chain::infer(parameters_, state_, x_piece, y_piece, scratch);
          }
        });
      } else {
        detail::LayerBuffers<S, X::ColsAtCompileTime, LayerTuple> scratch;
        auto y_view = output_view<X>(y);
        Chain::infer(parameters_, state_, dense_view<static_inputs_, X::ColsAtCompileTime>(x), y_view,
                     scratch);
      }
    }
    return y;
  }

  /// The mean loss over a batch, in which the samples count by their weights if some are given (see
  /// sample_weights.hpp).
  /// Shapes: x inputs x B; t B labels, or a matrix with B columns; w B.
  /// Errors: std::invalid_argument if the batch is empty, since a mean over nothing has no value, or a weight
  /// is negative.
  template <class X, class T, class W = detail::Unweighted>
  S loss(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t, const W& w = {}) const {
    return loss_and_accuracy(x, t, w).first;
  }

  /// The mean loss over a batch, and the share of samples predicted right as the loss defines it (nan if it
  /// doesn't).
  template <class X, class T, class W = detail::Unweighted>
  std::pair<S, S> loss_and_accuracy(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t,
                                    const W& w = {}) const {
    check_t(t, w, x.cols());
    std::pair<S, S> result{0, std::numeric_limits<S>::quiet_NaN()};
    if constexpr (x_fits<X> && t_fits<T>) {
      const auto& targets = target_view<X::ColsAtCompileTime>(t);
      const auto raw = infer(x);
      const auto y = output_view<X>(raw);
      result.first = detail::mean_loss(loss_, y, targets, w);
      result.second = detail::accuracy(loss_, y, targets, w);
    } else {
      check_x(x);
    }
    return result;
  }

  /// What the mean loss of a batch must be multiplied by to combine it with those of others: B, or the sum of
  /// the weights of its samples and their classes.
  template <class T, class W = detail::Unweighted>
  double batch_weight(const Eigen::DenseBase<T>& t, const W& w = {}) const {
    return detail::batch_weight(loss_, target_view<Dynamic>(t), w);
  }

  /// Room for the passes over batches of that size (or of a size that is static: net.workspace<4>()).
  template <int Batch = Dynamic>
  auto workspace(Index batch = Batch == Dynamic ? 0 : Batch) const {
    return Workspace<BasicMlp, Batch>(*this, batch);
  }

  /// The forward pass of training. Leaves each layer's output in ws, and returns a view of the last: the raw
  /// outputs.
  template <class X, int Batch>
  auto forward(const Eigen::DenseBase<X>& x, Workspace<BasicMlp, Batch>& ws) const {
    check_x(x);
    ws.resize(*this, x.cols());
    if constexpr (x_fits<X>)
      Chain::forward(parameters_, dense_view<static_inputs_, batch_of<X, Batch>>(x), ws.passes(), ws.rng);
    return ws.outputs();
  }

  /// The backward pass: from dL/d(outputs), which the caller has put into ws.output_gradient() after
  /// forward(x, ws), to dL/dtheta and, if asked for, dL/dx.
  /// Shapes: gradient parameter_count(), a plain vector is resized; dx inputs() x B, a plain matrix is
  /// resized.
  template <class X, int Batch, class G, class... DX>
  void backward(const Eigen::DenseBase<X>& x, Workspace<BasicMlp, Batch>& ws, G&& gradient,
                DX&&... dx) const {
    static_assert(sizeof...(DX) <= 1,
                  "mlp: backward takes (x, workspace, gradient) or (x, workspace, gradient, dx)");
    check_x(x);
    detail::check_equal(x.cols(), ws.outputs().cols(), "backward", " samples, as in the forward pass");
    fit_size(gradient, parameter_count(), 1, "gradient");
    (fit_size(dx, inputs(), x.cols(), "gradient with respect to the inputs"), ...);
    if constexpr (x_fits<X>) {
      const auto views = [&](auto&&... dx_view) {
        Chain::backward(parameters_, dense_view<static_inputs_, batch_of<X, Batch>>(x), ws.passes(), gradient,
                        dx_view...);
      };
      views(matrix_view<static_inputs_, batch_of<X, Batch>>(dx.data(), dx.rows(), dx.cols())...);
    }
  }

  /// Lets layers with a state take in what they saw in the last forward pass: BatchNorm's running statistics.
  template <int Batch>
  void update_state([[maybe_unused]] Workspace<BasicMlp, Batch>& ws) {
    if constexpr (Chain::static_state != 0) Chain::update_state(state_, ws.passes());
  }

  /// infer, and what backward needs: the derivatives it then gives are those of a prediction (no dropout, the
  /// running statistics), not of training.
  template <class X, int Batch>
  auto forward_eval(const Eigen::DenseBase<X>& x, Workspace<BasicMlp, Batch>& ws) const {
    check_x(x);
    ws.resize(*this, x.cols());
    if constexpr (x_fits<X>)
      Chain::forward_eval(parameters_, state_, dense_view<static_inputs_, batch_of<X, Batch>>(x),
                          ws.passes());
    return ws.outputs();
  }

  /// The mean loss over a batch, dL/dtheta and, if asked for, dL/dx: forward, loss and backward in one. With
  /// weights of the samples as third argument, or without.
  /// Errors: std::invalid_argument as loss().
  template <class X, class T, class W, int Batch, class G, class... DX>
  S loss_and_gradient(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t, const W& w,
                      Workspace<BasicMlp, Batch>& ws, G&& gradient, DX&&... dx) const {
    check_t(t, w, x.cols());
    const auto written = forward(x, ws);
    const auto y = output_view<decltype(written)>(written);  // one that can't be written, as in evaluations
    auto dy = ws.output_gradient();
    S value = 0;
    if constexpr (x_fits<X> && t_fits<T>) {
      value = detail::mean_loss_and_gradient(loss_, y, target_view<X::ColsAtCompileTime>(t), w, dy);
      backward(x, ws, gradient, dx...);
    }
    return value;
  }
  template <class X, class T, int Batch, class G, class... DX>
  S loss_and_gradient(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t,
                      Workspace<BasicMlp, Batch>& ws, G&& gradient, DX&&... dx) const {
    return loss_and_gradient(x, t, detail::Unweighted{}, ws, gradient, dx...);
  }

 private:
  BasicMlp(std::in_place_t, LossType loss, LayerTuple all) : Chain(std::move(all)), loss_(std::move(loss)) {
    check::is_a_loss<LossFunction, S>();
    detail::validate(loss_);
    if constexpr (requires { loss_.validate(outputs()); }) loss_.validate(outputs());
    if (const Index each = detail::outputs_per_target(loss_); outputs() % each != 0) {
      detail::throw_unequal("mlp", each, " outputs for each target, or a multiple", outputs());
    }
    parameters_.resize(parameter_count());
    std::fill_n(parameters_.data(), parameters_.size(), S(0));
    if constexpr (Chain::static_state != 0) state_.resize(state_count());
    Chain::initialize_state(state_);
  }

  // What fits, as constants: code that a static error has made pointless is left out, so that no other
  // follows it.
  template <class X>
  static constexpr bool x_fits = std::is_same_v<typename X::Scalar, S> &&
                                 (X::RowsAtCompileTime == static_inputs_ || X::RowsAtCompileTime == Dynamic ||
                                  static_inputs_ == Dynamic);
  template <class T>
  static constexpr bool t_fits =
      detail::is_labels<T> ? detail::is_labels<typename LossType::template Target<S>>
                           : std::is_same_v<typename T::Scalar, S>;

  template <class X>
  void check_x(const Eigen::DenseBase<X>& x) const {
    check::scalar_is_the_networks<typename X::Scalar, S>();
    check::rows_are_the_networks<X::RowsAtCompileTime, static_inputs_>();
    detail::check_equal(x.rows(), inputs(), "mlp", " rows in x, one for each input");
  }

  template <class T, class W>
  void check_t(const Eigen::DenseBase<T>& t, const W& w, Index batch) const {
    if (batch == 0)
      detail::raise<std::invalid_argument>(
          "mlp: expected at least one sample to take a mean loss of, found none");
    check::targets_are_the_losses<typename T::Scalar, LossType>();
    detail::check_equal(detail::sample_count(t.derived()), batch, "mlp", " targets, one for each sample");
    if constexpr (!detail::is_labels<T>) {
      check::scalar_is_the_networks<typename T::Scalar, S>();
      check::rows_are_the_networks<T::RowsAtCompileTime, static_targets_>();
      const Index each = detail::outputs_per_target(loss_);
      detail::check_equal(
          t.rows(), outputs() / each, "mlp",
          each == 1 ? " rows in t, one for each output" : " rows in t, of which each has several outputs");
    }
    detail::check_weights(w, batch, "mlp");
  }

  // Results are written where the caller says: a plain dynamic matrix is resized, anything else must fit.
  template <class M>
  static void fit_size(M& m, Index rows, Index cols, const char* what) {
    static_assert(std::is_same_v<typename M::Scalar, S> && M::InnerStrideAtCompileTime == 1,
                  "mlp: a gradient is written to contiguous coefficients of the network's scalar type");
    if (m.rows() == rows && m.cols() == cols && (cols == 1 || m.outerStride() == m.innerSize())) return;
    if constexpr (std::is_base_of_v<Eigen::PlainObjectBase<M>, M> && M::SizeAtCompileTime == Dynamic) {
      m.resize(rows, cols);
    } else {
      detail::raise<std::invalid_argument>(std::string("mlp: expected room for a ") + what + " of " +
                                           std::to_string(rows) + " x " + std::to_string(cols) +
                                           " contiguous coefficients, found " + std::to_string(m.rows()) +
                                           " x " + std::to_string(m.cols()));
    }
  }

  template <class X, int Batch>
  static constexpr int batch_of = X::ColsAtCompileTime != Dynamic ? X::ColsAtCompileTime : Batch;

  template <class Value>
  auto state_view(auto& state) const {
    Value* data = nullptr;
    if constexpr (Chain::static_state != 0) data = state.data();
    return matrix_view<Chain::static_state, 1>(data, state_count(), 1);
  }

  template <class X>
  static auto output_view(auto& y) {
    return matrix_view<static_outputs_, X::ColsAtCompileTime>(y.data(), y.rows(), y.cols());
  }

  // Labels as a view of a vector, a matrix as a column-major view of the sizes that are known; a copy where there
  // can be none.
  template <int Cols, class T>
  static auto target_view(const Eigen::DenseBase<T>& t) {
    if constexpr (!detail::is_labels<T>) {
      return column_view<static_targets_, Cols>(t);
    } else if constexpr ((T::Flags & Eigen::DirectAccessBit) != 0 && T::InnerStrideAtCompileTime == 1) {
      return Eigen::Map<const Vector<typename T::Scalar>>(t.derived().data(), t.size());
    } else {
      return Vector<typename T::Scalar>(t.derived());
    }
  }

  [[no_unique_address]] LossType loss_;
  [[no_unique_address]] std::conditional_t<Chain::static_state == 0, detail::NoState, StateVector> state_;
  alignas(EIGEN_MAX_ALIGN_BYTES) ParameterVector parameters_;
};

}  // namespace mlp
