#pragma once

#include <mlp/base/buffer.hpp>
#include <mlp/base/counts.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/printable.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/sizes.hpp>
#include <mlp/base/static_sizes.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/chain_rule.hpp>
#include <mlp/core/checks.hpp>
#include <mlp/core/concepts.hpp>
#include <mlp/dynamic/alternatives.hpp>
#include <mlp/dynamic/any_activation.hpp>
#include <mlp/dynamic/architecture.hpp>
#include <mlp/layer/activate.hpp>
#include <mlp/layer/batch_norm.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/layer/layer_norm.hpp>
#include <mlp/layer/residual.hpp>

#include <algorithm>
#include <cstddef>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace mlp::inline MLP_ABI {

/// DynamicDense(784, 128, ReLU{}).
using DynamicDense = Dense<Dynamic, Dynamic, AnyActivation>;

class AnyLayer;

namespace detail {

template <class S>
struct SequentialStep;

/// What a pass through a Sequential remembers: y and dy of each layer, and its cache.
template <class S>
struct SequentialCache {
  std::vector<SequentialStep<S>> steps;
  Buffer<S, Dynamic, Dynamic> unused;  // room for a dx that nobody asked for

  // Defined after SequentialStep, which for a Residual contains a SequentialCache.
  SequentialCache();
  SequentialCache(const SequentialCache&);
  SequentialCache& operator=(const SequentialCache&);
  ~SequentialCache();

  void resize(const auto& layers, Index batch);
  auto& cache(std::size_t i, const auto& layer) { return steps[i].cache_for(layer); }
};

}  // namespace detail

/// Layers that are chosen at run time, one after the other.
/// Shapes: x inputs x B; y outputs x B; theta holds the parameters of the layers, one after the other; the state
/// likewise.
class Sequential : public Sizes<Dynamic, Dynamic, Dynamic, Dynamic> {
 public:
  static constexpr const char* name = "Sequential";

  template <class S>
  using Cache = detail::SequentialCache<S>;

  /// Errors: std::invalid_argument if there are no layers, or sizes disagree.
  Sequential(std::initializer_list<AnyLayer> layers);
  explicit Sequential(std::vector<AnyLayer> layers);

  std::size_t size() const;
  const AnyLayer& operator[](std::size_t i) const;

  /// W and b of layer i, as views into theta: net.layer<0>().weights(i, net.parameters()).
  /// Errors: std::invalid_argument if the layer has no weights.
  auto weights(std::size_t i, auto&& theta) const;
  auto bias(std::size_t i, auto&& theta) const;

  /// Calls f(i, layer, offset, state_offset) for each layer, with the places where its parameters and state begin.
  void for_each(auto&& f) const;
  void for_each_backwards(auto&& f) const;
  /// Calls f(layer, offset, state_offset) for each layer; the first one begins at the offsets given.
  void for_each_layer(auto&& f, Index offset, Index state_offset) const;

  void describe(auto& text) const;
  static Sequential read(const auto& text);

  void initialize(auto& theta, Rng& rng) const { detail::initialize_layers(*this, theta, rng); }
  void initialize_state(auto& state) const { detail::initialize_state(*this, state); }
  void mark_weights(auto& mask) const { detail::mark_weights(*this, mask); }
  void update_state(auto& state, auto& cache) const { detail::update_state(*this, state, cache); }

  void infer(const auto& theta, const auto& state, const auto& x, auto& y) const;
  void forward(const auto& theta, const auto& x, auto& y, auto& cache, Rng& rng) const;
  void forward_eval(const auto& theta, const auto& state, const auto& x, auto& y, auto& cache) const;
  void backward(const auto& theta, const auto& x, const auto& y, auto& cache, auto& dy, auto& dtheta,
                auto& dx) const;
  void backward(const auto& theta, const auto& x, const auto& y, auto& cache, auto& dy, auto& dtheta) const;

 private:
  // A view of use(layer, its parameters) for layer i.
  auto view_of(std::size_t i, auto& theta, auto&& use) const;

  std::vector<AnyLayer> layers_;
};

/// One of the library's layers, with its sizes known at run time.
class AnyLayer {
 public:
  using Alternatives = std::variant<DynamicDense, Activate<Dynamic, AnyActivation>, Dropout<Dynamic>,
                                    LayerNorm<Dynamic>, BatchNorm<Dynamic>, Residual<Sequential>>;

  /// From a layer with static or Dynamic sizes. A Dense layer's Initializer is not kept: its activation's takes its
  /// place.
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

  /// Errors: std::invalid_argument if the text names no layer.
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

