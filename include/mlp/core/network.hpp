#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/static_sizes.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/arguments.hpp>
#include <mlp/core/chain.hpp>
#include <mlp/core/chain_rule.hpp>
#include <mlp/core/checks.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/core/prediction.hpp>
#include <mlp/core/sample_weights.hpp>
#include <mlp/core/traits.hpp>
#include <mlp/core/workspace.hpp>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <tuple>
#include <type_traits>
#include <utility>

namespace mlp::inline MLP_ABI {

/// A multi-layer perceptron: layers, one after the other, and the loss it is trained for.
///
/// It is a value: copies are independent. All parameters lie in one vector theta, layer after layer (for Dense: W,
/// column-major, then b), and a gradient has the same layout. predict, classify, loss, forward and backward are const
/// and may be called from many threads, each with a workspace of its own.
///
/// Shapes: x inputs() x B, any dense Eigen object with scalar S; only an expression, or an object with strides within
/// a sample, is copied. t is the loss's Target: Labels, or a matrix with B columns.
/// Errors: static sizes that disagree do not compile; Dynamic ones throw std::invalid_argument.
template <class S, class LossFunction, class... Layers>
class BasicMlp : private detail::Chain<S, Layers...> {
  static_assert(is_real<S>, "mlp: the scalar type of a network must be float or double");
  using Chain = detail::Chain<S, Layers...>;
  static constexpr detail::StaticSizes sizes_ = detail::static_sizes<Chain>;
  static constexpr int targets_ = detail::static_targets<LossFunction>(sizes_.outputs);
  static constexpr int state_size_ = static_cast<int>(sizes_.state);

 public:
  using Scalar = S;
  using LossType = std::conditional_t<Loss<LossFunction, S>, LossFunction, detail::Placeholder>;
  using typename Chain::LayerTuple;
  /// The type of theta and its gradient: a fixed-size vector if it is small.
  using ParameterVector = Eigen::Matrix<
      S, sizes_.parameters <= max_fixed_size_of<S> ? static_cast<int>(sizes_.parameters) : Dynamic, 1>;
  using StateVector = SizedMatrix<S, state_size_, 1>;
  using Chain::depth;
  /// Whether a workspace for batches of that size lies wholly within the object.
  template <int Batch>
  static constexpr bool workspace_is_fixed = (detail::workspace_is_fixed<Layers, Batch> && ...);

  /// Whether predict(x) for an x of type X allocates nothing and cannot throw.
  template <class X>
  static constexpr bool is_real_time =
      is_fixed<sizes_.inputs, 1>&& workspace_is_fixed<1>&& X::RowsAtCompileTime !=
          Dynamic&& X::ColsAtCompileTime == 1 &&
      detail::PredictsWithoutThrowing<LossType, S> && (detail::InfersWithoutThrowing<Layers, S> && ...);

  using Chain::inputs;
  using Chain::layer;
  using Chain::layers;
  using Chain::outputs;
  using Chain::parameter_count;
  using Chain::state_count;
  /// slice<I>(v): layer I's part of a vector v that has the layout of theta.
  using Chain::slice;
  /// for_each_layer(f): calls f(layer, offset, state_offset) for each layer, with the places where its parts of
  /// parameters() and state() begin.
  using Chain::for_each_layer;

  /// A network with these layers and all parameters 0. If all sizes are static, it needs no arguments.
  /// Errors: std::invalid_argument if sizes of adjacent layers disagree, or an option of the loss is invalid.
  BasicMlp() requires(std::is_default_constructible_v<Layers>&&...) : BasicMlp(Layers()...) {}
  explicit BasicMlp(Layers... each) : BasicMlp(LossFunction{}, std::move(each)...) {}
  BasicMlp(LossFunction loss, Layers... each)
      : BasicMlp(std::in_place, LossType(std::move(loss)), LayerTuple(std::move(each)...)) {}

  /// theta.
  auto parameters() { return theta_view(parameters_); }
  auto parameters() const { return theta_view(parameters_); }

  /// What layers keep beside their parameters (BatchNorm's running statistics). No optimizer changes it; copies and
  /// files contain it.
  auto state() { return state_view<S>(state_); }
  auto state() const { return state_view<const S>(state_); }

