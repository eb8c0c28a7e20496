#pragma once

#include <mlp/base/types.hpp>
#include <mlp/dynamic/architecture.hpp>
#include <mlp/dynamic/dynamic_mlp.hpp>
#include <mlp/io/model.hpp>
#include <mlp/io/onnx/graph.hpp>
#include <mlp/io/onnx/pattern.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <deque>
#include <limits>
#include <list>
#include <numeric>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlp::inline MLP_ABI::detail::onnx {

class Builder;

/// How the nodes of a pattern are translated.
struct Rule {
  enum class Role {
    layer,
    pass,        // leaves samples unchanged
    prediction,  // from outputs to predictions
    after,       // another form of predictions
  };

  const char* pattern;
  void (Builder::*build)(const Match&);
  Role role = Role::layer;
};

/// The parts of a network.
template <class S>
struct Parts {
  AnyLoss loss;
  std::vector<AnyLayer> layers;
  std::deque<double> parameters, state;
  ModelInfo<S> info;
};

/// Builds a network from a graph: walks from the output back to the input, then appends the layers in order.
class Builder {
 public:
  Builder(const Graph& graph, double largest)
      : graph_(graph),
        largest_(largest),
        most_numbers_(static_cast<std::size_t>(graph.size()) + some_numbers) {}

  /// Builds the network of the output of that name or, if it is empty, of the only one that is computed.
  /// Errors: std::runtime_error, or std::invalid_argument if an option of the loss is out of range.
  void build(std::string_view output);

  template <class S>
  Parts<S> take_parts() {
    ModelInfo<S> info;
    info.features = features_.empty() ? names("mlp.feature.") : std::move(features_);
    info.classes = classes_.empty() ? names("mlp.class.") : std::move(classes_);
    if (low_) {
      auto& scaler = info.scaler.template emplace<MinMaxScaler<S>>();
      scaler.min = vector_of<S>(mean_);
      scaler.scale = vector_of<S>(scale_);
      scaler.low = static_cast<S>(*low_);
    } else if (!mean_.empty()) {
      auto& scaler = info.scaler.template emplace<StandardScaler<S>>();
      scaler.mean = vector_of<S>(mean_);
      scaler.scale = vector_of<S>(scale_);
    }
    return {*std::move(loss_), std::move(layers_), std::move(parameters_), std::move(state_),
            std::move(info)};
  }

  // Called by the rules.

  [[noreturn]] void fail(const Match& m, MessagePart what) const { graph_.fail(*m.node, what); }
  [[noreturn]] void fail(const Tensor& tensor, MessagePart what) const {
    graph_.fail(message({"tensor ", in_quotes(tensor.name), ": ", what}));
  }

  double number(const Node& node, std::string_view attribute, double otherwise) const {
    const Attribute* const found = node.find(attribute);
    if (found == nullptr) return otherwise;
    const double value = found->first;  // proto3 omits a 0
    if (!(std::abs(value) <= largest_)) {
      graph_.fail(node, message({"expected a finite number as ", attribute}));
    }
    return found->is_float ? meant_by(value) : value;
  }
  double number(const Match& m, std::string_view attribute, double otherwise) const {
    return number(*m.node, attribute, otherwise);
  }
  double number(const Tensor& tensor) const {
    const auto values = numbers(tensor);
    if (values.size() != 1) fail(tensor, message({"expected one number, found ", values.size()}));
    return tensor.type == float64 ? values[0] : meant_by(values[0]);
  }
  // The value of an input or, in older versions, of an attribute.
  double number(const Match& m, char letter, std::string_view attribute, double otherwise) const {
    const Tensor* const tensor = m.constant(letter);
    return tensor != nullptr ? number(*tensor) : number(m, attribute, otherwise);
  }
  void expect(const Node& node, const char* attribute, double expected, double otherwise) const {
    if (const double found = number(node, attribute, otherwise); !(std::abs(found - expected) <= 1e-6)) {
      graph_.fail(node, message({"expected ", attribute, " = ", Graph::number_text(expected), ", found ",
                                 Graph::number_text(found)}));
    }
  }
  bool says(const Match& m, std::string_view attribute, std::string_view value) const {
    const Attribute* const found = m.node->find(attribute);
    return found != nullptr && found->text == value;
  }

  // y = alpha W x + beta b
  void linear(const Match& m) {
    add_dense(m, *m.node, *m.constant('w'), number(m, "transB", 0) != 0, m.constant('b') != nullptr);
    if (m.constant('b') != nullptr) add_to_bias(row(*m.constant('b')), number(m, "beta", 1));
    source_.clear();
  }