  // Rejects a text with sizes, parts or options that are missing when the layer is written again.
  template <class L>
  static L read_layer(const detail::PartText& text) {
    L layer = L::read(text);
    const detail::PartText understood = detail::describe(layer);
    const auto count = [](const detail::PartText& of) {
      return std::count_if(of.parts.begin(), of.parts.end(),
                           [](const auto& part) { return part.name != Identity::name; });
    };
    bool is_all = text.sizes == understood.sizes && count(text) == count(understood);
    for (const auto& option : text.options) is_all = is_all && understood.find(option.first) != nullptr;
    if (!is_all)
      text.fail(detail::message({"expected its sizes, parts and options alone, as in ",
                                 printable(detail::to_text(understood), 200)}));
    return layer;
  }

  Alternatives layer_;
};

namespace detail {

template <class S, class Variant>
struct caches_of_alternatives;
template <class S, class... L>
struct caches_of_alternatives<S, std::variant<L...>>
    : std::type_identity<std::tuple<typename cache_of<L, S, Dynamic>::type...>> {};

// One cache for each kind of layer, of which one is in use; the others are a few empty buffers.
template <class S>
struct SequentialStep {
  Buffer<S, Dynamic, Dynamic> y, dy;
  typename caches_of_alternatives<S, AnyLayer::Alternatives>::type caches;

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

// The last layer's y and dy are the caller's.
template <class S>
void SequentialCache<S>::resize(const auto& layers, Index batch) {
  steps.resize(layers.size());
  for (std::size_t i = 0; i + 1 < layers.size(); ++i) {
    steps[i].y.resize(layers[i].outputs(), batch);
    steps[i].dy.resize(layers[i].outputs(), batch);
  }
}

// Views of a Sequential's input and its layers' outputs, of one type for all layers: each kind of layer is
// compiled once. Cols is 1 or Dynamic.
template <class X, int Cols>
class SequentialInput {
 public:
  explicit SequentialInput(const X& x) : columns_(column_major_view<Dynamic, Cols>(x)) {}
  auto x() const { return dense_view<Dynamic, Cols>(columns_); }
  auto x(const auto* data, Index rows) const {
    return dense_view<Dynamic, Cols>(matrix_view<Dynamic, Cols>(data, rows, columns_.cols()));
  }
  auto y(auto* data, Index rows) const { return matrix_view<Dynamic, Cols>(data, rows, columns_.cols()); }

 private:
  decltype(column_major_view<Dynamic, Cols>(std::declval<const X&>())) columns_;
};

// The matrices of a prediction: two buffers suffice: one is read, one written.
template <class X, class Y>
class SequentialInference {
  static constexpr int cols_ = Y::ColsAtCompileTime == 1 ? 1 : Dynamic;

 public:
  SequentialInference(const X& x, Y& y, std::size_t size) : input_(x), y_(y), last_(size - 1) {}

  auto x(std::size_t i) const {
    if (i == 0) return input_.x();
    const auto previous = std::as_const(scratch_[(i - 1) % 2]).view();
    return input_.x(previous.data(), previous.rows());
  }
  auto y(std::size_t i, const auto& layer) {
    if (i == last_) return input_.y(y_.data(), y_.rows());
    scratch_[i % 2].resize(layer.outputs(), y_.cols());
    return input_.y(scratch_[i % 2].view().data(), layer.outputs());
  }

 private:
  SequentialInput<X, cols_> input_;
  Y& y_;
  std::size_t last_;
  Buffer<typename Y::Scalar, Dynamic, Dynamic> scratch_[2];
};

// The matrices of a pass of training, forward or backward. Y may be constant.
template <class X, class Y, class Cache>
class SequentialPass {
 public:
  SequentialPass(const X& x, Y& y, Cache& cache) : input_(x), y_(y), cache_(cache) {}

  auto x(std::size_t i) const {
    if (i == 0) return input_.x();
    const auto previous = std::as_const(cache_.steps[i - 1].y).view();
    return input_.x(previous.data(), previous.rows());
  }
  auto y(std::size_t i, const auto&) const {
    using Data = decltype(y_.data());
    const bool is_last = i + 1 == cache_.steps.size();
    const Data data = is_last ? y_.data() : Data{cache_.steps[i].y.view().data()};
    return input_.y(data, is_last ? y_.rows() : cache_.steps[i].y.view().rows());
  }
  auto& cache(std::size_t i, const auto& layer) const { return cache_.cache(i, layer); }

 protected:
  SequentialInput<X, Dynamic> input_;
  Y& y_;
  Cache& cache_;
};

template <class X, class Y, class Cache, class DY, class DX>
class SequentialBackwardPass : public SequentialPass<X, Y, Cache> {
 public:
  SequentialBackwardPass(const X& x, Y& y, Cache& cache, DY& dy, DX& dx)
      : SequentialPass<X, Y, Cache>(x, y, cache), dy_(dy), dx_(dx) {}

