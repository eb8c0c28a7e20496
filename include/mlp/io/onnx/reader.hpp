#pragma once

#include <mlp/base/errors.hpp>
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
#include <deque>
#include <limits>
#include <list>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

namespace mlp::inline MLP_ABI::detail::onnx {

// Where a pattern is part of another, the larger comes first. The forms are those of PyTorch's exporter and
// other common ones.
inline constexpr Rule rules[] = {
    {"Identity(x)", &Builder::nothing, Rule::Role::pass},
    {"Cast(x)", &Builder::cast, Rule::Role::pass},
    {"Flatten@1(x)", &Builder::flatten, Rule::Role::pass},
    {"Reshape(x, s)", &Builder::reshape<true>, Rule::Role::pass},
    {"Reshape(x, Concat@0(Unsqueeze(Gather@0(Shape(x), 0), 0), s))", &Builder::reshape<false>,
     Rule::Role::pass},
    {"Reshape(x, Concat@0(Unsqueeze@0(Gather@0(Shape(x), 0)), s))", &Builder::reshape<false>,
     Rule::Role::pass},

    {"Gemm(x, w)", &Builder::linear},
    {"Gemm(x, w, b)", &Builder::linear},
    {"MatMul(x, w)", &Builder::linear},
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
    {"Exp(x)", &Builder::prediction<PoissonNLL>, Rule::Role::prediction},
    {"Concat@1(Split.0@1(x, s), Add(Exp(Split.1@1(x, s)), e))", &Builder::gaussian, Rule::Role::prediction},
    {"Concat@1(Sub(1, x), x)", &Builder::both_classes, Rule::Role::after},
    {"ZipMap(x)", &Builder::zip_map, Rule::Role::after},
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

// A node with an unknown operator: this one, or one shortly before it.
inline const Node* find_stranger(const Graph& graph, const Node& node, int levels) {
  if (!is_known(node.op) || !(node.domain.empty() || node.domain == "ai.onnx.ml")) return &node;
  for (std::size_t i = 0; i < (std::min)(node.inputs.size(), std::size_t{2}) && levels > 0; ++i) {
    const Node* const before = graph.origin(node.inputs[i]).node;
    const Node* const found = before != nullptr ? find_stranger(graph, *before, levels - 1) : nullptr;
    if (found != nullptr) return found;
  }
  return nullptr;
}

[[noreturn]] inline void fail_unknown(const Graph& graph, const Node& node) {
  if (const Node* const stranger = find_stranger(graph, node, 3)) {
    graph.fail(*stranger, "expected an operator of a multi-layer perceptron, found another");
  }
  graph.fail(node, "expected a form that multi-layer perceptrons have, found another");
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
      fail_unknown(graph_, *origin.node);
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
  const Index n = n_;
  std::vector<AnyLayer> outer = std::exchange(layers_, {});
  dense_inputs_ = 0;
  is_in_front_ = false;
  ++level_;
  run(branch);
  --level_;
  if (n_ != n) throw_unequal("sum", n, " features on both sides", n_);
  if (layers_.empty()) layers_.emplace_back(Activate<Dynamic, AnyActivation>(n_, Identity{}));
  outer.emplace_back(Residual<Sequential>(Sequential(std::move(layers_))));
  layers_ = std::move(outer);
  dense_inputs_ = 0;
}

inline const Value& Builder::input() const {
  if (graph_.inputs().size() != 1) {
    graph_.fail(message({"expected one input, found ", graph_.inputs().size()}));
  }
  const Value& input = graph_.inputs().front();
  if (input.type == strings) graph_.fail("expected an input of numbers, found text");
  if (input.has_shape && input.dims.size() < 2) {
    graph_.fail(
        message({"expected an input of shape [N, features], found ", input.dims.size(), " dimensions"}));
  }
  return input;
}

inline std::string_view Builder::output() const {
  const auto& outputs = graph_.outputs();
  if (outputs.size() == 1) return outputs.front().name;
  std::string found;
  for (const auto& [name, type, has_shape, dims] : outputs) {
    // The names in scikit-learn's converter, beside the label.
    if (name == "probabilities" || name == "output_probability" || name == "variable") return name;
    if (found.size() < 200) found += (found.empty() ? "" : ", ") + in_quotes(name);
  }
  graph_.fail(
      message({"expected one output, or one called probabilities, found ", found.empty() ? "none" : found}));
}

// The number of features that the first layer with parameters takes, or 0 if there is none.
inline double Builder::size_before(const std::list<Step>& steps) const {
  double size = 0;
  for (auto step = steps.rbegin(); step != steps.rend() && !(size > 0); ++step) {
    const Match& m = step->match;
    if (step->rule == nullptr) {
      size = size_before(step->branch);
    } else if (const Tensor* const w = m.constant('w'); w != nullptr && w->dims.size() == 2) {
      size = w->dims[number(m, "transB", 0) != 0 ? 1 : 0];
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

inline void Builder::build() {
  const Value& from = input();
  std::list<Step> steps = walk(output(), from.name, 0);
  is_flat_ = from.dims.size() <= 2;
  double size = from.dims.empty() ? 0 : 1;
  for (std::size_t i = 1; i < from.dims.size(); ++i) size *= (std::max)(from.dims[i], 0.);
  if (!(size > 0)) size = size_before(steps);
  if (!(size > 0)) graph_.fail("expected an input of a known size, found none");
  if (!(size <= static_cast<double>(most_numbers_))) {
    graph_.fail(message(
        {"expected an input of no more features than the file has bytes, found ", Graph::number_text(size)}));
  }
  n_ = static_cast<Index>(size);
  find_loss(steps);
  run(steps);
  if (layers_.empty()) layers_.emplace_back(Activate<Dynamic, AnyActivation>(n_, Identity{}));
  if (!loss_) loss_ = MeanSquaredError{};
}

/// Errors: std::runtime_error naming the file, and the node, operator or tensor that is at fault.
template <class S>
Model<S> read_model(std::string_view bytes, const std::string& file) {
  constexpr std::size_t some = std::size_t{1} << 20;
  const auto read_parts = [&] {
    const Graph graph(bytes, file);
    Builder builder(graph, static_cast<double>((std::numeric_limits<S>::max)()), bytes.size() + some);
    builder.build();
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
