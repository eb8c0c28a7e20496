#pragma once

#include <mlp/activation/elu.hpp>
#include <mlp/activation/gelu.hpp>
#include <mlp/activation/hard_tanh.hpp>
#include <mlp/activation/identity.hpp>
#include <mlp/activation/leaky_relu.hpp>
#include <mlp/activation/mish.hpp>
#include <mlp/activation/relu.hpp>
#include <mlp/activation/selu.hpp>
#include <mlp/activation/sigmoid.hpp>
#include <mlp/activation/silu.hpp>
#include <mlp/activation/softplus.hpp>
#include <mlp/activation/softsign.hpp>
#include <mlp/activation/tanh.hpp>
#include <mlp/base/printable.hpp>
#include <mlp/base/types.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/core/network.hpp>
#include <mlp/core/sample_weights.hpp>
#include <mlp/dynamic/architecture.hpp>
#include <mlp/layer/activate.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/layer/layer_norm.hpp>
#include <mlp/layer/residual.hpp>
#include <mlp/loss/binary_cross_entropy.hpp>
#include <mlp/loss/gaussian_nll.hpp>
#include <mlp/loss/hinge.hpp>
#include <mlp/loss/huber.hpp>
#include <mlp/loss/mean_absolute_error.hpp>
#include <mlp/loss/mean_squared_error.hpp>
#include <mlp/loss/poisson_nll.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

/// A network whose shape is known only when the program runs. Its layers, activations and loss are values that
/// hold one of the library's, and they fit the concepts of all others: what trains, checks or saves an Mlp does
/// the same with a DynamicMlp, to the same bits.
///
///     DynamicMlp net(SoftmaxCrossEntropy{}, {DynamicDense(784, hidden, ReLU{}), DynamicDense(hidden, 10)});
///     DynamicMlp same = from_architecture("Mlp(SoftmaxCrossEntropy, Dense(784, 64, ReLU), Dense(64, 10))");
namespace mlp {

namespace detail {

template <class T, class Variant>
inline constexpr bool is_alternative = false;
template <class T, class... Ts>
inline constexpr bool is_alternative<T, std::variant<Ts...>> = (std::is_same_v<T, Ts> || ...);

// The alternative that the text names, as read<A>(text) makes it.
template <class Variant, class Read>
Variant read_alternative(const PartText& text, const char* what, Read&& read) {
  return []<class... A>(std::type_identity<std::variant<A...>>, const PartText& t, const char* expected,
                        Read& r) {
    std::optional<Variant> found;
    ((t.name == A::name ? (void)found.emplace(r(std::type_identity<A>{}, t)) : void()), ...);
    if (!found) t.fail(std::string("expected the name of ") + expected);
    return *std::move(found);
  }(std::type_identity<Variant>{}, text, what, read);
}

template <class Variant>
Variant read_alternative(const PartText& text, const char* what) {
  return read_alternative<Variant>(
      text, what, []<class A>(std::type_identity<A>, const PartText& t) { return read_options<A>(t); });
}

}  // namespace detail

/// One of the library's activations.
class AnyActivation {
 public:
  using Alternatives = std::variant<Identity, ReLU, LeakyReLU, ELU, SELU, GELU, SiLU, Mish, Softplus,
                                    Softsign, Sigmoid, Tanh, HardTanh>;
  static constexpr bool needs_input = true;  // some of them do

  AnyActivation() = default;  // Identity
  template <class F>
  requires detail::is_alternative<F, Alternatives> AnyActivation(F f) : function_(f) {}

  /// Calls f with the activation itself.
  void visit(auto&& f) const { std::visit(f, function_); }

  // On a single tile. Layers visit once for all tiles of a batch instead.
  void forward(auto& z) const {
    visit([&](const auto& f) { f.forward(z); });
  }
  void backward(const auto& z, const auto& a, auto& delta) const {
    visit([&]<class F>(const F& f) {
      if constexpr (F::needs_input) f.backward(z, a, delta);
      else f.backward(a, delta);
    });
  }

  void validate() const {
    visit([](const auto& f) { detail::validate(f); });
  }

  /// Errors: std::invalid_argument if the text is not of one of them.
  static AnyActivation read(const auto& text) {
    AnyActivation result;
    result.function_ = detail::read_alternative<Alternatives>(text, "an activation");
    return result;
  }