  // W x, where x is a vector rather than a batch of rows.
  void linear_from_left(const Match& m) {
    if (!is_vector_) fail(m, "expected weights on the right of a batch, found them on the left");
    add_dense(m, *m.node, *m.constant('w'), true, false);
    source_.clear();
  }

  // W x + b + V x + c
  void sum_of_linear(const Match& m) {
    for (const std::size_t term : {std::size_t{0}, std::size_t{1}}) {
      const Node& node = *graph_.origin(m.node->inputs[term]).node;
      const Tensor& w = *graph_.constant(node.inputs[1]);
      const bool is_out_by_in = number(node, "transB", 0) != 0;
      if (term == 0) add_dense(m, node, w, is_out_by_in, false);
      else add_weights(node, w, is_out_by_in);
      if (node.inputs.size() > 2) add_to_bias(row(*graph_.constant(node.inputs[2])), number(node, "beta", 1));
    }
    source_.clear();
  }

  // Of quantized numbers (q - z) s, whose inputs are quantized anew for each batch; here they are not.
  void quantized_linear(const Match& m) {
    flush();
    const auto zero = numbers(*m.constant('z')), scale = numbers(*m.constant('s'));
    add_dense(m, *m.node, *m.constant('w'), false, false);
    const auto out = static_cast<std::size_t>(n_);
    if ((zero.size() != 1 && zero.size() != out) || (scale.size() != 1 && scale.size() != out))
      fail(m, "expected a scale and a zero point for all weights, or for those of each output, found others");
    each_weight([&](double& w, std::size_t o) { w = (w - at(zero, o)) * at(scale, o); });
  }

  void linear_regressor(const Match& m) {
    if (m.node->find("post_transform") != nullptr && !says(m, "post_transform", "NONE"))
      fail(m, "expected no post_transform, found one");
    add_linear_model(m, number(m, "targets", 1));
  }

  // The probabilities of scikit-learn's linear classifiers.
  void linear_classifier(const Match& m) {
    const Attribute* const intercepts = m.node->find("intercepts");
    const bool is_logistic = says(m, "post_transform", "LOGISTIC"),
               is_softmax = says(m, "post_transform", "SOFTMAX");
    if (!is_logistic && !is_softmax) fail(m, "expected post_transform LOGISTIC or SOFTMAX, found another");
    add_linear_model(m, intercepts != nullptr ? static_cast<double>(intercepts->count) : 1);
    bool are_opposite = n_ == 2;
    for (std::size_t k = parameters_.size() - dense_size(); are_opposite && k < parameters_.size(); k += 2) {
      are_opposite = parameters_[k] == -parameters_[k + 1];
    }
    if (is_logistic && are_opposite) keep_rows({1});  // the other probability is 1 - p
    zip_map(m, "classlabels_strings", "classlabels_ints");
    sums_to_one_ = is_softmax || n_ == 1;
    if (is_softmax) end_with(m, SoftmaxCrossEntropy{});
    else end_with(m, BinaryCrossEntropy{});
  }

  // y = x op c: the bias that a MatMul lacks, a scaler, or a factor of each output.
  template <char Op>
  void arithmetic(const Match& m) {
    scale(m, Op, per_feature(m, *m.constant('c')));
  }

  void scaler(const Match& m) {
    for (const auto& [attribute, op] : {std::pair("offset", '-'), std::pair("scale", '*')}) {
      const Attribute* const found = m.node->find(attribute);
      if (found == nullptr) fail(m, message({"expected an attribute ", attribute, ", found none"}));
      if (found->count != 1 && found->count != static_cast<std::size_t>(n_)) {
        fail(m, message({"expected ", n_, " numbers, found ", found->count}));
      }
      graph_.spend(found->message.size());
      std::vector<double> values;
      values.reserve(found->count);
      found->numbers().each([&](double value) { values.push_back(value); });
      scale(m, op, values);
    }
  }

