#pragma once

#include <mlp/concepts.hpp>
#include <mlp/dataset.hpp>
#include <mlp/random.hpp>
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

/// What the compiler names when sizes or types do not fit: read the numbers in the template arguments.
namespace check {

template <class L, class S>
struct is_a_loss {
  static_assert(Loss<L, S>,
                "mlp: the first argument of Mlp must be a loss: see the concept in <mlp/concepts.hpp>");
  static constexpr bool value = Loss<L, S>;
};

template <int LayerIndex, class L, class S>
struct is_a_layer {
  static_assert(Layer<L, S>,
                "mlp: this argument of Mlp must be a layer: see the concept in <mlp/concepts.hpp>");
  static constexpr bool value = Layer<L, S>;
};

template <int LayerIndex, Index PreviousOutputs, Index Inputs>
struct layer_accepts_previous_output {
  static constexpr bool value = PreviousOutputs == Inputs || PreviousOutputs == Dynamic || Inputs == Dynamic;
  static_assert(value,
                "mlp: the inputs of a layer differ in number from the outputs of the layer before it: see "
                "layer_accepts_previous_output<layer, outputs before it, its inputs>");
};

template <class Found, class Expected>
struct scalar_is_the_networks {
  static constexpr bool value = std::is_same_v<Found, Expected>;
  static_assert(
      value,
      "mlp: data and network differ in scalar type (a Mlp is of float, use x.cast<float>() or a BasicMlp "
      "of double): see scalar_is_the_networks<found, expected>");
};

template <class Scalar, class L, class S>
struct target_is_the_losses {
  static constexpr bool value =
      !std::is_integral_v<Scalar> || std::is_integral_v<typename L::template Target<S>::Scalar>;
  static_assert(
      value,
      "mlp: these targets are labels, and the loss takes a matrix with a row for each output (one-hot, or "
      "values): see target_is_the_losses<found, loss, expected>");
};

template <int Rows, int Expected>
struct rows_are_the_networks {
  static constexpr bool value = Rows == Expected || Rows == Dynamic || Expected == Dynamic;
  static_assert(
      value,
      "mlp: a sample (a column) has another number of rows than the network has inputs or outputs: see "
      "rows_are_the_networks<found, expected>");
};

}  // namespace check

namespace detail {

template <class L>
consteval int static_inputs() {
  if constexpr (requires { std::integral_constant<Index, L::inputs()>{}; })
    return static_cast<int>(L::inputs());
  else return Dynamic;
}

template <class L>
consteval int static_outputs() {
  if constexpr (requires { std::integral_constant<Index, L::outputs()>{}; })
    return static_cast<int>(L::outputs());
  else return Dynamic;
}

template <class L>
consteval Index static_parameter_count() {
  if constexpr (requires { std::integral_constant<Index, L::parameter_count()>{}; })
    return L::parameter_count();
  else return Dynamic;
}

template <class... L>
consteval Index static_parameter_count(std::type_identity<std::tuple<L...>>) {
  if constexpr (((static_parameter_count<L>() != Dynamic) && ...))
    return (Index{0} + ... + static_parameter_count<L>());
  else return Dynamic;
}

// The sizes of vectors, as Eigen takes them.
constexpr int vector_size(Index n) { return n <= max_fixed_size ? static_cast<int>(n) : Dynamic; }

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

template <class S, class Indices, class... Layers>
struct layer_tuple;
template <class S, std::size_t... I, class... Layers>
struct layer_tuple<S, std::index_sequence<I...>, Layers...>
    : std::type_identity<std::tuple<
          std::conditional_t<check::is_a_layer<static_cast<int>(I), Layers, S>::value, Layers, StandIn>...>> {
};

template <class Tuple, std::size_t... I>
consteval bool sizes_fit(std::index_sequence<I...>) {
  return (check::layer_accepts_previous_output<static_cast<int>(I + 1),
                                               static_outputs<std::tuple_element_t<I, Tuple>>(),
                                               static_inputs<std::tuple_element_t<I + 1, Tuple>>()>::value &&
          ...);
}

inline void check_equal(Index found, Index expected, const char* who, const char* what) {
  if (found != expected) {
    throw std::invalid_argument(std::string(who) + ": expected " + std::to_string(expected) + ' ' + what +
                                ", found " + std::to_string(found));
  }
}

}  // namespace detail