  auto dy(std::size_t i) const {
    const bool is_last = i + 1 == this->cache_.steps.size();
    auto own = this->cache_.steps[i].dy.view();
    return this->input_.y(is_last ? dy_.data() : own.data(), is_last ? dy_.rows() : own.rows());
  }
  void with_dx(std::size_t i, auto&& f) const {
    if (i > 0) {
      auto dx = this->cache_.steps[i - 1].dy.view();
      f(dx);
    } else if constexpr (requires { dx_.data(); }) {
      auto dx = this->input_.y(dx_.data(), dx_.rows());
      f(dx);
    } else {
      f(dx_);
    }
  }

 private:
  DY& dy_;
  DX& dx_;
};

// The sum of f(layer) over the layers.
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
    : Sizes(layers.empty() ? 0 : layers.front().inputs(), layers.empty() ? 0 : layers.back().outputs(),
            detail::sum_over(layers, [](const auto& layer) { return layer.parameter_count(); }),
            detail::sum_over(layers, [](const auto& layer) { return layer.state_count(); })),
      layers_(std::move(layers)) {
  if (layers_.empty()) detail::raise<std::invalid_argument>("mlp: expected at least one layer, found none");
  for (std::size_t i = 1; i < layers_.size(); ++i) {
    detail::check_layer_inputs(i, layers_[i - 1].outputs(), layers_[i].inputs());
  }
}

inline std::size_t Sequential::size() const { return layers_.size(); }
inline const AnyLayer& Sequential::operator[](std::size_t i) const { return layers_[i]; }

void Sequential::for_each(auto&& f) const {
  Index offset = 0, state_offset = 0;
  for (std::size_t i = 0; i < layers_.size(); ++i) {
    layers_[i].visit([&](const auto& layer) {
      f(i, layer, offset, state_offset);
      offset += layer.parameter_count();
      state_offset += layer.state_count();
    });
  }
}
void Sequential::for_each_backwards(auto&& f) const {
  Index offset = parameter_count(), state_offset = state_count();
  for (std::size_t i = layers_.size(); i-- > 0;) {
    layers_[i].visit([&](const auto& layer) {
      offset -= layer.parameter_count();
      state_offset -= layer.state_count();
      f(i, layer, offset, state_offset);
    });
  }
}
void Sequential::for_each_layer(auto&& f, Index offset, Index state_offset) const {
  for_each([&](std::size_t, const auto& layer, Index at, Index state_at) {
    f(layer, offset + at, state_offset + state_at);
  });
}

auto Sequential::view_of(std::size_t i, auto& theta, auto&& use) const {
  auto view = matrix_view<Dynamic, Dynamic>(theta.data(), 0, 0);
  using View = decltype(view);
  for_each([&](std::size_t k, const auto& layer, Index offset, Index) {
    auto theta_k = detail::segment_of(theta, offset, layer.parameter_count());
    if constexpr (requires { layer.weights(theta_k); }) {
      if (k == i) {
        auto w = use(layer, theta_k);
        ::new (&view) View(w.data(), w.rows(), w.cols());  // Eigen's way to rebind a Map
      }
    }
  });
  if (view.size() == 0) {
    detail::raise<std::invalid_argument>({"mlp: expected a layer with weights, found layer ", i});
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
  for_each([&](std::size_t, const auto& layer, Index, Index) { text.add_part(layer); });
}

Sequential Sequential::read(const auto& text) {
  std::vector<AnyLayer> layers;
  for (const detail::PartText& part : text.parts) layers.push_back(AnyLayer::read(part));
  return Sequential(std::move(layers));
}

void Sequential::infer(const auto& theta, const auto& state, const auto& x, auto& y) const {
  detail::SequentialInference pass(x, y, size());
  detail::infer_through(*this, theta, state, pass);
}

void Sequential::forward(const auto& theta, const auto& x, auto& y, auto& cache, Rng& rng) const {
  cache.resize(*this, x.cols());
  detail::SequentialPass pass(x, y, cache);
  detail::forward_through(*this, theta, pass, rng);
}

void Sequential::forward_eval(const auto& theta, const auto& state, const auto& x, auto& y,
                              auto& cache) const {
  cache.resize(*this, x.cols());
  detail::SequentialPass pass(x, y, cache);
  detail::forward_eval_through(*this, theta, state, pass);
}

void Sequential::backward(const auto& theta, const auto& x, const auto& y, auto& cache, auto& dy,
                          auto& dtheta, auto& dx) const {
  detail::SequentialBackwardPass pass(x, y, cache, dy, dx);
  detail::backward_through(*this, theta, pass, dtheta);
}
void Sequential::backward(const auto& theta, const auto& x, const auto& y, auto& cache, auto& dy,
                          auto& dtheta) const {
  detail::UnusedGradient dx{cache.unused};
  backward(theta, x, y, cache, dy, dtheta, dx);
}

}  // namespace mlp::inline MLP_ABI