  template <class F>
  void activation(const Match&) {
    activate(F{});
  }
  void elu(const Match& m) { activate(ELU{number(m, "alpha", 1)}); }
  void leaky_relu(const Match& m) { activate(LeakyReLU{number(m, 'a', "alpha", 0.01)}); }
  void selu(const Match& m) {
    expect(*m.node, "alpha", SELU::alpha, SELU::alpha);
    expect(*m.node, "gamma", SELU::lambda, SELU::lambda);
    activate(SELU{});
  }
  void hard_tanh(const Match& m) {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    activate(HardTanh{number(m, 'a', "min", -infinity), number(m, 'b', "max", infinity)});
  }
  void softplus(const Match& m) {
    const double beta = number(*m.constant('a'));
    if (number(*m.constant('b')) != beta)
      fail(m, "expected a division by the factor of the input, found another");
    activate(Softplus{beta});
  }
  void gelu(const Match& m) { activate(GELU{says(m, "approximate", "tanh")}); }
  void gelu_tanh(const Match&) { activate(GELU{.approximate = true}); }

  void activate(AnyActivation f) {
    flush();
    if (!ends_linear()) return append(Activate<Dynamic, AnyActivation>(n_, f));
    layers_.back() = DynamicDense(dense_inputs_, n_, f);
    dense_activation_ = std::move(f);
  }

  void dropout(const Match& m) {
    flush();
    append(Dropout<Dynamic>(n_, number(m, 'p', "ratio", 0.5)));
  }

  void layer_norm(const Match& m) {
    check_is_flat(m);
    flush();
    append_vector(parameters_, m.constant('g'), 1);
    append_vector(parameters_, m.constant('b'), 0);
    append(LayerNorm<Dynamic>(n_, number(m, 'e', "epsilon", 1e-5)));
  }

  void batch_norm(const Match& m) {
    if (!dims_.empty() && dims_.front() != static_cast<double>(n_)) check_is_flat(m);
    flush();
    expect(*m.node, "training_mode", 0, 0);
    for (const char letter : {'g', 'b'}) append_vector(parameters_, m.constant(letter), 0);
    for (const char letter : {'m', 'v'}) append_vector(state_, m.constant(letter), 0);
    if (std::any_of(state_.end() - n_, state_.end(), [](double variance) { return variance < 0; })) {
      fail(*m.constant('v'), "expected variances >= 0, found another");
    }
    // The share of the old value in ONNX, of the new one here.
    const double share = number(m, "momentum", 0.9), meant = meant_by(1 - share);
    const bool is_meant = static_cast<float>(1 - meant) == static_cast<float>(share);
    append(BatchNorm<Dynamic>(n_, number(m, "epsilon", 1e-5), is_meant ? meant : 1 - share));
  }

  void nothing(const Match&) {}
  void cast(const Match& m) {
    if (!m.node->is_cast_to_real()) fail(m, "expected a cast to float or double, found another");
  }

  // Samples become rows, with their features in order.
  void flatten(const Match&) { dims_.clear(); }

  // To the shape s, or to N followed by s: the features keep their order.
  template <bool IsWhole>
  void reshape(const Match& m) {
    auto shape = numbers(*m.constant('s'));
    const auto n = static_cast<double>(n_);
    if (IsWhole && shape == std::vector{-1., 1.} && n_ != 1) {  // as scikit-learn's converter ends regressors
      end_ = m.node;
      return;
    }
    const bool has_batch = IsWhole && !(shape.size() == 1 && (is_vector_ || n_ == 1));
    if (has_batch && shape.size() > 1) shape.erase(shape.begin());
    else if (has_batch) shape.clear();
    if (shape.size() == 1 && shape[0] == 0) shape[0] = n;  // as it was
    double known = 1;
    for (const double size : shape) known *= size == -1 ? 1 : (std::max)(size, 0.);
    const auto inferred = std::find(shape.begin(), shape.end(), -1.);
    if (inferred != shape.end() && known > 0) {
      *inferred = std::floor(n / known);
      known *= *inferred;
    }
    if (shape.empty() || known != n) fail(m, "expected a shape of [N, features], found another");
    dims_ = shape.size() > 1 ? shape : std::vector<double>{};
  }

  // Dimensions of 1 come and go, and features keep their order.
  void squeeze(const Match& m) {
    if (m.node->op == "Unsqueeze") is_vector_ = false;
    std::erase(dims_, 1.);
    if (dims_.size() <= 1) dims_.clear();
  }

