#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/printable.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/dynamic/architecture.hpp>
#include <mlp/dynamic/dynamic_mlp.hpp>
#include <mlp/io/model.hpp>
#include <mlp/io/onnx/builder.hpp>
#include <mlp/io/onnx/graph.hpp>
#include <mlp/io/onnx/pattern.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <list>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace mlp::inline MLP_ABI::detail::onnx {

// Where a pattern is part of another, the larger comes first. The forms are those of PyTorch's exporter and
// other common ones.
inline constexpr Rule rules[] = {
    {"Identity(x)", &Builder::nothing, Rule::Role::pass},
    {"Cast(x)", &Builder::cast, Rule::Role::pass},
    {"Flatten@1(x)", &Builder::flatten, Rule::Role::pass},
    {"Flatten@0(x)", &Builder::flatten, Rule::Role::pass},  // of one sample
    {"Concat(x)", &Builder::nothing, Rule::Role::pass},
    {"Squeeze(x)", &Builder::squeeze, Rule::Role::pass},
    {"Squeeze(x, a)", &Builder::squeeze, Rule::Role::pass},
    {"Unsqueeze(x)", &Builder::squeeze, Rule::Role::pass},
    {"Unsqueeze(x, a)", &Builder::squeeze, Rule::Role::pass},
    {"DequantizeLinear(QuantizeLinear(x, a, b), c, d)", &Builder::nothing, Rule::Role::pass},
    {"Reshape(x, s)", &Builder::reshape<true>, Rule::Role::pass},
    {"Reshape(x, Concat@0(Unsqueeze(Gather@0(Shape(x), 0), 0), s))", &Builder::reshape<false>,
     Rule::Role::pass},
    {"Reshape(x, Concat@0(Unsqueeze@0(Gather@0(Shape(x), 0)), s))", &Builder::reshape<false>,
     Rule::Role::pass},

    {"Transpose(x)", &Builder::transpose},
    {"Split.*@1(x)", &Builder::split},
    {"Split.*@1(x, s)", &Builder::split},
    {"Slice(x)", &Builder::slice},
    {"Slice(x, s, e)", &Builder::slice},
    {"Slice(x, s, e, a)", &Builder::slice},
    {"Slice(x, s, e, a, t)", &Builder::slice},
    {"Gather@1(x, i)", &Builder::gather},

    {"Gemm(x, w)", &Builder::linear},
    {"Gemm(x, w, b)", &Builder::linear},
    {"MatMul(x, w)", &Builder::linear},
    {"MatMul(w, x)", &Builder::linear_from_left},
    {"Add(Gemm(x, w, b), Gemm(x, v, c))", &Builder::sum_of_linear},
    {"Add(MatMul(x, w), MatMul(x, v))", &Builder::sum_of_linear},
    {"Mul(Cast(MatMulInteger(DynamicQuantizeLinear.0(x), w, DynamicQuantizeLinear.2(x), z)), "
     "Mul(DynamicQuantizeLinear.1(x), s))",
     &Builder::quantized_linear},
    {"LinearRegressor(x)", &Builder::linear_regressor},
    {"Dropout(x)", &Builder::dropout},
    {"Dropout(x, p)", &Builder::dropout},
    {"Dropout(x, p, t)", &Builder::dropout},
    {"BatchNormalization(x, g, b, m, v)", &Builder::batch_norm},
    {"LayerNormalization@1(x, g)", &Builder::layer_norm},
    {"LayerNormalization@1(x, g, b)", &Builder::layer_norm},
    {"Add(Mul(Div(Sub(x, ReduceMean@1(x)), Sqrt(Add(ReduceMean@1(Pow(Sub(x, ReduceMean@1(x)), 2)), e))), g), "
     "b)",
     &Builder::layer_norm},
    {"Mul(Div(Sub(x, ReduceMean@1(x)), Sqrt(Add(ReduceMean@1(Pow(Sub(x, ReduceMean@1(x)), 2)), e))), g)",
     &Builder::layer_norm},
    {"Div(Sub(x, ReduceMean@1(x)), Sqrt(Add(ReduceMean@1(Pow(Sub(x, ReduceMean@1(x)), 2)), e)))",
     &Builder::layer_norm},

    {"Relu(x)", &Builder::activation<ReLU>},
    {"LeakyRelu(x)", &Builder::leaky_relu},
    {"PRelu(x, a)", &Builder::leaky_relu},
    {"Elu(x)", &Builder::elu},
    {"Selu(x)", &Builder::selu},
    {"Sigmoid(x)", &Builder::activation<Sigmoid>},
    {"Tanh(x)", &Builder::activation<Tanh>},
    {"Softsign(x)", &Builder::activation<Softsign>},
    {"Div(x, Add(Abs(x), 1))", &Builder::activation<Softsign>},
    {"Softplus(x)", &Builder::activation<Softplus>},
    {"Div(Softplus(Mul(x, a)), b)", &Builder::softplus},
    {"Clip(x)", &Builder::hard_tanh},
    {"Clip(x, a)", &Builder::hard_tanh},
    {"Clip(x, a, b)", &Builder::hard_tanh},
    {"Clip(x, _, b)", &Builder::hard_tanh},
    {"Mul(x, Sigmoid(x))", &Builder::activation<SiLU>},
    {"Mul(x, Tanh(Softplus(x)))", &Builder::activation<Mish>},
    {"Mish(x)", &Builder::activation<Mish>},
    {"Gelu(x)", &Builder::gelu},
    {"Mul(Mul(x, Add(Erf(Div(x, 1.41421)), 1)), 0.5)", &Builder::gelu},
    {"Mul(Mul(x, 0.5), Add(Erf(Div(x, 1.41421)), 1))", &Builder::gelu},
    {"Mul(Mul(x, Add(Erf(Mul(x, 0.70711)), 1)), 0.5)", &Builder::gelu},
    {"Mul(Mul(x, 0.5), Add(Erf(Mul(x, 0.70711)), 1))", &Builder::gelu},
    {"Mul(Mul(x, Add(Tanh(Mul(Add(x, Mul(Mul(x, Mul(x, x)), 0.044715)), 0.79788)), 1)), 0.5)",
     &Builder::gelu_tanh},
    {"Mul(Mul(x, 0.5), Add(Tanh(Mul(Add(x, Mul(Mul(x, Mul(x, x)), 0.044715)), 0.79788)), 1))",
     &Builder::gelu_tanh},
    {"Mul(Mul(x, Add(Tanh(Mul(Add(x, Mul(Pow(x, 3), 0.044715)), 0.79788)), 1)), 0.5)", &Builder::gelu_tanh},
    {"Mul(Mul(x, 0.5), Add(Tanh(Mul(Add(x, Mul(Pow(x, 3), 0.044715)), 0.79788)), 1))", &Builder::gelu_tanh},

    {"Add(x, c)", &Builder::arithmetic<'+'>},
    {"Sub(x, c)", &Builder::arithmetic<'-'>},
    {"Mul(x, c)", &Builder::arithmetic<'*'>},
    {"Div(x, c)", &Builder::arithmetic<'/'>},
    {"Scaler(x)", &Builder::scaler},

    {"Softmax@1(x)", &Builder::prediction<SoftmaxCrossEntropy>, Rule::Role::prediction},
    {"LogSoftmax@1(x)", &Builder::prediction<SoftmaxCrossEntropy>, Rule::Role::prediction},
    {"Log(Softmax@1(x))", &Builder::prediction<SoftmaxCrossEntropy>, Rule::Role::prediction},
    {"LinearClassifier.1(x)", &Builder::linear_classifier, Rule::Role::prediction},
    {"Exp(x)", &Builder::prediction<PoissonNLL>, Rule::Role::prediction},
    {"Concat@1(Split.0@1(x, s), Add(Exp(Split.1@1(x, s)), e))", &Builder::gaussian, Rule::Role::prediction},
    {"Concat@1(Sub(1, x), x)", &Builder::both_classes, Rule::Role::after},
    {"Normalizer(x)", &Builder::normalizer, Rule::Role::after},
    {"ZipMap(x)", &Builder::zip_map, Rule::Role::after},
    {"ArgMax(x)", &Builder::largest, Rule::Role::after},
};
inline constexpr Rule sigmoid_prediction = {"Sigmoid(x)", &Builder::prediction<BinaryCrossEntropy>,
                                            Rule::Role::prediction};