/// Everything a pass through a network of type Net must remember, owned by the caller and used again and
/// again: what each layer puts out, the derivative of the loss with respect to it, the layers' caches, and
/// the random numbers of layers that need them. Nothing is allocated once it has held its largest batch; with
/// a static Batch and small layers it needs no heap at all.
template <class Net, int Batch = Dynamic>
class Workspace;

template <class S, class LossFunction, class... Layers, int Batch>
class Workspace<BasicMlp<S, LossFunction, Layers...>, Batch> {
  using Net = BasicMlp<S, LossFunction, Layers...>;

 public:
  /// Randomness of the training pass (dropout's masks): seed it as you like.
  Rng rng{};

  explicit Workspace(const Net& net, Index batch = Batch == Dynamic ? 0 : Batch) { resize(net, batch); }

  /// Makes room for a batch of that many samples.
  /// Errors: std::invalid_argument if the batch is static and another.
  void resize(const Net& net, Index batch) {
    if constexpr (Batch != Dynamic) detail::check_equal(batch, Batch, "Workspace", "samples in a batch");
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      (std::get<I>(layers_.outputs).resize(net.template layer<I>().outputs(), batch), ...);
      (std::get<I>(layers_.gradients).resize(net.template layer<I>().outputs(), batch), ...);
    }
    (std::index_sequence_for<Layers...>{});
  }

  /// y of layer I. Shape: outputs of the layer x B.
  template <std::size_t I>
  auto output() {
    return std::get<I>(layers_.outputs).view();
  }

  /// dy of layer I. After a backward pass: what the layer left there.
  template <std::size_t I>
  auto gradient() {
    return std::get<I>(layers_.gradients).view();
  }

  template <std::size_t I>
  auto& cache() {
    return std::get<I>(layers_.caches);
  }

  /// Room for the dx of a first layer that can't do without.
  auto unused_input_gradient(Index rows) {
    input_gradient_.resize(rows, outputs().cols());
    return input_gradient_.view();
  }

  /// The network's outputs (logits), and where backward finds dL/d(outputs).
  auto outputs() { return output<sizeof...(Layers) - 1>(); }
  auto output_gradient() { return gradient<sizeof...(Layers) - 1>(); }

 private:
  template <class Tuple>
  struct Storage;
  template <class... L>
  struct Storage<std::tuple<L...>> {
    std::tuple<Buffer<S, detail::static_outputs<L>(), Batch>...> outputs, gradients;
    std::tuple<typename detail::cache_of<L, S, Batch>::type...> caches;
  };

  Storage<typename Net::LayerTuple> layers_;
  Buffer<S, Dynamic, Dynamic> input_gradient_;
};

/// A multi-layer perceptron: layers, one after the other, and the loss it is trained for.
///
/// It is a value: copies are independent. All parameters lie in one vector theta, layer after layer (for
/// Dense: W, column-major, then b), and a gradient has the same layout. predict, classify, loss, forward and
/// backward are const and may be called from many threads, each with a workspace of its own.
///
/// Shapes: x inputs() x B, any dense Eigen object of scalar S; it is not copied unless it is an expression or
/// strided within a sample. t is what the loss takes: Labels, or a matrix with B columns. Errors: sizes that
/// disagree do not compile where they are static, and else throw std::invalid_argument.
template <class S, class LossFunction, class... Layers>
class BasicMlp {
  static_assert(std::is_floating_point_v<S>, "mlp: the scalar type of a network must be float or double");
  static_assert(sizeof...(Layers) > 0, "mlp: a network needs at least one layer");