  // Features in another order, or some of them.
  void split(const Match& m) {
    std::vector<double> sizes;
    if (m.constant('s') != nullptr) sizes = numbers(*m.constant('s'));
    else if (const Attribute* const found = m.node->find("split"))
      found->numbers().each([&](double size) { sizes.push_back(size); });
    else
      sizes.assign(m.node->outputs.size(),
                   static_cast<double>(n_) / static_cast<double>(m.node->outputs.size()));
    double begin = 0, sum = 0;
    for (std::size_t k = 0; k < sizes.size(); ++k) {
      if (k < m.output) begin += sizes[k];
      sum += sizes[k];
      if (!(sizes[k] >= 1) || sizes[k] != std::floor(sizes[k])) sum = -largest_;
    }
    if (m.output >= sizes.size() || sum != static_cast<double>(n_))
      fail(m, message({"expected parts of ", n_, " features in all, found others"}));
    select_range(m, begin, begin + sizes[m.output], 1);
  }
  void slice(const Match& m) {
    const auto one = [&](char letter, const char* attribute, double otherwise) {
      const Tensor* const tensor = m.constant(letter);
      const Attribute* const found = m.node->find(attribute);
      if (found != nullptr && found->count != 1) fail(m, "expected a slice of one dimension, found several");
      return tensor != nullptr ? number(*tensor) : found != nullptr ? found->first : otherwise;
    };
    const double axis = one('a', "axes", 0), n = static_cast<double>(n_), step = one('t', "steps", 1);
    const double feature_axis = is_vector_ ? 0 : 1;
    if ((axis != feature_axis && axis != -1) || !(step >= 1))
      fail(m, "expected a slice of features, found another");
    const auto place = [n](double k) { return std::clamp(k < 0 ? k + n : k, 0., n); };
    select_range(m, place(one('s', "starts", 0)), place(one('e', "ends", n)), step);
  }
  void gather(const Match& m) {
    std::vector<Index> source;
    for (const double k : numbers(*m.constant('i'))) {
      const double at = k < 0 ? k + static_cast<double>(n_) : k;
      if (!(at >= 0 && at < static_cast<double>(n_)))
        fail(m, message({"expected indices of ", n_, " features, found ", Graph::number_text(k)}));
      source.push_back(static_cast<Index>(at));
    }
    select(m, std::move(source));
  }
  void transpose(const Match& m) {
    const Attribute* const order = m.node->find("perm");
    std::vector<double> axes;
    if (order != nullptr) order->numbers().each([&](double axis) { axes.push_back(axis); });
    const std::vector<double> dims = dims_.empty() ? std::vector{static_cast<double>(n_)} : known_dims(m);
    if (axes.size() != dims.size() + 1 || axes[0] != 0)
      fail(m, "expected a transpose that leaves samples as rows, found another");
    std::vector<double> sorted = axes, after;
    std::sort(sorted.begin(), sorted.end());
    std::vector<Index> strides(dims.size(), 1), by;
    for (std::size_t k = dims.size() - 1; k > 0; --k)
      strides[k - 1] = strides[k] * static_cast<Index>(dims[k]);
    for (std::size_t k = 0; k < sorted.size(); ++k) {
      if (sorted[k] != static_cast<double>(k)) fail(m, "expected each dimension once in perm, found others");
      if (k == 0) continue;
      const auto axis = static_cast<std::size_t>(axes[k]) - 1;
      after.push_back(dims[axis]);
      by.push_back(strides[axis]);
    }
    graph_.spend(static_cast<std::size_t>(n_));
    std::vector<Index> source(static_cast<std::size_t>(n_));
    for (Index i = 0; i < n_; ++i) {
      Index rest = i;
      for (std::size_t k = after.size(); k-- > 0;) {
        source[static_cast<std::size_t>(i)] += rest % static_cast<Index>(after[k]) * by[k];
        rest /= static_cast<Index>(after[k]);
      }
    }
    const bool is_same = std::is_sorted(source.begin(), source.end());
    dims_.clear();
    if (!is_same) select(m, std::move(source));
    if (after.size() > 1) dims_ = std::move(after);
  }

  template <class L>
  void prediction(const Match& m) {
    sums_to_one_ = std::is_same_v<L, SoftmaxCrossEntropy>;
    end_with(m, L{});
  }

  // The classes of the largest outputs, as classify gives them.
  void largest(const Match& m) {
    const double axis = number(m, "axis", 0);
    if (axis != (is_vector_ ? 0 : 1) && axis != -1)
      fail(m, "expected the largest of a sample's features, found another");
    if (end_ == nullptr && n_ > 1) end_with(m, SoftmaxCrossEntropy{});
    end_ = m.node;
  }

  // A sum of 1, which probabilities of classes have.
  void normalizer(const Match& m) {
    if (!sums_to_one_ || !says(m, "norm", "L1"))
      fail(m, "expected probabilities whose sum is 1, found others");
  }