 private:
  Alternatives function_;
};

/// DynamicDense(784, 128, ReLU{}).
using DynamicDense = Dense<Dynamic, Dynamic, AnyActivation>;

/// One of the library's losses.
class AnyLoss {
 public:
  using Alternatives = std::variant<MeanSquaredError, MeanAbsoluteError, Huber, BinaryCrossEntropy,
                                    SoftmaxCrossEntropy, Hinge, PoissonNLL, GaussianNLL>;
  /// Of the losses that take labels; the others take a matrix, and throw std::invalid_argument for labels.
  template <class S>
  using Target = Labels;

  template <class L>
  requires detail::is_alternative<L, Alternatives> AnyLoss(L loss) : loss_(std::move(loss)) {}

  void visit(auto&& f) const { std::visit(f, loss_); }

  template <class Y>
  typename Y::Scalar value(const Y& y, const auto& t) const {
    return with<typename Y::Scalar>(t, [&](const auto& loss) { return loss.value(y, t); });
  }
  void gradient(const auto& y, const auto& t, auto& dy) const { value_and_gradient(y, t, dy); }
  template <class Y>
  typename Y::Scalar value_and_gradient(const Y& y, const auto& t, auto& dy) const {
    return with<typename Y::Scalar>(t, [&](const auto& loss) {
      return detail::mean_loss_and_gradient(loss, y, t, detail::Unweighted{}, dy);
    });
  }
  template <class Y>
  typename Y::Scalar accuracy(const Y& y, const auto& t) const {
    return with<typename Y::Scalar>(
        t, [&](const auto& loss) { return detail::accuracy(loss, y, t, detail::Unweighted{}); });
  }
  double weight(const auto& t) const {
    return with<double>(
        t, [&](const auto& loss) { return detail::batch_weight(loss, t, detail::Unweighted{}); });
  }
  void to_prediction(auto& y) const {
    visit([&](const auto& loss) { loss.to_prediction(y); });
  }

  Index outputs_per_target() const {
    return std::visit([](const auto& loss) { return detail::outputs_per_target(loss); }, loss_);
  }
  double threshold() const {
    return std::visit([](const auto& loss) { return detail::threshold(loss); }, loss_);
  }

  void validate() const {
    visit([](const auto& loss) { detail::validate(loss); });
  }
  void validate(Index outputs) const {
    visit([&](const auto& loss) {
      if constexpr (requires { loss.validate(outputs); }) loss.validate(outputs);
    });
  }

  /// Errors: std::invalid_argument if the text is not of one of them.
  static AnyLoss read(const auto& text) {
    AnyLoss result = MeanSquaredError{};
    result.loss_ = detail::read_alternative<Alternatives>(text, "a loss");
    return result;
  }

 private:
  // f(loss), where it takes such targets.
  template <class R, class T>
  R with(const T&, auto&& f) const {
    return std::visit(
        [&]<class L>(const L& loss) -> R {
          if constexpr (detail::is_labels<T> && !detail::is_labels<typename L::template Target<double>>) {
            detail::raise<std::invalid_argument>(
                std::string(L::name) +
                ": expected targets as a matrix with a row for each output, found labels");
          } else {
            return f(loss);
          }
        },
        loss_);
  }

  Alternatives loss_;
};

class AnyLayer;

namespace detail {

template <class S>
struct SequentialStep;

/// What each layer puts out, and its cache.
template <class S>
struct SequentialCache {
  std::vector<SequentialStep<S>> steps;
  Buffer<S, Dynamic, Dynamic> unused;  // room for a dx that nobody asked for

  // Defined below, where a step is: it has, for a Residual, a cache like this one.
  SequentialCache();
  SequentialCache(const SequentialCache&);
  SequentialCache& operator=(const SequentialCache&);
  ~SequentialCache();

