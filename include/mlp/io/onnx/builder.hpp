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
#include <optional>
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
  Builder(const Graph& graph, double largest, std::size_t most_numbers)
      : graph_(graph), largest_(largest), most_numbers_(most_numbers) {}

  /// Errors: std::runtime_error, or std::invalid_argument if an option of the loss is out of range.
  void build();

  template <class S>
  Parts<S> take_parts() {
    ModelInfo<S> info;
    info.features = names("mlp.feature.");
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

  double number(const Match& m, std::string_view attribute, double otherwise) const {
    const Attribute* const found = m.node->find(attribute);
    if (found == nullptr) return otherwise;
    const double value = found->first;  // proto3 omits a 0
    if (!(std::abs(value) <= largest_)) fail(m, message({"expected a finite number as ", attribute}));
    return found->is_float ? meant_by(value) : value;
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
  void expect(const Match& m, const char* attribute, double expected, double otherwise) const {
    if (const double found = number(m, attribute, otherwise); !(std::abs(found - expected) <= 1e-6)) {
      fail(m, message({"expected ", attribute, " = ", Graph::number_text(expected), ", found ",
                       Graph::number_text(found)}));
    }
  }
  bool says(const Match& m, std::string_view attribute, std::string_view value) const {
    const Attribute* const found = m.node->find(attribute);
    return found != nullptr && found->text == value;
  }

  void linear(const Match& m) {
    check_is_flat(m);
    expect(m, "transA", 0, 0);
    const Tensor& w = *m.constant('w');
    const auto values = numbers(w);
    if (w.dims.size() != 2 || values.empty()) fail(w, "expected a matrix of weights, found another shape");
    const bool is_out_by_in = number(m, "transB", 0) != 0;
    const auto rows = static_cast<Index>(w.dims[0]), cols = static_cast<Index>(w.dims[1]);
    const Index in = is_out_by_in ? cols : rows, out = is_out_by_in ? rows : cols;
    if (in != n_) {
      fail(w, message({"expected weights for ", n_, " inputs, found ", in}));
    }
    check_room(values.size() + static_cast<std::size_t>(out));
    // The layer's W is Out x In, column-major: for each input the weights to all outputs.
    const double alpha = number(m, "alpha", 1);
    for (Index i = 0; i < in; ++i) {
      for (Index o = 0; o < out; ++o) {
        parameters_.push_back(alpha *
                              values[static_cast<std::size_t>(is_out_by_in ? o * in + i : i * out + o)]);
      }
    }
    // -0 + b is b with the same bits, even for b = -0.
    parameters_.resize(parameters_.size() + static_cast<std::size_t>(out),
                       m.constant('b') != nullptr ? -0.0 : 0.0);
    add(DynamicDense(in, out, Identity{}));
    n_ = out;
    dense_inputs_ = in;
    if (m.constant('b') != nullptr) add_to_bias(*m.constant('b'), number(m, "beta", 1));
  }

  // y = x op c: the bias that a MatMul lacks, or a scaler.
  template <char Op>
  void arithmetic(const Match& m) {
    check_is_flat(m);
    const Tensor& c = *m.constant('c');
    if (dense_inputs_ != 0 && (Op == '+' || Op == '-')) add_to_bias(c, Op == '+' ? 1 : -1);
    else scale(m, Op, row(c));
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
    expect(m, "alpha", SELU::alpha, SELU::alpha);
    expect(m, "gamma", SELU::lambda, SELU::lambda);
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
    if (dense_inputs_ == 0) return add(Activate<Dynamic, AnyActivation>(n_, f));
    layers_.back() = DynamicDense(dense_inputs_, n_, f);
    dense_inputs_ = 0;
  }

  void dropout(const Match& m) { add(Dropout<Dynamic>(n_, number(m, 'p', "ratio", 0.5))); }

  void layer_norm(const Match& m) {
    check_is_flat(m);
    append_vector(parameters_, m.constant('g'), 1);
    append_vector(parameters_, m.constant('b'), 0);
    add(LayerNorm<Dynamic>(n_, number(m, 'e', "epsilon", 1e-5)));
  }

  void batch_norm(const Match& m) {
    check_is_flat(m);
    expect(m, "training_mode", 0, 0);
    for (const char letter : {'g', 'b'}) append_vector(parameters_, m.constant(letter), 0);
    for (const char letter : {'m', 'v'}) append_vector(state_, m.constant(letter), 0);
    if (std::any_of(state_.end() - n_, state_.end(), [](double variance) { return variance < 0; })) {
      fail(*m.constant('v'), "expected variances >= 0, found another");
    }
    // The share of the old value in ONNX, of the new one here.
    const double share = number(m, "momentum", 0.9), meant = meant_by(1 - share);
    const bool is_meant = static_cast<float>(1 - meant) == static_cast<float>(share);
    add(BatchNorm<Dynamic>(n_, number(m, "epsilon", 1e-5), is_meant ? meant : 1 - share));
  }

  void nothing(const Match&) {}
  void cast(const Match& m) {
    if (!m.node->is_cast_to_real()) fail(m, "expected a cast to float or double, found another");
  }

  // Samples become rows, with their features in order.
  void flatten(const Match&) { is_flat_ = true; }

  // To the shape s, or to N followed by s.
  template <bool IsWhole>
  void reshape(const Match& m) {
    const auto shape = numbers(*m.constant('s'));
    const std::size_t rank = shape.size() + (IsWhole ? 0 : 1);
    const auto is_n = [&](double size) { return size == static_cast<double>(n_); };
    const bool is_right =
        (rank == 1 && n_ == 1) || (rank == 2 && (is_n(shape.back()) || shape == std::vector{-1.}));
    const bool infers_features = shape.size() == 2 && shape[1] == -1 && shape[0] != -1;
    if (!is_right && !infers_features) fail(m, "expected a shape of [N, features], found another");
    is_flat_ = true;
  }

  template <class L>
  void prediction(const Match& m) {
    end_with(m, L{});
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
  }

  void zip_map(const Match& m) {
    if (const Attribute* const texts = m.node->find("classlabels_strings")) {
      std::vector<std::string_view> names;
      texts->each_text([&](std::string_view name) { names.push_back(name); });
      set_classes(m, names, [](std::string_view name) { return std::string(name); });
    }
    if (const Attribute* const integers = m.node->find("classlabels_int64s")) {
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

  std::list<Step> walk(std::string_view from, std::string_view to, int level) const;
  void run(std::list<Step>& steps);  // empties the list
  void run_branch(std::list<Step>& branch);
  const Value& input() const;
  std::string_view output() const;
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

  void add_to_bias(const Tensor& tensor, double factor) {
    const auto values = repeated(row(tensor));
    const std::size_t begin = parameters_.size() - values.size();
    for (std::size_t i = 0; i < values.size(); ++i) parameters_[begin + i] += factor * values[i];
  }

  // Changes z = (x - mean) / scale + low to y = z op c, which has the same form.
  void scale(const Match& m, char op, const std::vector<double>& c) {
    if (!is_in_front_)
      fail(m, "expected arithmetic with constants ahead of the first layer or after a MatMul");
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
      const double c_i = c[c.size() == 1 ? 0 : i];
      mean_[i] -= low * scale_[i];
      if (op == '-') mean_[i] += c_i * scale_[i];
      if (op == '+') mean_[i] -= c_i * scale_[i];
      if (op == '*') scale_[i] /= c_i;
      if (op == '/') scale_[i] *= c_i;
    }
  }

  void check_is_flat(const Match& m) const {
    if (!is_flat_) fail(m, "expected an input of shape [N, features], or a Flatten before, found another");
  }

  void end_with(const Match& m, AnyLoss loss) {
    check_is_flat(m);
    if (!loss_) loss_ = std::move(loss);
    end_ = m.node;
  }

  template <class L>
  void add(const L& layer) {
    layers_.emplace_back(layer);
    dense_inputs_ = 0;
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

  Index n_ = 0;             // features at this point
  Index dense_inputs_ = 0;  // of the last layer, if that is a DynamicDense without an activation
  bool is_flat_ = false;
  bool is_in_front_ = true;
  int level_ = 0;              // of residual blocks
  const Node* end_ = nullptr;  // which only predictions may follow

  std::optional<AnyLoss> loss_;
  std::vector<AnyLayer> layers_;
  std::deque<double> parameters_, state_;  // a vector that grows takes three times its memory
  std::vector<double> mean_, scale_;
  std::optional<double> low_;
  std::vector<std::string> classes_;
};

}  // namespace mlp::inline MLP_ABI::detail::onnx