  void gaussian(const Match& m) {
    const auto sizes = numbers(*m.constant('s'));
    if (sizes.size() != 2 || sizes[0] != sizes[1] || 2 * sizes[0] != static_cast<double>(n_))
      fail(m, "expected as many means as variances, found others");
    end_with(m, GaussianNLL{.epsilon = number(*m.constant('e'))});
  }

  // From p to 1 - p and p: a network of one output predicts p alone.
  void both_classes(const Match& m) {
    if (n_ != 1 || end_ == nullptr) fail(m, "expected the probability of one class, found something else");
    sums_to_one_ = true;
  }

  void zip_map(const Match& m) { zip_map(m, "classlabels_strings", "classlabels_int64s"); }
  void zip_map(const Match& m, const char* texts_name, const char* integers_name) {
    if (const Attribute* const texts = m.node->find(texts_name)) {
      std::vector<std::string_view> names;
      texts->each_text([&](std::string_view name) { names.push_back(name); });
      set_classes(m, names, [](std::string_view name) { return std::string(name); });
    }
    if (const Attribute* const integers = m.node->find(integers_name)) {
      std::vector<double> names;
      integers->numbers().each([&](double name) { names.push_back(name); });
      set_classes(m, names, Graph::number_text);
    }
    end_ = m.node;
  }

  // A match of a rule or, without a rule, the sum of a branch and its input. Steps are in reverse order, as
  // they are found.
  struct Step {
    const Rule* rule;
    Match match;
    std::list<Step> branch = {};
  };

 private:
  static constexpr int most_levels = 16;
  static constexpr std::size_t some_numbers = std::size_t{1} << 20;

  std::list<Step> walk(std::string_view from, std::string_view to, int level) const;
  void run(std::list<Step>& steps);  // empties the list
  void run_branch(std::list<Step>& branch);
  [[noreturn]] void fail_unknown(const Node& node) const;
  std::set<std::string_view> find_needed(std::string_view value);  // sets needed_
  std::string_view input_behind(std::string_view value) const;
  std::string_view output(std::string_view wanted) const;
  std::string_view input(std::string_view output);  // sets dims_, features_, and n_ if it is known
  void set_size(double size);
  double size_before(const std::list<Step>& steps) const;
  void find_loss(std::list<Step>& steps);

  std::vector<double> numbers(const Tensor& tensor) const { return graph_.numbers(tensor, largest_); }

  // Many layers may share a tensor, and a single number may fill a long vector: memory stays proportional to
  // the file.
  void check_room(std::size_t count) const {
    const std::size_t used = parameters_.size() + state_.size() + mean_.size() + scale_.size();
    if (used + count > most_numbers_) {
      graph_.fail("expected no more parameters than the file has bytes, found more");
    }
  }

  // The weights of the node, beside those of other nodes in a sum, times alpha.
  void add_weights(const Node& node, const Tensor& w, bool is_out_by_in) {
    expect(node, "transA", 0, 0);
    const auto values = numbers(w);
    const Index in = source_.empty() ? dense_inputs_ : static_cast<Index>(source_.size());
    const double alpha = number(node, "alpha", 1);
    const auto [found_in, found_out] = sizes_of(w, is_out_by_in);
    if (found_in != in) fail(w, message({"expected weights for ", in, " inputs, found ", found_in}));
    if (found_out != n_) fail(w, message({"expected weights for ", n_, " outputs, found ", found_out}));
    // The layer's W is Out x In, column-major: for each input the weights to all outputs.
    const std::size_t begin = parameters_.size() - dense_size();
    for (Index i = 0; i < in; ++i) {
      const Index column = source_.empty() ? i : source_[static_cast<std::size_t>(i)];
      for (Index o = 0; o < n_; ++o) {
        parameters_[begin + static_cast<std::size_t>(column * n_ + o)] +=
            alpha * values[static_cast<std::size_t>(is_out_by_in ? o * in + i : i * n_ + o)];
      }
    }
  }

  std::pair<Index, Index> sizes_of(const Tensor& w, bool is_out_by_in) const {
    const auto is_size = [&](double size) { return size >= 1 && size <= static_cast<double>(most_numbers_); };
    if (w.dims.size() != 2 || !is_size(w.dims[0]) || !is_size(w.dims[1]))
      fail(w, "expected a matrix of weights, found another shape");
    const auto rows = static_cast<Index>(w.dims[0]), cols = static_cast<Index>(w.dims[1]);
    return is_out_by_in ? std::pair(cols, rows) : std::pair(rows, cols);
  }