  using LossType =
      std::conditional_t<check::is_a_loss<LossFunction, S>::value, LossFunction, detail::StandIn>;
  using LayerTuple = typename detail::layer_tuple<S, std::index_sequence_for<Layers...>, Layers...>::type;
  static constexpr std::size_t last_ = sizeof...(Layers) - 1;
  static_assert(detail::sizes_fit<LayerTuple>(std::make_index_sequence<last_>{}) ||
                true);  // says itself what is wrong
  static constexpr int static_inputs_ = detail::static_inputs<std::tuple_element_t<0, LayerTuple>>();
  static constexpr int static_outputs_ = detail::static_outputs<std::tuple_element_t<last_, LayerTuple>>();
  static constexpr Index static_parameters_ =
      detail::static_parameter_count(std::type_identity<LayerTuple>{});

 public:
  using Scalar = S;
  static constexpr std::size_t depth = sizeof...(Layers);
  /// theta, or its gradient: a fixed-size vector if it is small.
  using ParameterVector = Eigen::Matrix<S, detail::vector_size(static_parameters_), 1>;

  BasicMlp() requires(std::is_default_constructible_v<Layers>&&...) : BasicMlp(Layers{}...) {}

  /// A network of these layers, all parameters 0.
  /// Errors: std::invalid_argument if a layer's inputs differ in number from the outputs of the layer before
  /// it.
  explicit BasicMlp(Layers... layers) : BasicMlp(LossFunction{}, std::move(layers)...) {}

  BasicMlp(LossFunction loss, Layers... layers) : loss_(std::move(loss)), layers_(std::move(layers)...) {
    detail::validate(loss_);
    check_layers(std::make_index_sequence<last_>{});
    parameters_ = ParameterVector::Zero(parameter_count());
  }

  static constexpr Index inputs() requires(static_inputs_ != Dynamic) { return static_inputs_; }
  Index inputs() const requires(static_inputs_ == Dynamic) { return layer<0>().inputs(); }
  static constexpr Index outputs() requires(static_outputs_ != Dynamic) { return static_outputs_; }
  Index outputs() const requires(static_outputs_ == Dynamic) { return layer<last_>().outputs(); }
  static constexpr Index parameter_count() requires(static_parameters_ != Dynamic) {
    return static_parameters_;
  }
  Index parameter_count() const requires(static_parameters_ == Dynamic) { return offset<depth>(); }

  /// theta.
  auto parameters() { return view(parameters_); }
  auto parameters() const { return view(parameters_); }

  template <std::size_t I>
  const auto& layer() const {
    return std::get<I>(layers_);
  }
  const LossType& loss_function() const { return loss_; }