  auto room(std::size_t layers, Index batch) {
    steps.resize(layers);
    return [this, batch](std::size_t i, Index rows) {
      steps[i].y.resize(rows, batch);
      steps[i].dy.resize(rows, batch);
      return steps[i].y.view().data();
    };
  }
};

}  // namespace detail

/// Layers that are chosen at run time, one after the other.
/// Shapes: x inputs x B; y outputs x B; theta is the layers' parameters, one after the other, and so is the state.
class Sequential : public Inputs<Dynamic>,
                   public Outputs<Dynamic>,
                   public ParameterCount<Dynamic>,
                   public StateCount<Dynamic> {
 public:
  static constexpr const char* name = "Sequential";

  template <class S>
  using Cache = detail::SequentialCache<S>;

  /// Errors: std::invalid_argument if there is none, or sizes disagree.
  Sequential(std::initializer_list<AnyLayer> layers);
  explicit Sequential(std::vector<AnyLayer> layers);

  std::size_t size() const;
  const AnyLayer& operator[](std::size_t i) const;

  /// W of layer i, or what it calls its weights, as a view into theta: net.layer<0>().weights(i, net.parameters()).
  /// Errors: std::invalid_argument if it has none.
  auto weights(std::size_t i, auto&& theta) const;
  auto bias(std::size_t i, auto&& theta) const;

  /// Calls f(layer, offset, state offset) for each layer, with the layer itself; they begin at those given.
  void for_each_layer(auto&& f, Index offset, Index state_offset) const;

  void describe(auto& text) const;
  static Sequential read(const auto& text);

  void initialize(auto& theta, Rng& rng) const;
  void initialize_state(auto& state) const;
  void mark_weights(auto& mask) const;
  void update_state(auto& state, auto& cache) const;

  template <class Y>
  void infer(const auto& theta, const auto& state, const auto& x, Y& y) const;
  template <class Y>
  void forward(const auto& theta, const auto& x, Y& y, auto& cache, Rng& rng) const;
  template <class Y>
  void forward_eval(const auto& theta, const auto& state, const auto& x, Y& y, auto& cache) const;
  void backward(const auto& theta, const auto& x, const auto& y, auto& cache, auto& dy, auto& dtheta,
                auto&... dx) const;

 private:
  // A view of use(layer, the layer's parameters), of layer i.
  auto view_of(std::size_t i, auto& theta, auto&& use) const;

  // Calls run(i, layer, offset, state offset, x_i, y_i) for each layer in turn, where x_i is what the layer before
  // it put out, and y_i lies where room(i, rows) says.
  template <class Y>
  void pass(const auto& x, Y& y, auto&& room, auto&& run) const;

  std::vector<AnyLayer> layers_;
};

/// One of the library's layers, of sizes known at run time.
class AnyLayer {
 public:
  using Alternatives = std::variant<DynamicDense, Activate<Dynamic, AnyActivation>, Dropout<Dynamic>,
                                    LayerNorm<Dynamic>, BatchNorm<Dynamic>, Residual<Sequential>>;

  /// From a layer with or without static sizes. Of a Dense layer's Initializer nothing is kept: it is drawn
  /// anew as its activation asks for.
  template <int In, int Out, class F, class Init>
  AnyLayer(const Dense<In, Out, F, Init>& layer)
      : layer_(DynamicDense(layer.inputs(), layer.outputs(), layer.activation())) {}
  template <int N, class F>
  AnyLayer(const Activate<N, F>& layer)
      : layer_(Activate<Dynamic, AnyActivation>(layer.inputs(), layer.activation())) {}
  template <int N>
  AnyLayer(const Dropout<N>& layer) : layer_(Dropout<Dynamic>(layer.inputs(), layer.p())) {}
  template <int N>
  AnyLayer(const LayerNorm<N>& layer) : layer_(LayerNorm<Dynamic>(layer.inputs(), layer.epsilon())) {}
  template <int N>
  AnyLayer(const BatchNorm<N>& layer)
      : layer_(BatchNorm<Dynamic>(layer.inputs(), layer.epsilon(), layer.momentum())) {}
  template <class... Layers>
  AnyLayer(const Residual<Layers...>& block) : layer_(Residual<Sequential>(within(block))) {}

  /// Calls f with the layer itself.
  void visit(auto&& f) const { std::visit(f, layer_); }

  Index inputs() const {
    return std::visit([](const auto& layer) { return layer.inputs(); }, layer_);
  }
  Index outputs() const {
    return std::visit([](const auto& layer) { return layer.outputs(); }, layer_);
  }

  /// Errors: std::invalid_argument if the text is not of one of them.
  static AnyLayer read(const auto& text) {
    return AnyLayer(detail::read_alternative<Alternatives>(
        text, "a layer",
        []<class L>(std::type_identity<L>, const detail::PartText& t) { return read_layer<L>(t); }));
  }

 private:
  explicit AnyLayer(Alternatives layer) : layer_(std::move(layer)) {}

  static Sequential within(const auto& block) {
    std::vector<AnyLayer> layers;
    block.for_each_layer([&](const auto& layer, Index, Index) { layers.emplace_back(layer); });
    return Sequential(std::move(layers));
  }

