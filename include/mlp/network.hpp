#pragma once

#include <mlp/concepts.hpp>
#include <mlp/dataset.hpp>
#include <mlp/random.hpp>
#include <mlp/threads.hpp>
#include <mlp/types.hpp>

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

/// What the compiler names when types or sizes do not fit: read the numbers in the template arguments.
namespace check {

template <class L, class S>
constexpr void is_a_loss() {
  static_assert(Loss<L, S>,
                "mlp: the first argument of Mlp must be a loss: see the concept in <mlp/concepts.hpp>");
}

template <int LayerIndex, class L, class S>
constexpr void is_a_layer() {
  static_assert(Layer<L, S>,
                "mlp: this argument of Mlp must be a layer: see the concept in <mlp/concepts.hpp>");
}

template <int LayerIndex, int PreviousOutputs, int Inputs>
constexpr void layer_accepts_previous_output() {
  static_assert(PreviousOutputs == Inputs || PreviousOutputs == Dynamic || Inputs == Dynamic,
                "mlp: a layer has another number of inputs than the layer before it has outputs");
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

// A size of a layer as a constant, if it is one.
template <class L>
consteval int static_inputs() {
  if constexpr (requires { std::integral_constant<Index, L::inputs()>{}; }) {
    return static_cast<int>(L::inputs());
  } else {
    return Dynamic;
  }
}
template <class L>
consteval int static_outputs() {
  if constexpr (requires { std::integral_constant<Index, L::outputs()>{}; }) {
    return static_cast<int>(L::outputs());
  } else {
    return Dynamic;
  }
}
template <class L>
consteval Index static_parameter_count() {
  if constexpr (requires { std::integral_constant<Index, L::parameter_count()>{}; }) {
    return L::parameter_count();
  } else {
    return Dynamic;
  }
}
template <class... L>
consteval Index static_parameter_counts() {
  return ((static_parameter_count<L>() == Dynamic) || ...) ? Dynamic
                                                           : (Index{0} + ... + static_parameter_count<L>());
}

template <class... L>
using front = std::tuple_element_t<0, std::tuple<L...>>;
template <class... L>
using back = std::tuple_element_t<sizeof...(L) - 1, std::tuple<L...>>;

// Stands in for a layer or loss that is none, so that the one error which says so is the only one.
struct StandIn {
  template <class>
  using Target = Labels;
  template <class>
  struct Cache {};
  StandIn() = default;
  explicit StandIn(const auto&) {}
  Index inputs() const { return 0; }
  Index outputs() const { return 0; }
  Index parameter_count() const { return 0; }
  void initialize(auto&&...) const {}
  void infer(auto&&...) const {}
  void forward(auto&&...) const {}
  void backward(auto&&...) const {}
  auto weights(auto& theta) const { return theta; }
  auto bias(auto& theta) const { return theta; }
  void link(auto&) const {}
  void gradient(auto&&...) const {}
  template <class Y>
  typename Y::Scalar value(const Y&, const auto&) const {
    return 0;
  }
};

template <class S, class... Layers>
using layer_tuple = std::tuple<std::conditional_t<Layer<Layers, S>, Layers, StandIn>...>;

inline void check_equal(Index found, Index expected, const char* who, const char* what) {
  if (found != expected) throw_unequal(who, expected, what, found);
}

inline void check_layer_inputs(std::size_t layer, Index expected, Index found) {
  if (found != expected) {
    throw_unequal("mlp: layer " + std::to_string(layer), expected,
                  " inputs, as the layer before it has outputs", found);
  }
}

template <class Tuple, std::size_t... I>
void check_layer_sizes(const Tuple& layers, std::index_sequence<I...>) {
  (check::layer_accepts_previous_output<static_cast<int>(I + 1),
                                        static_outputs<std::tuple_element_t<I, Tuple>>(),
                                        static_inputs<std::tuple_element_t<I + 1, Tuple>>()>(),
   ...);
  (check_layer_inputs(I + 1, std::get<I>(layers).outputs(), std::get<I + 1>(layers).inputs()), ...);
}

template <class S, class... Layers, std::size_t... I>
void check_layer_types(std::index_sequence<I...>) {
  (check::is_a_layer<static_cast<int>(I), Layers, S>(), ...);
}

template <class L, class S>
concept LinksWithoutThrowing = requires(const L& loss, VectorArgument<S>& y) {
  { loss.link(y) }
  noexcept;
};
template <class L, class S>
concept InfersWithoutThrowing = requires(const L& layer, VectorArgument<S>& v) {
  { layer.infer(v, v, v) }
  noexcept;
};

// A tuple of buffers, one for each layer's outputs.
template <class S, int Batch, class Tuple>
struct LayerBuffers;
template <class S, int Batch, class... Layers>
struct LayerBuffers<S, Batch, std::tuple<Layers...>> {
  std::tuple<Buffer<S, static_outputs<Layers>(), Batch>...> layer;

  void resize(const std::tuple<Layers...>& layers, Index batch) {
    resize(layers, batch, std::index_sequence_for<Layers...>{});
  }

 private:
  template <std::size_t... I>
  void resize(const std::tuple<Layers...>& layers, Index batch, std::index_sequence<I...>) {
    (std::get<I>(layer).resize(std::get<I>(layers).outputs(), batch), ...);
  }
};

template <class S, int Batch, class Tuple>
struct LayerCaches;
template <class S, int Batch, class... Layers>
struct LayerCaches<S, Batch, std::tuple<Layers...>> {
  std::tuple<typename cache_of<Layers, S, Batch>::type...> layer;
};

}  // namespace detail

/// Everything a pass through a network of type Net must remember, owned by the caller and used again and
/// again: what each layer puts out, the derivative of the loss with respect to it, the layers' caches, and
/// the random numbers of layers that need them. Nothing is allocated once it has held its largest batch; with
/// a static Batch and small layers it needs no heap at all.
template <class Net, int Batch = Dynamic>
class Workspace {
  using S = typename Net::Scalar;
  using LayerTuple = typename Net::LayerTuple;