  /// W and b of layer I, as views into theta. Shapes: outputs x inputs of the layer; outputs.
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
  void initialize(Rng& rng) {
    [&]<std::size_t... I>(std::index_sequence<I...>) {
      const auto one = [&rng](const auto& layer, auto theta) { layer.initialize(theta, rng); };
      (one(layer<I>(), slice<I>(parameters_)), ...);
    }
    (std::index_sequence_for<Layers...>{});
  }

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
  /// Shapes: x inputs() x B gives outputs() x B; a vector gives a vector, and fixed sizes stay fixed.
  template <class X>
  auto predict(const Eigen::DenseBase<X>& x) const {
    auto y = infer(x);
    auto view = matrix_view<static_outputs_, X::ColsAtCompileTime>(y.data(), y.rows(), y.cols());
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
      if (p.rows() == 1) best = p(0, j) > S(0.5);
      else p.col(j).maxCoeff(&best);
      labels(j) = static_cast<int>(best);
    }
    return labels;
  }

  /// The raw outputs (logits) of the trained network: predict before the loss's link.
  template <class X>
  auto infer(const Eigen::DenseBase<X>& x) const {
    check_inputs<X>(x.rows());
    SizedMatrix<S, static_outputs_, X::ColsAtCompileTime> y(outputs(), x.cols());
    if constexpr (X::ColsAtCompileTime == Dynamic) {
      // In pieces whose activations stay in the cache.
      constexpr Index piece = 256;
      Scratch<Dynamic> scratch;
      for (Index j = 0; j < x.cols(); j += piece) {
        const Index count = std::min(piece, x.cols() - j);
        const auto x_piece = dense_view<static_inputs_, Dynamic>(x.derived().middleCols(j, count));
        auto y_piece = matrix_view<static_outputs_, Dynamic>(y.data() + j * outputs(), outputs(), count);
        infer_from<0>(x_piece, y_piece, scratch);
      }
    } else {
      Scratch<X::ColsAtCompileTime> scratch;
      const auto x_view = dense_view<static_inputs_, X::ColsAtCompileTime>(x);
      auto y_view = matrix_view<static_outputs_, X::ColsAtCompileTime>(y.data(), y.rows(), y.cols());
      infer_from<0>(x_view, y_view, scratch);
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
    const auto& targets = target_view<X>(t, x.cols());
    const auto plain = infer(x);
    const auto y =
        matrix_view<static_outputs_, X::ColsAtCompileTime>(plain.data(), plain.rows(), plain.cols());
    const S value = loss_.value(y, targets);
    if constexpr (requires { loss_.accuracy(y, targets); }) return {value, loss_.accuracy(y, targets)};
    else return {value, std::numeric_limits<S>::quiet_NaN()};
  }

  /// Room for the passes over batches of that size (or a size that is static: net.workspace<4>()).
  template <int Batch = Dynamic>
  auto workspace(Index batch = Batch == Dynamic ? 0 : Batch) const {
    return Workspace<BasicMlp, Batch>(*this, batch);
  }

  /// The forward pass of training. Leaves each layer's output in ws, and returns a view of the last: the raw
  /// outputs.
  template <class X, int Batch>
  auto forward(const Eigen::DenseBase<X>& x, Workspace<BasicMlp, Batch>& ws) const {
    check_inputs<X>(x.rows());
    ws.resize(*this, x.cols());
    forward_from<0>(dense_view<static_inputs_, batch_of<X, Batch>>(x), ws);
    return ws.outputs();
  }

  /// The backward pass: from dL/d(outputs), which the caller has put into ws.output_gradient() after
  /// forward(x, ws), to dL/dtheta and, if asked for, dL/dx. Shapes: gradient parameter_count(), a plain
  /// vector is resized; dx inputs() x B, a plain matrix is resized.
  template <class X, int Batch, class G, class... DX>
  void backward(const Eigen::DenseBase<X>& x, Workspace<BasicMlp, Batch>& ws, G&& gradient,
                DX&&... dx) const {
    static_assert(sizeof...(DX) <= 1,
                  "mlp: backward takes (x, workspace, gradient) or (x, workspace, gradient, dx)");
    check_inputs<X>(x.rows());
    detail::check_equal(x.cols(), ws.outputs().cols(), "backward", "samples, as in the forward pass");
    fit_size(gradient, parameter_count(), 1, "gradient");
    (fit_size(dx, inputs(), x.cols(), "gradient with respect to the inputs"), ...);
    auto dtheta = view(gradient);
    backward_from<last_>(dense_view<static_inputs_, batch_of<X, Batch>>(x), ws, dtheta,
                         matrix_view<static_inputs_, batch_of<X, Batch>>(dx.data(), dx.rows(), dx.cols())...);
  }

  /// The mean loss over a batch, dL/dtheta and, if asked for, dL/dx: forward, loss and backward in one.
  /// Errors: std::invalid_argument if the batch is empty, since a mean over nothing has no value.
  template <class X, class T, int Batch, class G, class... DX>
  S loss_and_gradient(const Eigen::DenseBase<X>& x, const Eigen::DenseBase<T>& t,
                      Workspace<BasicMlp, Batch>& ws, G&& gradient, DX&&... dx) const {
    const auto& targets = target_view<X>(t, x.cols());
    const auto y = forward(x, ws);
    auto dy = ws.output_gradient();
    S value;
    if constexpr (requires { loss_.value_and_gradient(y, targets, dy); }) {
      value = loss_.value_and_gradient(y, targets, dy);
    } else {
      value = loss_.value(y, targets);
      loss_.gradient(y, targets, dy);
    }
    backward(x, ws, gradient, dx...);
    return value;
  }

 private:
  template <class X, int Batch>
  static constexpr int batch_of = X::ColsAtCompileTime != Dynamic ? X::ColsAtCompileTime : Batch;

  template <int Batch, class Tuple = LayerTuple>
  struct Scratch;
  template <int Batch, class... L>
  struct Scratch<Batch, std::tuple<L...>> {
    std::tuple<Buffer<S, detail::static_outputs<L>(), Batch>...> outputs;
  };

  template <std::size_t... I>
  void check_layers(std::index_sequence<I...>) const {
    const auto check = [](std::size_t i, Index before, Index found) {
      if (before != found) {
        throw std::invalid_argument("mlp: layer " + std::to_string(i) + ": expected " +
                                    std::to_string(before) + " inputs, as layer " + std::to_string(i - 1) +
                                    " has outputs, found " + std::to_string(found));
      }
    };
    (check(I + 1, layer<I>().outputs(), layer<I + 1>().inputs()), ...);
  }

  template <class X>
  void check_inputs(Index rows) const {
    if constexpr (check::scalar_is_the_networks<typename X::Scalar, S>::value &&
                  check::rows_are_the_networks<X::RowsAtCompileTime, static_inputs_>::value) {
      detail::check_equal(rows, inputs(), "mlp", "rows in x, one for each input");
    }
  }

  // Where layer I's parameters begin.
  template <std::size_t I>
  constexpr Index offset() const {
    if constexpr (I == 0) return 0;
    else return offset<I - 1>() + layer<I - 1>().parameter_count();
  }

  static auto view(auto&& v) {
    return matrix_view<ParameterVector::RowsAtCompileTime, 1>(v.data(), v.size(), 1);
  }

  template <std::size_t I>
  auto slice(auto&& v) const {
    return matrix_view<Dynamic, 1>(v.data() + offset<I>(), layer<I>().parameter_count(), 1);
  }

  // Labels pass as they are, a matrix as a column-major view of the sizes that are known.
  template <class X, class T>
  decltype(auto) target_view(const Eigen::DenseBase<T>& t, Index batch) const {
    if (batch == 0) throw std::invalid_argument("mlp: a mean loss needs at least one sample, found none");
    if constexpr (check::target_is_the_losses<typename T::Scalar, LossType, S>::value) {
      detail::check_equal(detail::sample_count(t.derived()), batch, "mlp", "targets, one for each sample");
      if constexpr (std::is_integral_v<typename T::Scalar>) {
        return t.derived();
      } else {
        detail::check_equal(t.rows(), outputs(), "mlp", "rows in t, one for each output");
        return column_view<static_outputs_, X::ColsAtCompileTime>(t);
      }
    }
  }

  template <std::size_t I>
  void infer_from(const auto& x, auto& y, auto& scratch) const {
    const auto theta = slice<I>(parameters_);
    if constexpr (I == last_) {
      layer<I>().infer(theta, x, y);
    } else {
      auto& buffer = std::get<I>(scratch.outputs);
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

  // Results are written where the caller says: a plain dynamic matrix is resized, anything else must fit.
  template <class M>
  static void fit_size(M& m, Index rows, Index cols, const char* what) {
    static_assert(std::is_same_v<typename M::Scalar, S> && M::InnerStrideAtCompileTime == 1,
                  "mlp: a gradient is written to contiguous coefficients of the network's scalar type");
    if (m.rows() == rows && m.cols() == cols && (cols == 1 || m.outerStride() == rows)) return;
    if constexpr (std::is_base_of_v<Eigen::PlainObjectBase<M>, M> && M::SizeAtCompileTime == Dynamic) {
      m.resize(rows, cols);
    } else {
      throw std::invalid_argument(std::string("mlp: expected room for a ") + what + " of " +
                                  std::to_string(rows) + " x " + std::to_string(cols) +
                                  " contiguous coefficients, found " + std::to_string(m.rows()) + " x " +
                                  std::to_string(m.cols()));
    }
  }

  template <class, int>
  friend class Workspace;

  [[no_unique_address]] LossType loss_;
  [[no_unique_address]] LayerTuple layers_;
  alignas(EIGEN_MAX_ALIGN_BYTES) ParameterVector parameters_;
};

}  // namespace mlp