  // Appends a Dense layer with the weights of the node. Features that were selected before are inputs of the layer
  // that have weights, and source_ remains for a second node. -0 + b is b with the same bits, even for b = -0.
  void add_dense(const Match& m, const Node& node, const Tensor& w, bool is_out_by_in, bool gets_bias) {
    check_is_flat(m);
    const Index out = sizes_of(w, is_out_by_in).second, in = source_.empty() ? n_ : before_;
    check_room(static_cast<std::size_t>(in + 1) * static_cast<std::size_t>(out));
    parameters_.resize(parameters_.size() + static_cast<std::size_t>(in * out), source_.empty() ? -0.0 : 0.0);
    parameters_.resize(parameters_.size() + static_cast<std::size_t>(out), gets_bias ? -0.0 : 0.0);
    append_dense(in, out);
    add_weights(node, w, is_out_by_in);
  }

  void append_dense(Index in, Index out) {
    append(DynamicDense(in, out, Identity{}));
    dense_inputs_ = in;
    n_ = out;
    dims_.clear();
  }

  // The last layer is a Dense of this many parameters, and has no activation yet.
  std::size_t dense_size() const { return static_cast<std::size_t>((dense_inputs_ + 1) * n_); }
  bool ends_linear() const { return dense_inputs_ != 0 && !dense_activation_; }

  // Calls f(w, o) with the last layer's weights, and with its bias if that is wanted, of each output o.
  void each_weight(auto&& f, bool with_bias = false) {
    const auto out = static_cast<std::size_t>(n_), begin = parameters_.size() - dense_size();
    const std::size_t end = parameters_.size() - (with_bias ? 0 : out);
    for (std::size_t k = begin; k < end; ++k) f(parameters_[k], (k - begin) % out);
  }

  // A model of scikit-learn: coefficients, Out x In, and intercepts.
  void add_linear_model(const Match& m, double outputs) {
    check_is_flat(m);
    flush();
    const Attribute *const w = m.node->find("coefficients"), *const b = m.node->find("intercepts");
    const auto n = static_cast<std::size_t>(n_);
    if (w == nullptr || !(outputs >= 1) || outputs * static_cast<double>(n_) != static_cast<double>(w->count))
      fail(m, message({"expected coefficients of ", n_, " features for each output, found ",
                       w == nullptr ? 0 : w->count}));
    const auto out = static_cast<std::size_t>(outputs);
    if (b != nullptr && b->count != out)
      fail(m, message({"expected ", out, " intercepts, found ", b->count}));
    check_room((n + 1) * out);
    const std::size_t begin = parameters_.size();
    parameters_.resize(begin + (n + 1) * out, 0);
    const auto fill = [&](const Attribute& from, auto&& place) {
      graph_.spend(from.message.size());
      std::size_t k = 0;
      from.numbers().each([&](double value) {
        if (!(std::abs(value) <= largest_)) fail(m, "expected finite numbers, found others");
        parameters_[begin + place(k++)] = value;
      });
    };
    fill(*w, [&](std::size_t k) { return k % n * out + k / n; });
    if (b != nullptr) fill(*b, [&](std::size_t k) { return n * out + k; });
    append_dense(n_, static_cast<Index>(out));
  }

  // Leaves those outputs of the last layer, a Dense.
  void keep_rows(const std::vector<Index>& rows) {
    const auto out = static_cast<std::size_t>(n_), columns = static_cast<std::size_t>(dense_inputs_ + 1);
    check_room(columns * rows.size());
    graph_.spend(columns * rows.size());
    std::vector<double> kept;
    kept.reserve(columns * rows.size());
    const std::size_t begin = parameters_.size() - dense_size();
    for (std::size_t column = 0; column < columns; ++column) {
      for (const Index row : rows)
        kept.push_back(parameters_[begin + column * out + static_cast<std::size_t>(row)]);
    }
    parameters_.resize(begin);
    parameters_.insert(parameters_.end(), kept.begin(), kept.end());
    n_ = static_cast<Index>(rows.size());
    layers_.back() = DynamicDense(dense_inputs_, n_, dense_activation_.value_or(AnyActivation(Identity{})));
  }