 public:
  /// Randomness of the training pass (dropout's masks): seed it as you like.
  Rng rng{};

  explicit Workspace(const Net& net, Index batch = Batch == Dynamic ? 0 : Batch) { resize(net, batch); }

  /// Makes room for a batch of that many samples.
  /// Errors: std::invalid_argument if the batch is static and another.
  void resize(const Net& net, Index batch) {
    if constexpr (Batch != Dynamic) detail::check_equal(batch, Batch, "Workspace", " samples in a batch");
    outputs_.resize(net.layers(), batch);
    gradients_.resize(net.layers(), batch);
  }

  /// y of layer I. Shape: outputs of the layer x B.
  template <std::size_t I>
  auto output() {
    return std::get<I>(outputs_.layer).view();
  }

  /// dy of layer I. After a backward pass: what the layer left there.
  template <std::size_t I>
  auto gradient() {
    return std::get<I>(gradients_.layer).view();
  }

  template <std::size_t I>
  auto& cache() {
    return std::get<I>(caches_.layer);
  }

  /// The network's outputs (logits), and where backward finds dL/d(outputs).
  auto outputs() { return output<Net::depth - 1>(); }
  auto output_gradient() { return gradient<Net::depth - 1>(); }

  /// Room for the dx of a first layer that can't do without.
  auto unused_input_gradient(Index rows) {
    unused_.resize(rows, outputs().cols());
    return unused_.view();
  }