  /// 1 for each parameter that is a weight; 0 for biases and the parameters of norms, which weight decay often leaves
  /// alone.
  ParameterVector weight_mask() const {
    ParameterVector mask(parameter_count());
    detail::mark_weights(chain(), mask);
    return mask;
  }

  const LossType& loss_function() const { return loss_; }

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

  /// Draws all parameters, layer after layer, and resets the state.
  void initialize(Rng& rng) {
    detail::initialize_layers(chain(), parameters_, rng);
    detail::initialize_state(chain(), state());
  }

  /// The same network with parameters of another scalar type, like Eigen's cast.
  template <class U>
  BasicMlp<U, LossFunction, Layers...> cast() const {
    auto copy = std::apply(
        [this](const auto&... each) { return BasicMlp<U, LossFunction, Layers...>(loss_, each...); },
        layers());
    copy.parameters() = parameters_.template cast<U>();
    copy.state() = state().template cast<U>();
    return copy;
  }

  /// The network's predictions: its outputs after the loss's to_prediction (softmax, for instance).
  /// Shapes: x inputs() x B gives outputs() x B; a vector gives a vector, and fixed sizes stay fixed.
  /// Real time: for a vector of fixed size and layers of fixed sizes it allocates nothing, takes no lock, starts no
  /// thread, and is noexcept (if the layers' infer and the loss's to_prediction are, as Dense's and the library's
  /// losses' are).
  template <class X>
  auto predict(const Eigen::DenseBase<X>& x) const noexcept(is_real_time<X>) {
    auto y = infer(x);
    auto view = output_view<X>(y);
    loss_.to_prediction(view);
    return y;
  }

  /// The predicted class of each sample: the index of the largest prediction. With a single output: 1 if the
  /// prediction is above one half (or the loss's threshold), else 0.
  template <class X>
  Labels classify(const Eigen::DenseBase<X>& x) const {
    return detail::predicted_labels(predict(x), S(detail::threshold(loss_)));
  }

  /// The raw outputs (logits) of a prediction, before the loss's to_prediction.
  template <class X>
  auto infer(const Eigen::DenseBase<X>& x) const noexcept(is_real_time<X>) {
    constexpr int cols = X::ColsAtCompileTime;
    detail::check_inputs<S, sizes_.inputs>(x, inputs());
    SizedMatrix<S, sizes_.outputs, cols> y(outputs(), x.cols());
    if constexpr (!x_fits<X>) {
    } else if constexpr (cols != Dynamic) {
      detail::LayerBuffers<S, cols, LayerTuple> scratch;
      infer_into(output_view<X>(y), column_major_view<sizes_.inputs, cols>(x), scratch);
    } else {
      using Scratch = detail::LayerBuffers<S, Dynamic, LayerTuple>;
      detail::for_each_piece<Scratch>(
          x.cols(), parameter_count(), [&](Scratch& scratch, Index j, Index count) {
            infer_into(matrix_view<sizes_.outputs, Dynamic>(y.data() + j * outputs(), outputs(), count),
                       column_major_view<sizes_.inputs, Dynamic>(x.derived().middleCols(j, count)), scratch);
          });
    }
    return y;
  }

  /// The mean loss of infer(x), weighted by w if given (see sample_weights.hpp).
  /// Shapes: x inputs x B; t B labels, or a matrix with B columns; w B.
  /// Errors: std::invalid_argument if the batch is empty (a mean over nothing has no value) or a weight is negative.
  template <class X, class T, class W = detail::NoWeights>
  S loss(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t, const W& w = {}) const {
    return loss_and_accuracy(x, t, w).first;
  }

  /// The mean loss of infer(x) on t, and the accuracy of infer(x) as the loss defines it (nan if it
  /// does not define it).
  template <class X, class T, class W = detail::NoWeights>
  std::pair<S, S> loss_and_accuracy(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t,
                                    const W& w = {}) const {
    detail::check_targets<S, targets_>(loss_, t, w, outputs(), x.cols());
    std::pair<S, S> result{0, std::numeric_limits<S>::quiet_NaN()};
    if constexpr (x_fits<X> && t_fits<T>) {
      const auto& targets = detail::target_view<targets_, X::ColsAtCompileTime>(t);
      const auto raw = infer(x);
      const auto y = output_view<X>(raw);
      result.first = detail::mean_loss(loss_, y, targets, w);
      result.second = detail::accuracy(loss_, y, targets, w);
    } else {
      detail::check_inputs<S, sizes_.inputs>(x, inputs());
    }
    return result;
  }