  // What the layer would not say of itself, it has not read.
  template <class L>
  static L read_layer(const detail::PartText& text) {
    L layer = L::read(text);
    const detail::PartText understood = detail::describe(layer);
    const auto count = [](const detail::PartText& of) {
      return std::ranges::count_if(of.parts, [](const auto& part) { return part.name != Identity::name; });
    };
    bool is_all = text.sizes == understood.sizes && count(text) == count(understood);
    for (const auto& option : text.options) is_all = is_all && understood.find(option.first) != nullptr;
    if (!is_all)
      text.fail("expected its sizes, parts and options alone, as in " +
                printable(detail::to_text(understood), 200));
    return layer;
  }

  Alternatives layer_;
};

namespace detail {

// v is laid out as parameters or state are.
auto segment_of(auto&& v, Index offset, Index size) {
  return matrix_view<Dynamic, 1>(v.data() + offset, size, 1);
}

template <class S, class Variant>
struct caches_of;
template <class S, class... L>
struct caches_of<S, std::variant<L...>>
    : std::type_identity<std::tuple<typename cache_of<L, S, Dynamic>::type...>> {};

// The caches of layers of all kinds, of which one is in use; the others are a few empty buffers.
template <class S>
struct SequentialStep {
  Buffer<S, Dynamic, Dynamic> y, dy;
  typename caches_of<S, AnyLayer::Alternatives>::type caches;