  // Features become those of these indices: outputs of a Dense before, or inputs of a Dense behind.
  void select(const Match& m, std::vector<Index> source) {
    check_is_flat(m);
    dims_.clear();
    if (source.empty()) fail(m, "expected some of the features, found none");
    graph_.spend(source.size());
    if (dense_inputs_ != 0) return keep_rows(source);
    if (source_.empty()) {
      before_ = n_;
      source_ = std::move(source);
    } else {
      for (Index& k : source) k = source_[static_cast<std::size_t>(k)];
      source_ = std::move(source);
    }
    n_ = static_cast<Index>(source_.size());
  }
  void select_range(const Match& m, double begin, double end, double step) {
    std::vector<Index> source;
    for (double k = begin; k < end; k += step) source.push_back(static_cast<Index>(k));
    select(m, std::move(source));
  }

  // If no Dense follows a selection, it becomes one, of weights 0 and 1.
  void flush() {
    if (source_.empty()) return;
    const auto in = static_cast<std::size_t>(before_), out = source_.size();
    check_room((in + 1) * out);
    const std::size_t begin = parameters_.size();
    parameters_.resize(begin + (in + 1) * out, 0);
    for (std::size_t o = 0; o < out; ++o)
      parameters_[begin + static_cast<std::size_t>(source_[o]) * out + o] = 1;
    source_.clear();
    append_dense(before_, static_cast<Index>(out));
  }

  // The shape of a sample, which transposing it requires.
  std::vector<double> known_dims(const Match& m) const {
    double size = 1;
    for (const double dim : dims_) size *= dim >= 1 ? dim : 0;
    if (size != static_cast<double>(n_)) fail(m, "expected an input of known sizes, found others");
    return dims_;
  }

  // c for each feature, or one for all: a row, or what broadcasts to the shape of a sample.
  std::vector<double> per_feature(const Match& m, const Tensor& tensor) const {
    if (dims_.size() <= 1) return row(tensor);
    const auto values = numbers(tensor);
    if (values.size() == 1) return values;
    const std::vector<double> dims = known_dims(m);
    std::vector<double> from = tensor.dims;
    if (from.size() == dims.size() + 1 && from.front() == 1) from.erase(from.begin());
    bool fits = from.size() <= dims.size();
    const std::size_t missing = fits ? dims.size() - from.size() : 0;
    for (std::size_t k = 0; fits && k < from.size(); ++k) fits = from[k] == 1 || from[k] == dims[missing + k];
    if (!fits) fail(tensor, "expected numbers in the shape of a sample, found another");
    graph_.spend(static_cast<std::size_t>(n_));
    std::vector<double> result(static_cast<std::size_t>(n_));
    for (std::size_t i = 0; i < result.size(); ++i) {
      std::size_t rest = i, at = 0, stride = 1;
      for (std::size_t k = from.size(); k-- > 0;) {
        const auto size = static_cast<std::size_t>(from[k]);
        if (size != 1) at += rest % size * stride;
        rest /= static_cast<std::size_t>(dims[missing + k]);
        stride *= size;
      }
      result[i] = values[at];
    }
    return result;
  }

  // A number for each feature, or one for all.
  std::vector<double> row(const Tensor& tensor) const {
    auto values = numbers(tensor);
    const auto n = static_cast<double>(n_);
    const bool is_row = tensor.dims.empty() || tensor.dims.back() == static_cast<double>(values.size());
    if (!is_row || (values.size() != 1 && static_cast<double>(values.size()) != n)) {
      fail(tensor, message({"expected a row of ", n_, " numbers, found ", values.size(),
                            (is_row ? "" : " in another shape")}));
    }
    return values;
  }

  std::vector<double> repeated(std::vector<double> values) const {
    graph_.spend(static_cast<std::size_t>(n_));
    values.resize(static_cast<std::size_t>(n_), values.front());
    return values;
  }

  void append_vector(std::deque<double>& to, const Tensor* tensor, double otherwise) const {
    check_room(static_cast<std::size_t>(n_));
    const auto values = repeated(tensor != nullptr ? row(*tensor) : std::vector{otherwise});
    to.insert(to.end(), values.begin(), values.end());
  }

  // Of numbers that are one for all, or one for each.
  static double at(const std::vector<double>& values, std::size_t k) {
    return values[values.size() == 1 ? 0 : k];
  }

  void add_to_bias(const std::vector<double>& values, double factor) {
    const auto n = static_cast<std::size_t>(n_), begin = parameters_.size() - n;
    graph_.spend(n);
    for (std::size_t o = 0; o < n; ++o) parameters_[begin + o] += factor * at(values, o);
  }