 private:
  detail::LayerBuffers<S, Batch, LayerTuple> outputs_, gradients_;
  detail::LayerCaches<S, Batch, LayerTuple> caches_;
  Buffer<S, Dynamic, Dynamic> unused_;
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
class BasicMlp : public Inputs<detail::static_inputs<detail::front<Layers...>>()>,
                 public Outputs<detail::static_outputs<detail::back<Layers...>>()>,
                 public ParameterCount<detail::static_parameter_counts<Layers...>()> {
  static_assert(std::is_floating_point_v<S>, "mlp: the scalar type of a network must be float or double");
  static constexpr int static_inputs_ = detail::static_inputs<detail::front<Layers...>>();
  static constexpr int static_outputs_ = detail::static_outputs<detail::back<Layers...>>();
  static constexpr Index static_parameters_ = detail::static_parameter_counts<Layers...>();
  static constexpr std::size_t last_ = sizeof...(Layers) - 1;

 public:
  using Scalar = S;
  using LossType = std::conditional_t<Loss<LossFunction, S>, LossFunction, detail::StandIn>;
  using LayerTuple = detail::layer_tuple<S, Layers...>;
  /// theta, or its gradient: a fixed-size vector if it is small.
  using ParameterVector =
      Eigen::Matrix<S, static_parameters_ <= max_fixed_size ? static_cast<int>(static_parameters_) : Dynamic,
                    1>;
  static constexpr std::size_t depth = sizeof...(Layers);
  /// Whether a workspace for batches of that size lies wholly within the object.
  template <int Batch>
  static constexpr bool workspace_is_fixed = (is_fixed<detail::static_outputs<Layers>(), Batch> && ...);

  /// Whether predict(x) for an x of type X allocates nothing and can't throw.
  template <class X>
  static constexpr bool is_real_time =
      is_fixed<static_inputs_, 1>&& workspace_is_fixed<1>&& X::RowsAtCompileTime !=
          Dynamic&& X::ColsAtCompileTime == 1 &&
      detail::LinksWithoutThrowing<LossType, S> && (detail::InfersWithoutThrowing<Layers, S> && ...);

  using Inputs<static_inputs_>::inputs;
  using Outputs<static_outputs_>::outputs;
  using ParameterCount<static_parameters_>::parameter_count;

  /// A network of these layers, all parameters 0. Without arguments where all sizes are static.
  /// Errors: std::invalid_argument if a layer's inputs differ in number from the outputs of the layer before
  /// it.
  BasicMlp() requires(std::is_default_constructible_v<Layers>&&...) : BasicMlp(Layers()...) {}
  explicit BasicMlp(Layers... layers) : BasicMlp(LossFunction{}, std::move(layers)...) {}
  BasicMlp(LossFunction loss, Layers... layers)
      : BasicMlp(std::in_place, LossType(std::move(loss)), LayerTuple(std::move(layers)...)) {}

  /// theta.
  auto parameters() {
    return matrix_view<ParameterVector::RowsAtCompileTime, 1>(parameters_.data(), parameter_count(), 1);
  }
  auto parameters() const {
    return matrix_view<ParameterVector::RowsAtCompileTime, 1>(parameters_.data(), parameter_count(), 1);
  }

  template <std::size_t I>
  const auto& layer() const {
    return std::get<I>(layers_);
  }
  const LayerTuple& layers() const { return layers_; }
  const LossType& loss_function() const { return loss_; }

  /// W and b of layer I, as views into theta.
  /// Shapes: outputs x inputs of the layer; outputs.
  template <std::size_t I>
  auto weights() {
    return layer<I>().weights(slice<I>(parameters_));
  }
  template <std::size_t I>
  auto weights() const {
    return layer<I>().weights(slice<I>(parameters_));
  }
  template <std::size_t I>
  auto bias() {
    return layer<I>().bias(slice<I>(parameters_));
  }
  template <std::size_t I>
  auto bias() const {
    return layer<I>().bias(slice<I>(parameters_));
  }

  /// Draws all parameters anew, layer after layer.
  void initialize(Rng& rng) { initialize_from<0>(rng); }

  /// The same network with parameters of another scalar type, as Eigen's cast.
  template <class U>
  BasicMlp<U, LossFunction, Layers...> cast() const {
    auto copy = std::apply(
        [this](const auto&... layer) { return BasicMlp<U, LossFunction, Layers...>(loss_, layer...); },
        layers_);
    copy.parameters() = parameters_.template cast<U>();
    return copy;
  }

  /// What the network predicts: its outputs through the loss's link (softmax, sigmoid or identity).
  /// Shapes: x inputs() x B gives outputs() x B; a vector gives a vector, and fixed sizes stay fixed. For a
  /// vector of fixed size and layers of fixed sizes it is fit for real-time threads: it allocates nothing,
  /// takes no lock, starts no thread, and is noexcept (if all layers and the loss say so; Dense and the
  /// library's losses do).
  template <class X>
  auto predict(const Eigen::DenseBase<X>& x) const noexcept(is_real_time<X>) {
    auto y = infer(x);
    auto view = output_view<X>(y);
    loss_.link(view);
    return y;
  }

  /// The class that is predicted for each sample: the output with the largest prediction, or, with a single
  /// output, 1 where the prediction is above one half and 0 elsewhere.
  template <class X>
  Labels classify(const Eigen::DenseBase<X>& x) const {
    const auto p = predict(x);
    Labels labels(p.cols());
    for (Index j = 0; j < p.cols(); ++j) {
      Index best = 0;
      if (p.rows() == 1) {
        best = p(0, j) > S(0.5);
      } else {
        p.col(j).maxCoeff(&best);
      }
      labels(j) = static_cast<int>(best);
    }
    return labels;
  }

  /// The raw outputs (logits) of the trained network: predict before the loss's link.
  template <class X>
  auto infer(const Eigen::DenseBase<X>& x) const noexcept(is_real_time<X>) {
    check_x(x);
    SizedMatrix<S, static_outputs_, X::ColsAtCompileTime> y(outputs(), x.cols());
    if constexpr (x_fits<X>) {
      if constexpr (X::ColsAtCompileTime == Dynamic) {
        constexpr Index piece = 256;  // samples whose activations stay in the cache
        const Index parts = detail::parts_of(x.cols() * parameter_count(), piece * 1024);
        detail::share(x.cols(), piece, parts, [&](Index begin, Index end) {
          detail::LayerBuffers<S, Dynamic, LayerTuple> scratch;
          for (Index j = begin; j < end; j += piece) {
            const Index count = std::min(piece, end - j);
            const auto x_piece = dense_view<static_inputs_, Dynamic>(x.derived().middleCols(j, count));
            auto y_piece = matrix_view<static_outputs_, Dynamic>(y.data() + j * outputs(), outputs(), count);
            infer_from<0>(x_piece, y_piece, scratch);
          }
        });
      } else {
        detail::LayerBuffers<S, X::ColsAtCompileTime, LayerTuple> scratch;
        auto y_view = output_view<X>(y);
        infer_from<0>(dense_view<static_inputs_, X::ColsAtCompileTime>(x), y_view, scratch);
      }
    }
    return y;
  }

  /// The mean loss over a batch.
  /// Errors: std::invalid_argument if the batch is empty, since a mean over nothing has no value.
  template <class X, class T>
  S loss(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t) const {
    return loss_and_accuracy(x, t).first;
  }

  /// The mean loss over a batch, and the share of samples predicted right as the loss defines it (nan if it
  /// doesn't).
  template <class X, class T>
  std::pair<S, S> loss_and_accuracy(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t) const {
    check_t(t, x.cols());
    std::pair<S, S> result{0, std::numeric_limits<S>::quiet_NaN()};
    if constexpr (x_fits<X> && t_fits<T>) {
      const auto& targets = target_view<X>(t);
      const auto raw = infer(x);
      const auto y = output_view<X>(raw);
      result.first = loss_.value(y, targets);
      if constexpr (requires { loss_.accuracy(y, targets); }) result.second = loss_.accuracy(y, targets);
    } else {
      check_x(x);
    }
    return result;
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
    if constexpr (x_fits<X>) forward_from<0>(dense_view<static_inputs_, batch_of<X, Batch>>(x), ws);
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
      backward_from<last_>(
          dense_view<static_inputs_, batch_of<X, Batch>>(x), ws, gradient,
          matrix_view<static_inputs_, batch_of<X, Batch>>(dx.data(), dx.rows(), dx.cols())...);
    }
  }