  template <class L>
  auto& cache_for(const L&) {
    return std::get<typename cache_of<L, S, Dynamic>::type>(caches);
  }
};

template <class S>
SequentialCache<S>::SequentialCache() = default;
template <class S>
SequentialCache<S>::SequentialCache(const SequentialCache&) = default;
template <class S>
SequentialCache<S>& SequentialCache<S>::operator=(const SequentialCache&) = default;
template <class S>
SequentialCache<S>::~SequentialCache() = default;

// The sum over the layers of what each says.
template <class F>
Index sum_over(const std::vector<AnyLayer>& layers, F f) {
  Index sum = 0;
  for (const AnyLayer& any : layers) {
    any.visit([&](const auto& layer) { sum = checked_sum(sum, f(layer)); });
  }
  return sum;
}

}  // namespace detail

inline Sequential::Sequential(std::initializer_list<AnyLayer> layers) : Sequential(std::vector(layers)) {}

inline Sequential::Sequential(std::vector<AnyLayer> layers)
    : Inputs<Dynamic>(layers.empty() ? 0 : layers.front().inputs()),
      Outputs<Dynamic>(layers.empty() ? 0 : layers.back().outputs()),
      ParameterCount<Dynamic>(
          detail::sum_over(layers, [](const auto& layer) { return layer.parameter_count(); })),
      StateCount<Dynamic>(
          detail::sum_over(layers, [](const auto& layer) { return detail::state_count(layer); })),
      layers_(std::move(layers)) {
  if (layers_.empty()) detail::raise<std::invalid_argument>("mlp: expected at least one layer, found none");
  for (std::size_t i = 1; i < layers_.size(); ++i) {
    detail::check_layer_inputs(i, layers_[i - 1].outputs(), layers_[i].inputs());
  }
}

inline std::size_t Sequential::size() const { return layers_.size(); }
inline const AnyLayer& Sequential::operator[](std::size_t i) const { return layers_[i]; }

void Sequential::for_each_layer(auto&& f, Index offset, Index state_offset) const {
  for (const AnyLayer& any : layers_) {
    any.visit([&](const auto& layer) {
      f(layer, offset, state_offset);
      offset += layer.parameter_count();
      state_offset += detail::state_count(layer);
    });
  }
}

auto Sequential::view_of(std::size_t i, auto& theta, auto&& use) const {
  auto view = matrix_view<Dynamic, Dynamic>(theta.data(), 0, 0);
  using View = decltype(view);
  std::size_t k = 0;
  for_each_layer(
      [&](const auto& layer, Index at, Index) {
        auto theta_i = detail::segment_of(theta, at, layer.parameter_count());
        if constexpr (requires { layer.weights(theta_i); }) {
          if (k == i) {
            auto w = use(layer, theta_i);
            ::new (&view) View(w.data(), w.rows(), w.cols());  // as Eigen sets a Map anew
          }
        }
        ++k;
      },
      0, 0);
  if (view.size() == 0) {
    detail::raise<std::invalid_argument>("mlp: expected a layer with weights, found layer " +
                                         std::to_string(i));
  }
  return view;
}
auto Sequential::weights(std::size_t i, auto&& theta) const {
  return view_of(i, theta, [](const auto& layer, auto& theta_i) { return layer.weights(theta_i); });
}
auto Sequential::bias(std::size_t i, auto&& theta) const {
  return view_of(i, theta, [](const auto& layer, auto& theta_i) { return layer.bias(theta_i); });
}

void Sequential::describe(auto& text) const {
  for_each_layer([&](const auto& layer, Index, Index) { text.add_part(layer); }, 0, 0);
}

Sequential Sequential::read(const auto& text) {
  std::vector<AnyLayer> layers;
  for (const detail::PartText& part : text.parts) layers.push_back(AnyLayer::read(part));
  return Sequential(std::move(layers));
}

void Sequential::initialize(auto& theta, Rng& rng) const {
  for_each_layer(
      [&](const auto& layer, Index at, Index) {
        auto theta_i = detail::segment_of(theta, at, layer.parameter_count());
        layer.initialize(theta_i, rng);
      },
      0, 0);
}
void Sequential::initialize_state(auto& state) const {
  for_each_layer(
      [&]<class L>(const L& layer, Index, Index at) {
        if constexpr (StatefulLayer<L>) {
          auto state_i = detail::segment_of(state, at, layer.state_count());
          layer.initialize_state(state_i);
        }
      },
      0, 0);
}
void Sequential::mark_weights(auto& mask) const {
  for_each_layer(
      [&](const auto& layer, Index at, Index) {
        auto mask_i = detail::segment_of(mask, at, layer.parameter_count());
        detail::mark_layer(layer, mask_i);
      },
      0, 0);
}
void Sequential::update_state(auto& state, auto& cache) const {
  std::size_t i = 0;
  for_each_layer(
      [&]<class L>(const L& layer, Index, Index at) {
        auto& cache_i = cache.steps[i++].cache_for(layer);
        if constexpr (StatefulLayer<L>) {
          auto state_i = detail::segment_of(state, at, layer.state_count());
          layer.update_state(state_i, cache_i);
        }
      },
      0, 0);
}

template <class Y>
void Sequential::pass(const auto& x, Y& y, auto&& room, auto&& run) const {
  constexpr int cols = Y::ColsAtCompileTime == 1 ? 1 : Dynamic;
  // Of one type, so that each layer is compiled once.
  const auto columns = column_view<Dynamic, cols>(x);
  std::size_t i = 0;
  typename Y::Scalar* data = nullptr;
  for_each_layer(
      [&](const auto& layer, Index at, Index state_at) {
        const auto previous = matrix_view<Dynamic, cols>(std::as_const(data), layer.inputs(), x.cols());
        const auto x_i = i == 0 ? dense_view<Dynamic, cols>(columns) : dense_view<Dynamic, cols>(previous);
        data = i + 1 == layers_.size() ? y.data() : room(i, layer.outputs());
        auto y_i = matrix_view<Dynamic, cols>(data, layer.outputs(), x.cols());
        run(i, layer, at, state_at, x_i, y_i);
        ++i;
      },
      0, 0);
}

template <class Y>
void Sequential::infer(const auto& theta, const auto& state, const auto& x, Y& y) const {
  Buffer<typename Y::Scalar, Dynamic, Dynamic> scratch[2];  // what a layer reads, and what it writes
  const auto room = [&](std::size_t i, Index rows) {
    scratch[i % 2].resize(rows, x.cols());
    return scratch[i % 2].view().data();
  };
  pass(x, y, room, [&](std::size_t, const auto& layer, Index at, Index state_at, const auto& x_i, auto& y_i) {
    detail::infer_layer(layer, detail::segment_of(theta, at, layer.parameter_count()),
                        detail::segment_of(state, state_at, detail::state_count(layer)), x_i, y_i);
  });
}

template <class Y>
void Sequential::forward(const auto& theta, const auto& x, Y& y, auto& cache, Rng& rng) const {
  pass(x, y, cache.room(layers_.size(), x.cols()),
       [&](std::size_t i, const auto& layer, Index at, Index, const auto& x_i, auto& y_i) {
         layer.forward(detail::segment_of(theta, at, layer.parameter_count()), x_i, y_i,
                       cache.steps[i].cache_for(layer), rng);
       });
}

template <class Y>
void Sequential::forward_eval(const auto& theta, const auto& state, const auto& x, Y& y, auto& cache) const {
  pass(x, y, cache.room(layers_.size(), x.cols()),
       [&](std::size_t i, const auto& layer, Index at, Index state_at, const auto& x_i, auto& y_i) {
         detail::linearize_layer(layer, detail::segment_of(theta, at, layer.parameter_count()),
                                 detail::segment_of(state, state_at, detail::state_count(layer)), x_i, y_i,
                                 cache.steps[i].cache_for(layer));
       });
}

void Sequential::backward(const auto& theta, const auto& x, const auto& y, auto& cache, auto& dy,
                          auto& dtheta, auto&... dx) const {
  const auto columns = column_view<Dynamic, Dynamic>(x);
  Index at = parameter_count();
  for (std::size_t i = layers_.size(); i-- > 0;) {
    auto& step = cache.steps[i];
    const bool is_last = i + 1 == layers_.size();
    layers_[i].visit([&](const auto& layer) {
      at -= layer.parameter_count();
      const auto theta_i = detail::segment_of(theta, at, layer.parameter_count());
      auto dtheta_i = detail::segment_of(dtheta, at, layer.parameter_count());
      const auto view = [&](auto* data, Index rows) {
        return matrix_view<Dynamic, Dynamic>(data, rows, x.cols());
      };
      const auto y_i = view(is_last ? y.data() : std::as_const(step.y).view().data(), layer.outputs());
      auto dy_i = view(is_last ? dy.data() : step.dy.view().data(), layer.outputs());
      auto& cache_i = step.cache_for(layer);
      if (i > 0) {
        const auto x_i = dense_view<Dynamic, Dynamic>(std::as_const(cache.steps[i - 1].y).view());
        auto dx_i = cache.steps[i - 1].dy.view();
        layer.backward(theta_i, x_i, y_i, cache_i, dy_i, dtheta_i, dx_i);
      } else {
        const auto x_i = dense_view<Dynamic, Dynamic>(columns);
        if constexpr (sizeof...(dx) > 0) {
          auto dx_i = view((dx.data(), ...), layer.inputs());
          layer.backward(theta_i, x_i, y_i, cache_i, dy_i, dtheta_i, dx_i);
        } else {
          detail::backward_first_layer(layer, theta_i, x_i, y_i, cache_i, dy_i, dtheta_i, [&](Index rows) {
            cache.unused.resize(rows, x.cols());
            return cache.unused.view();
          });
        }
      }
    });
  }
}

/// A network whose layers are chosen at run time.
template <class S>
using BasicDynamicMlp = BasicMlp<S, AnyLoss, Sequential>;
using DynamicMlp = BasicDynamicMlp<float>;

/// The same network, of the library's loss and layers, with its shape in values instead of types.
template <class S, class L, class... Layers>
BasicDynamicMlp<S> to_dynamic(const BasicMlp<S, L, Layers...>& net) {
  std::vector<AnyLayer> layers;
  net.for_each_layer([&](const auto& layer, Index, Index) { layers.emplace_back(layer); });
  BasicDynamicMlp<S> result(AnyLoss(net.loss_function()), Sequential(std::move(layers)));
  result.parameters() = net.parameters();
  result.state() = net.state();
  return result;
}
template <class S>
const BasicDynamicMlp<S>& to_dynamic(const BasicDynamicMlp<S>& net) {
  return net;
}

namespace detail {

// A template, as all else that reads, so that who does not read pays nothing.
std::pair<AnyLoss, Sequential> read_architecture(const auto& text) {
  PartText part = PartParser(text).parse();
  if (part.name != "Mlp") part.fail("expected Mlp(loss, layer, ...)");
  const AnyLoss loss = AnyLoss::read(part.part(0));
  part.parts.erase(part.parts.begin());
  return {loss, Sequential::read(part)};
}

}  // namespace detail

/// A network of that architecture (see architecture.hpp), all parameters 0.
/// Errors: std::invalid_argument if the text is none, names what the library does not have, or sizes disagree.
template <class S = float>
BasicDynamicMlp<S> from_architecture(std::string_view text) {
  auto [loss, layers] = detail::read_architecture(text);
  return BasicDynamicMlp<S>(std::move(loss), std::move(layers));
}

}  // namespace mlp