  // z op c, of the outputs of a Dense layer; where there is none, of one with weights 1 in its diagonal.
  void scale_outputs(char op, const std::vector<double>& c) {
    if (!ends_linear()) {
      before_ = n_;
      source_.resize(static_cast<std::size_t>(n_));
      std::iota(source_.begin(), source_.end(), Index{0});
      flush();
    }
    if (op == '+' || op == '-') return add_to_bias(c, op == '+' ? 1 : -1);
    graph_.spend(dense_size());
    each_weight([&](double& w, std::size_t o) { op == '*' ? w *= at(c, o) : w /= at(c, o); }, true);
  }

  // Changes z = (x - mean) / scale + low to y = z op c, which has the same form.
  void scale(const Match& m, char op, const std::vector<double>& c) {
    flush();
    if (!is_in_front_) return scale_outputs(op, c);
    graph_.spend(static_cast<std::size_t>(n_));
    if (mean_.empty()) {
      check_room(2 * static_cast<std::size_t>(n_));
      mean_ = repeated({0});
      scale_ = repeated({1});
    }
    const double low = std::exchange(low_, std::nullopt).value_or(0);
    const bool is_low = op == '+' && c.size() == 1;
    if (is_low) low_ = low + c[0];
    if (low_ && !(std::abs(*low_) <= largest_)) fail(m, "expected sums in the range of the scalar type");
    for (std::size_t i = 0; i < mean_.size() && !is_low; ++i) {
      const double c_i = at(c, i);
      mean_[i] -= low * scale_[i];
      if (op == '-') mean_[i] += c_i * scale_[i];
      if (op == '+') mean_[i] -= c_i * scale_[i];
      if (op == '*') scale_[i] /= c_i;
      if (op == '/') scale_[i] *= c_i;
    }
  }

  void check_is_flat(const Match& m) const {
    if (!dims_.empty() && dims_.back() != static_cast<double>(n_))
      fail(m, "expected an input of shape [N, features], or a Flatten before, found another");
  }

  void end_with(const Match& m, AnyLoss loss) {
    check_is_flat(m);
    flush();
    if (!loss_) loss_ = std::move(loss);
    end_ = m.node;
  }

  template <class L>
  void append(L layer) {
    layers_.emplace_back(std::move(layer));
    dense_inputs_ = 0;
    dense_activation_.reset();
    is_in_front_ = false;
  }

  // One name for each output, or two for a single output, all different: they are the keys of a map.
  template <class Name>
  void set_classes(const Match& m, const std::vector<Name>& names, auto&& text) {
    const std::size_t expected = n_ == 1 ? 2 : static_cast<std::size_t>(n_);
    if (names.size() != expected) {
      fail(m, message({"expected ", expected, " names of classes, found ", names.size()}));
    }
    std::vector<Name> sorted = names;
    std::sort(sorted.begin(), sorted.end());
    if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
      fail(m, "expected names of classes that differ, found one twice");
    }
    classes_.clear();
    classes_.reserve(names.size());
    for (const Name& name : names) classes_.push_back(text(name));
  }

  std::vector<std::string> names(const std::string& prefix) const {
    std::vector<std::string> result;
    for (;;) {
      const auto found = graph_.metadata().find(prefix + std::to_string(result.size()));
      if (found == graph_.metadata().end()) return result;
      result.emplace_back(found->second);
    }
  }

  template <class S>
  static Vector<S> vector_of(const std::vector<double>& values) {
    return Eigen::Map<const Vector<double>>(values.data(), static_cast<Index>(values.size()))
        .template cast<S>();
  }

  const Graph& graph_;
  double largest_;
  std::size_t most_numbers_;

  std::vector<char> needed_;   // the nodes that the output depends on
  Index n_ = 0;                // features at this point
  std::vector<double> dims_;   // their shape, or empty if they are a row
  bool is_vector_ = false;     // the input is one sample, without a dimension for a batch
  std::vector<Index> source_;  // the features are these of before_, which no layer has selected yet; or empty
  Index before_ = 0;
  Index dense_inputs_ = 0;  // of the last layer, if that is a DynamicDense
  std::optional<AnyActivation> dense_activation_;
  bool is_in_front_ = true;
  bool sums_to_one_ = false;
  int level_ = 0;              // of residual blocks
  const Node* end_ = nullptr;  // which only predictions may follow

  std::optional<AnyLoss> loss_;
  std::vector<AnyLayer> layers_;
  std::deque<double> parameters_, state_;  // a vector that grows takes three times its memory
  std::vector<double> mean_, scale_;
  std::optional<double> low_;
  std::vector<std::string> classes_, features_;
};

}  // namespace mlp::inline MLP_ABI::detail::onnx