  /// The mean loss over a batch, dL/dtheta and, if asked for, dL/dx: forward, loss and backward in one.
  /// Errors: std::invalid_argument if the batch is empty, since a mean over nothing has no value.
  template <class X, class T, int Batch, class G, class... DX>
  S loss_and_gradient(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t,
                      Workspace<BasicMlp, Batch>& ws, G&& gradient, DX&&... dx) const {
    check_t(t, x.cols());
    const auto y = forward(x, ws);
    auto dy = ws.output_gradient();
    S value = 0;
    if constexpr (x_fits<X> && t_fits<T>) {
      const auto& targets = target_view<X>(t);
      if constexpr (requires { loss_.value_and_gradient(y, targets, dy); }) {
        value = loss_.value_and_gradient(y, targets, dy);
      } else {
        value = loss_.value(y, targets);
        loss_.gradient(y, targets, dy);
      }
      backward(x, ws, gradient, dx...);
    }
    return value;
  }

 private:
  BasicMlp(std::in_place_t, LossType loss, LayerTuple layers)
      : Inputs<static_inputs_>(std::get<0>(layers).inputs()),
        Outputs<static_outputs_>(std::get<last_>(layers).outputs()),
        ParameterCount<static_parameters_>(std::apply(
            [](const auto&... layer) { return (Index{0} + ... + layer.parameter_count()); }, layers)),
        loss_(std::move(loss)),
        layers_(std::move(layers)) {
    check::is_a_loss<LossFunction, S>();
    detail::check_layer_types<S, Layers...>(std::index_sequence_for<Layers...>{});
    detail::check_layer_sizes(layers_, std::make_index_sequence<last_>{});
    detail::validate(loss_);
    parameters_.resize(parameter_count());
    std::fill_n(parameters_.data(), parameters_.size(), S(0));
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

  template <class T>
  void check_t(const Eigen::DenseBase<T>& t, Index batch) const {
    if (batch == 0)
      detail::raise<std::invalid_argument>(
          "mlp: expected at least one sample to take a mean loss of, found none");
    check::targets_are_the_losses<typename T::Scalar, LossType>();
    detail::check_equal(detail::sample_count(t.derived()), batch, "mlp", " targets, one for each sample");
    if constexpr (!detail::is_labels<T>) {
      check::scalar_is_the_networks<typename T::Scalar, S>();
      check::rows_are_the_networks<T::RowsAtCompileTime, static_outputs_>();
      detail::check_equal(t.rows(), outputs(), "mlp", " rows in t, one for each output");
    }
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

  template <class X>
  static auto output_view(auto& y) {
    return matrix_view<static_outputs_, X::ColsAtCompileTime>(y.data(), y.rows(), y.cols());
  }

  // Labels pass as they are, a matrix as a column-major view of the sizes that are known.
  template <class X, class T>
  static decltype(auto) target_view(const Eigen::DenseBase<T>& t) {
    if constexpr (detail::is_labels<T>) {
      return t.derived();
    } else {
      return column_view<static_outputs_, X::ColsAtCompileTime>(t);
    }
  }

  // Where layer I's parameters begin, and a view of them in theta or its gradient.
  template <std::size_t I>
  constexpr Index offset() const {
    if constexpr (I == 0) {
      return 0;
    } else {
      return offset<I - 1>() + layer<I - 1>().parameter_count();
    }
  }
  template <std::size_t I>
  auto slice(auto& theta) const {
    return matrix_view<Dynamic, 1>(theta.data() + offset<I>(), layer<I>().parameter_count(), 1);
  }

  template <std::size_t I>
  void initialize_from(Rng& rng) {
    auto theta = slice<I>(parameters_);
    layer<I>().initialize(theta, rng);
    if constexpr (I != last_) initialize_from<I + 1>(rng);
  }

  template <std::size_t I>
  void infer_from(const auto& x, auto& y, auto& scratch) const {
    const auto theta = slice<I>(parameters_);
    if constexpr (I == last_) {
      layer<I>().infer(theta, x, y);
    } else {
      auto& buffer = std::get<I>(scratch.layer);
      buffer.resize(layer<I>().outputs(), x.cols());
      auto h = buffer.view();
      layer<I>().infer(theta, x, h);
      infer_from<I + 1>(h, y, scratch);
    }
  }

  template <std::size_t I>
  void forward_from(const auto& x, auto& ws) const {
    const auto theta = slice<I>(parameters_);
    auto y = ws.template output<I>();
    layer<I>().forward(theta, x, y, ws.template cache<I>(), ws.rng);
    if constexpr (I != last_) forward_from<I + 1>(y, ws);
  }

  // Layer I turns its dy into dtheta and dx, and the layer before it goes on from that dx.
  template <std::size_t I>
  void backward_from(const auto& x, auto& ws, auto& gradient, auto... input_gradient) const {
    const auto theta = slice<I>(parameters_);
    auto dtheta = slice<I>(gradient);
    const auto y = ws.template output<I>();
    auto dy = ws.template gradient<I>();
    auto& cache = ws.template cache<I>();
    if constexpr (I > 0) {
      const auto x_i = ws.template output<I - 1>();
      auto dx = ws.template gradient<I - 1>();
      layer<I>().backward(theta, x_i, y, cache, dy, dtheta, dx);
      backward_from<I - 1>(x, ws, gradient, input_gradient...);
    } else if constexpr (sizeof...(input_gradient) > 0) {
      layer<I>().backward(theta, x, y, cache, dy, dtheta, input_gradient...);
    } else if constexpr (requires { layer<I>().backward(theta, x, y, cache, dy, dtheta); }) {
      layer<I>().backward(theta, x, y, cache, dy, dtheta);
    } else {
      auto dx = ws.unused_input_gradient(x.rows());
      layer<I>().backward(theta, x, y, cache, dy, dtheta, dx);
    }
  }

  [[no_unique_address]] LossType loss_;
  [[no_unique_address]] LayerTuple layers_;
  alignas(EIGEN_MAX_ALIGN_BYTES) ParameterVector parameters_;
};

}  // namespace mlp