  /// The denominator of a batch's mean loss, its weight in a mean over several batches: B, or the sum
  /// of the weights of the samples and their classes.
  template <class T, class W = detail::NoWeights>
  double batch_weight(const Eigen::DenseBase<T>& t, const W& w = {}) const {
    return detail::batch_weight(loss_, detail::target_view<targets_, Dynamic>(t), w);
  }

  /// Memory for passes over batches of that size (or of a static size: net.workspace<4>()).
  template <int Batch = Dynamic>
  auto workspace(Index batch = Batch == Dynamic ? 0 : Batch) const {
    return Workspace<BasicMlp, Batch>(*this, batch);
  }

  /// The forward pass of training. Leaves each layer's output in ws, and returns a view of the last: the raw outputs.
  template <class X, int Batch>
  auto forward(const Eigen::DenseBase<X>& x, Workspace<BasicMlp, Batch>& ws) const {
    detail::check_inputs<S, sizes_.inputs>(x, inputs());
    ws.resize(*this, x.cols());
    if constexpr (x_fits<X>) {
      const auto x_view = column_major_view<sizes_.inputs, batch_of<X, Batch>>(x);
      detail::ChainPass pass(x_view, ws.buffers());
      detail::forward_through(chain(), parameters_, pass, ws.rng);
    }
    return ws.outputs();
  }

  /// The backward pass: from dL/d(outputs), which the caller has put into ws.output_gradient() after forward(x, ws),
  /// to dL/dtheta and, if dx is given, dL/dx.
  /// Shapes: gradient parameter_count(); dx inputs() x B. A dynamic vector or matrix is resized.
  template <class X, int Batch, class G>
  void backward(const Eigen::DenseBase<X>& x, Workspace<BasicMlp, Batch>& ws, G&& gradient) const {
    prepare_backward(x, ws, gradient);
    detail::UnusedGradient dx{ws.buffers().unused_input_gradient()};
    backward_from(x, ws, gradient, dx);
  }
  template <class X, int Batch, class G, class DX>
  void backward(const Eigen::DenseBase<X>& x, Workspace<BasicMlp, Batch>& ws, G&& gradient, DX&& dx) const {
    prepare_backward(x, ws, gradient);
    detail::fit_size<S>(dx, inputs(), x.cols(), "gradient with respect to the inputs");
    auto dx_view = matrix_view<sizes_.inputs, batch_of<X, Batch>>(dx.data(), dx.rows(), dx.cols());
    backward_from(x, ws, gradient, dx_view);
  }

  /// Updates the layers' state from the last forward pass: BatchNorm's running statistics.
  template <int Batch>
  void update_state([[maybe_unused]] Workspace<BasicMlp, Batch>& ws) {
    if constexpr (state_size_ != 0) {
      detail::update_state(chain(), state(), ws.buffers());
    }
  }

  /// infer, with the caches that backward needs. backward then gives the derivatives of a prediction (no dropout, the
  /// running statistics) instead of those of training.
  template <class X, int Batch>
  auto forward_eval(const Eigen::DenseBase<X>& x, Workspace<BasicMlp, Batch>& ws) const {
    detail::check_inputs<S, sizes_.inputs>(x, inputs());
    ws.resize(*this, x.cols());
    if constexpr (x_fits<X>) {
      const auto x_view = column_major_view<sizes_.inputs, batch_of<X, Batch>>(x);
      detail::ChainPass pass(x_view, ws.buffers());
      detail::forward_eval_through(chain(), parameters_, state(), pass);
    }
    return ws.outputs();
  }