// Whether a pattern contains this operator.
inline bool is_known(std::string_view op) {
  const auto is_letter = [](char c) { return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'); };
  if (op.size() < 2 || !std::all_of(op.begin(), op.end(), is_letter)) return false;
  for (const Rule& rule : rules) {
    const std::string_view pattern = rule.pattern;
    for (std::size_t i = pattern.find(op); i != std::string_view::npos; i = pattern.find(op, i + 1)) {
      const std::size_t end = i + op.size();
      if ((i == 0 || !is_letter(pattern[i - 1])) && (end == pattern.size() || !is_letter(pattern[end])))
        return true;
    }
  }
  return false;
}

// Why no multi-layer perceptron has this operator.
inline const char* kind_of(const Node& node) {
  const auto is_one_of = [&](auto... ops) { return ((node.op == ops) || ...); };
  if (node.op.starts_with("Random") || is_one_of("Multinomial", "Bernoulli")) return "one of random numbers";
  if (is_one_of("LSTM", "GRU", "RNN")) return "one that remembers earlier samples";
  if (node.op.find("Conv") != std::string_view::npos || node.op.ends_with("Pool"))
    return "one of convolutions";
  return "another";
}

// Names the first node that no multi-layer perceptron has or, if there is none, this one.
inline void Builder::fail_unknown(const Node& node) const {
  for (std::size_t i = 0; i < needed_.size(); ++i) {
    const Node& each = graph_.nodes()[i];
    if (needed_[i] == 0 || (is_known(each.op) && (each.domain.empty() || each.domain == "ai.onnx.ml")))
      continue;
    graph_.fail(each, message({"expected an operator of a multi-layer perceptron, found ", kind_of(each)}));
  }
  graph_.fail(node, "expected a form that multi-layer perceptrons have, found another");
}

inline bool is_prediction(const Rule* rule) {
  return rule != nullptr && (rule->role == Rule::Role::prediction || rule->role == Rule::Role::after);
}

inline std::list<Builder::Step> Builder::walk(std::string_view from, std::string_view to, int level) const {
  const std::string_view start = from;
  const Index end = graph_.origin(to).position;
  std::list<Step> steps;
  while (from != to) {
    const Graph::Origin origin = graph_.origin(from);
    if (origin.node == nullptr || origin.position <= end) {
      graph_.fail(
          message({"expected a path from ", in_quotes(start), " back to ", in_quotes(to), ", found none"}));
    }
    Step& step = steps.emplace_back(Step{nullptr, {.node = origin.node}});
    for (const Rule& rule : rules) {
      if (step.rule == nullptr && matches_node(graph_, rule.pattern, origin, step.match)) step.rule = &rule;
    }
    const auto& terms = origin.node->inputs;
    if (step.rule == nullptr && origin.node->op == "Add" && origin.node->domain.empty() &&
        terms.size() == 2 && graph_.constant(terms[0]) == nullptr && graph_.constant(terms[1]) == nullptr) {
      if (level == most_levels) {
        graph_.fail(*origin.node, message({"expected no more than ", most_levels, " sums within another"}));
      }
      const bool is_second = graph_.origin(terms[1]).position > graph_.origin(terms[0]).position;
      step.match.x = terms[is_second ? 0 : 1];
      step.branch = walk(terms[is_second ? 1 : 0], step.match.x, level + 1);
    } else if (step.rule == nullptr) {
      fail_unknown(*origin.node);
    }
    from = step.match.x;
  }
  return steps;
}

inline void Builder::run(std::list<Step>& steps) {
  layers_.reserve(steps.size());
  for (; !steps.empty(); steps.pop_back()) {
    Step* const step = &steps.back();
    const Node& node = *step->match.node;
    const bool may_follow_end = step->rule != nullptr && (step->rule->role == Rule::Role::pass ||
                                                          step->rule->role == Rule::Role::after);
    if (end_ != nullptr && !may_follow_end)
      graph_.fail(*end_, message({"expected nothing but predictions after it, found ", label(node)}));
    if (level_ > 0 && is_prediction(step->rule))
      graph_.fail(node, "expected it as the last operator, found it in a branch");
    try {
      if (step->rule != nullptr) (this->*step->rule->build)(step->match);
      else run_branch(step->branch);
    } catch (const std::invalid_argument& error) {
      graph_.fail(node, error.what());
    }
  }
}

inline void Builder::run_branch(std::list<Step>& branch) {
  flush();
  const Index n = n_;
  std::vector<AnyLayer> outer = std::exchange(layers_, {});
  dense_inputs_ = 0;
  is_in_front_ = false;
  ++level_;
  run(branch);
  flush();
  --level_;
  if (n_ != n) throw_unequal("sum", n, " features on both sides", n_);
  if (layers_.empty()) layers_.emplace_back(Activate<Dynamic, AnyActivation>(n_, Identity{}));
  std::vector<AnyLayer> inner = std::exchange(layers_, std::move(outer));
  append(Residual<Sequential>(Sequential(std::move(inner))));
}

// A list of names for a message.
inline void add_name(std::string& list, std::string_view name) {
  constexpr std::size_t enough = 200;
  if (list.size() < enough) list += (list.empty() ? "" : ", ") + in_quotes(name);
}

// What a value depends on: 0 on no input, 1 if it is an input unchanged, 2 if it is computed from inputs.
inline std::vector<char> dependence(const Graph& graph) {
  std::vector<char> found(graph.nodes().size(), 0);
  for (std::size_t i = 0; i < found.size(); ++i) {
    const Node& node = graph.nodes()[i];
    if (node.op == "Shape") continue;
    for (const std::string_view input : node.inputs) {
      if (input.empty() || graph.constant(input) != nullptr) continue;
      const Index from = graph.origin(input).position;
      found[i] = (std::max)(found[i], from < 0 ? char{1} : found[static_cast<std::size_t>(from)]);
    }
    if (found[i] == 1 && node.op != "Identity" && node.op != "Cast") found[i] = 2;
  }
  return found;
}

inline std::string_view Builder::output(std::string_view wanted) const {
  const auto& outputs = graph_.outputs();
  std::string names;
  for (const Value& each : outputs) {
    if (wanted.empty() ? outputs.size() == 1 : each.name == wanted) return each.name;
    add_name(names, each.name);
  }
  if (names.empty()) names = "none";
  if (!wanted.empty()) graph_.fail(message({"expected an output ", in_quotes(wanted), ", found ", names}));
  for (const Value& each : outputs) {
    // The names in scikit-learn's converter, beside the label.
    const std::string_view name = each.name;
    if (name == "probabilities" || name == "output_probability" || name == "variable") return name;
  }
  const std::vector<char> kinds = dependence(graph_);
  const Value* computed = nullptr;
  int count = 0;
  for (const Value& each : outputs) {
    const Index from = graph_.origin(each.name).position;
    if (from < 0 || kinds[static_cast<std::size_t>(from)] != 2) continue;
    computed = &each;
    ++count;
  }
  if (count == 1) return computed->name;
  graph_.fail(message(
      {"expected one output, one called probabilities, or the name of one in the options, found ", names}));
}

// The nodes and inputs of the graph that a value depends on.
inline std::set<std::string_view> Builder::find_needed(std::string_view value) {
  std::set<std::string_view> inputs;
  needed_.assign(graph_.nodes().size(), 0);
  const auto need = [&](std::string_view from) {
    if (from.empty() || graph_.constant(from) != nullptr) return;
    const Index position = graph_.origin(from).position;
    if (position < 0) inputs.insert(from);
    else needed_[static_cast<std::size_t>(position)] = 1;
  };
  need(value);
  for (std::size_t i = needed_.size(); i-- > 0;) {
    if (needed_[i] == 0) continue;
    for (const std::string_view from : graph_.nodes()[i].inputs) need(from);
  }
  return inputs;
}

// The input that a value is, through nodes that leave samples unchanged; or an empty name.
inline std::string_view Builder::input_behind(std::string_view value) const {
  constexpr int most_steps = 8;
  for (int step = 0; step < most_steps; ++step) {
    const Node* const node = graph_.origin(value).node;
    if (graph_.constant(value) != nullptr) return {};
    if (node == nullptr) return value;
    const bool is_pass = node->op == "Identity" || node->op == "Flatten" || node->is_cast_to_real();
    if (!is_pass || node->inputs.size() != 1) return {};
    value = node->inputs[0];
  }
  return {};
}

inline void Builder::set_size(double size) {
  if (!(size > 0)) graph_.fail("expected an input of a known size, found none");
  if (!(size <= static_cast<double>(most_numbers_))) {
    graph_.fail(message(
        {"expected an input of no more features than the file has bytes, found ", Graph::number_text(size)}));
  }
  n_ = static_cast<Index>(size);
}

// The value that the network starts from: the input that the output depends on, or the Concat of several.
inline std::string_view Builder::input(std::string_view output) {
  const std::set<std::string_view> names = find_needed(output);
  std::map<std::string_view, const Value*> used;
  for (const Value& each : graph_.inputs()) {
    if (!names.contains(each.name)) continue;
    used.emplace(each.name, &each);
    if (each.type == strings) graph_.fail("expected an input of numbers, found text");
    if (each.has_shape && each.dims.empty()) {
      graph_.fail("expected an input of shape [N, features] or [features], found 0 dimensions");
    }
  }
  if (used.empty()) graph_.fail("expected an output that depends on an input, found none");
  const auto size_of = [&](const std::vector<double>& dims) {
    double size = dims.empty() ? 0 : 1;
    for (std::size_t i = dims.size() == 1 ? 0 : 1; i < dims.size(); ++i) size *= (std::max)(dims[i], 0.);
    return size;
  };
  if (used.size() == 1) {
    const Value& only = *used.begin()->second;
    is_vector_ = only.dims.size() == 1;
    if (only.dims.size() > 2) dims_.assign(only.dims.begin() + 1, only.dims.end());
    if (const double size = size_of(only.dims); size > 0) set_size(size);
    return only.name;
  }
  std::string found;
  for (const auto& [name, value] : used) add_name(found, name);
  for (std::size_t i = 0; i < needed_.size(); ++i) {
    const Node& node = graph_.nodes()[i];
    if (needed_[i] == 0 || node.op != "Concat" || !is_along(node, 1) || node.inputs.size() != used.size())
      continue;
    std::map<std::string_view, const Value*> left = used;
    double size = 0;
    features_.clear();
    for (const std::string_view from : node.inputs) {
      const auto at = left.find(input_behind(from));
      if (at == left.end()) break;
      const double features = size_of(at->second->dims);
      if (!(features > 0))
        graph_.fail(message({"input ", in_quotes(at->first), ": expected a known size, found none"}));
      set_size(size += features);
      const std::string name = printable(at->first);
      const bool has_room = 3 * static_cast<std::uint64_t>(n_) <= graph_.size();  // memory
      for (Index k = 0; has_room && k < static_cast<Index>(features); ++k) {
        features_.push_back(features == 1 ? name : name + "." + std::to_string(k));
      }
      left.erase(at);
    }
    if (features_.size() != static_cast<std::size_t>(n_)) features_.clear();
    if (left.empty()) return node.outputs.front();
  }
  graph_.fail(message({"expected one input, or several that a Concat joins first, found ", found}));
}

// The number of features that the first layer with parameters takes, or 0 if there is none.
inline double Builder::size_before(const std::list<Step>& steps) const {
  double size = 0;
  for (auto step = steps.rbegin(); step != steps.rend() && !(size > 0); ++step) {
    const Match& m = step->match;
    if (step->rule == nullptr) {
      size = size_before(step->branch);
    } else if (const Tensor* const w = m.constant('w'); w != nullptr && w->dims.size() == 2) {
      const bool is_sum = step->rule->build == &Builder::sum_of_linear;
      const Node& node = is_sum ? *graph_.origin(m.node->inputs[0]).node : *m.node;
      const bool is_out_by_in =
          step->rule->build == &Builder::linear_from_left || number(node, "transB", 0) != 0;
      size = w->dims[is_out_by_in ? 1 : 0];
    } else if (const Tensor* const g = m.constant('g'); g != nullptr && !g->dims.empty()) {
      size = g->dims.back();
    }
  }
  return size;
}

// The operator that a loss's predictions end with.
inline std::string_view link_of(const AnyLoss& loss) {
  std::string_view op;
  loss.visit([&op]<class L>(const L& chosen) {
    if constexpr (std::is_same_v<L, SoftmaxCrossEntropy>) op = "Softmax";
    if constexpr (std::is_same_v<L, BinaryCrossEntropy>) op = "Sigmoid";
    if constexpr (std::is_same_v<L, GaussianNLL>) op = "Concat";
    if constexpr (std::is_same_v<L, PoissonNLL>) op = chosen.log_input ? "Exp" : "";
  });
  return op;
}

// Finds the loss that metadata_props name, or else the one whose predictions end as these do.
inline void Builder::find_loss(std::list<Step>& steps) {
  const auto last = std::find_if(steps.begin(), steps.end(), [](const Step& step) {
    return step.rule == nullptr || step.rule->role == Rule::Role::layer ||
           step.rule->role == Rule::Role::prediction;
  });
  const bool is_link = last != steps.end() && is_prediction(last->rule);
  const bool is_sigmoid = last != steps.end() && last->rule != nullptr &&
                          last->rule->pattern == std::string_view(sigmoid_prediction.pattern);
  if (const auto named = graph_.metadata().find("mlp.loss"); named != graph_.metadata().end()) {
    loss_ = AnyLoss::read(PartParser(named->second).parse());
    const std::string_view expected = link_of(*loss_);
    const std::string_view found = is_link || (is_sigmoid && !expected.empty()) ? last->match.node->op : "";
    if (found != expected) {
      graph_.fail(message({"expected the predictions of ", in_quotes(named->second), " to end with ",
                           in_quotes(expected), ", found ", in_quotes(found)}));
    }
    if (expected.empty()) return;
  }
  if (is_sigmoid) last->rule = &sigmoid_prediction;
}

inline void Builder::build(std::string_view wanted) {
  const std::string_view to = output(wanted), from = input(to);
  std::list<Step> steps = walk(to, from, 0);
  if (n_ == 0) set_size(size_before(steps));
  find_loss(steps);
  run(steps);
  flush();
  if (layers_.empty()) layers_.emplace_back(Activate<Dynamic, AnyActivation>(n_, Identity{}));
  if (!loss_) loss_ = MeanSquaredError{};
}

/// Errors: std::runtime_error naming the file, and the node, operator or tensor that is at fault.
template <class S>
Model<S> read_model(std::string_view bytes, const std::string& file, std::string_view output = {},
                    ExternalFiles* external = nullptr) {
  const auto read_parts = [&] {
    const Graph graph(bytes, file, external);
    Builder builder(graph, static_cast<double>((std::numeric_limits<S>::max)()));
    builder.build(output);
    return builder.take_parts<S>();
  };
  try {
    Parts<S> parts = read_parts();  // the graph's memory is free by now
    Model<S> model{BasicDynamicMlp<S>(std::move(parts.loss), Sequential(std::move(parts.layers))),
                   std::move(parts.info)};
    const auto fill = [](auto&& to, const std::deque<double>& values) {
      std::transform(values.begin(), values.end(), to.data(), [](double v) { return static_cast<S>(v); });
      if (!to.allFinite()) {
        raise<std::invalid_argument>("expected parameters in the range of the scalar type, found others");
      }
    };
    fill(model.net.parameters(), parts.parameters);
    fill(model.net.state(), parts.state);
    model.info.validate(model.net.inputs(), model.net.outputs());
    return model;
  } catch (const std::invalid_argument& error) {
    raise<std::runtime_error>({file, ": ", error.what()});
  }
}

}  // namespace mlp::inline MLP_ABI::detail::onnx