  /// The mean loss over a batch, dL/dtheta and, if dx is given, dL/dx: forward, loss and backward in one call. The
  /// third argument may be the weights of the samples.
  /// Errors: std::invalid_argument like loss().
  template <class X, class T, class W, int Batch, class G, class... DX>
  S loss_and_gradient(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t, const W& w,
                      Workspace<BasicMlp, Batch>& ws, G&& gradient, DX&&... dx) const {
    static_assert(sizeof...(DX) <= 1, "mlp: loss_and_gradient takes (x, t, [w,] workspace, gradient[, dx])");
    detail::check_targets<S, targets_>(loss_, t, w, outputs(), x.cols());
    const auto written = forward(x, ws);
    const auto y = output_view<decltype(written)>(written);  // read-only: the type as in loss()
    auto dy = ws.output_gradient();
    S value = 0;
    if constexpr (x_fits<X> && t_fits<T>) {
      const auto& targets = detail::target_view<targets_, X::ColsAtCompileTime>(t);
      value = detail::mean_loss_and_gradient(loss_, y, targets, w, dy);
      backward(x, ws, gradient, dx...);
    }
    return value;
  }
  template <class X, class T, int Batch, class G, class... DX>
  S loss_and_gradient(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t,
                      Workspace<BasicMlp, Batch>& ws, G&& gradient, DX&&... dx) const {
    return loss_and_gradient(x, t, detail::NoWeights{}, ws, gradient, dx...);
  }

 private:
  BasicMlp(std::in_place_t, LossType loss, LayerTuple all) : Chain(std::move(all)), loss_(std::move(loss)) {
    check::is_a_loss<LossFunction, S>();
    detail::validate_loss(loss_, outputs());
    parameters_.resize(parameter_count());
    std::fill_n(parameters_.data(), parameters_.size(), S(0));
    if constexpr (state_size_ != 0) state_.resize(state_count());
    detail::initialize_state(chain(), state());
  }

  const Chain& chain() const { return *this; }

  void infer_into(auto y, const auto& x, auto& scratch) const {
    detail::ChainInference pass(x, y, scratch);
    detail::infer_through(chain(), parameters_, state(), pass);
  }

  void prepare_backward(const auto& x, auto& ws, auto& gradient) const {
    detail::check_inputs<S, sizes_.inputs>(x, inputs());
    detail::check_equal(x.cols(), ws.outputs().cols(), "backward", " samples, as in the forward pass");
    detail::fit_size<S>(gradient, parameter_count(), 1, "gradient");
  }
  template <class X, int Batch>
  void backward_from(const Eigen::DenseBase<X>& x, Workspace<BasicMlp, Batch>& ws, auto& gradient,
                     auto& dx) const {
    if constexpr (x_fits<X>) {
      const auto x_view = column_major_view<sizes_.inputs, batch_of<X, Batch>>(x);
      detail::ChainBackwardPass pass(x_view, ws.buffers(), dx);
      detail::backward_through(chain(), parameters_, pass, gradient);
    }
  }

  template <class X>
  static constexpr bool x_fits = detail::rows_fit<X, S, sizes_.inputs>;
  template <class T>
  static constexpr bool t_fits = detail::targets_fit<T, S, LossType>;
  template <class X, int Batch>
  static constexpr int batch_of = X::ColsAtCompileTime != Dynamic ? X::ColsAtCompileTime : Batch;

  auto theta_view(auto& parameters) const {
    return matrix_view<ParameterVector::RowsAtCompileTime, 1>(parameters.data(), parameter_count(), 1);
  }
  template <class Value>
  auto state_view([[maybe_unused]] auto& state) const {
    Value* data = nullptr;
    if constexpr (state_size_ != 0) data = state.data();
    return matrix_view<state_size_, 1>(data, state_count(), 1);
  }
  template <class X>
  static auto output_view(auto& y) {
    return matrix_view<sizes_.outputs, X::ColsAtCompileTime>(y.data(), y.rows(), y.cols());
  }

  struct NoState {};
  [[no_unique_address]] LossType loss_;
  [[no_unique_address]] std::conditional_t<state_size_ == 0, NoState, StateVector> state_;
  alignas(EIGEN_MAX_ALIGN_BYTES) ParameterVector parameters_;
};

/// A network in single precision: Mlp<SoftmaxCrossEntropy, Dense<784, 256, ReLU>, Dense<256, 10>>.
template <class LossFunction, class... Layers>
using Mlp = BasicMlp<float, LossFunction, Layers...>;

}  // namespace mlp::inline MLP_ABI
