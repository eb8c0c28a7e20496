#pragma once

#include <mlp/base/number_text.hpp>
#include <mlp/io/onnx/graph.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

/// Finds nodes that belong together. A pattern reads as the expression that they compute:
///
///     Mul(Mul(x, Add(Erf(Div(x, 1.41421)), 1)), 0.5)        GELU
///
/// x is the input, another small letter a constant, a number a constant of that value, _ an omitted input,
/// Split.1(...) the output 1 of a node, Split.*(...) any of its outputs, Softmax@1(x) one along axis 1: samples are
/// rows, and features lie along axis 1. Add and Mul take their inputs in either order.
namespace mlp::inline MLP_ABI::detail::onnx {

struct Match {
  const Node* node = nullptr;  // whose output the pattern describes
  std::string_view x = {};
  // The most of any pattern. A file may have a match for each 20 bytes.
  static constexpr std::size_t most_constants = 4;
  std::array<char, most_constants> letters = {};
  std::uint16_t output = 0;  // the index among the node's outputs
  std::array<const Tensor*, most_constants> tensors = {};

  const Tensor* constant(char letter) const {
    const std::size_t i = slot(letter);
    return i < most_constants ? tensors[i] : nullptr;
  }
  void add_constant(char letter, const Tensor* tensor) {
    std::size_t i = slot(letter);
    if (i == most_constants) i = slot('\0');
    letters.at(i) = letter;
    tensors.at(i) = tensor;
  }

 private:
  std::size_t slot(char letter) const {
    return static_cast<std::size_t>(std::find(letters.begin(), letters.end(), letter) - letters.begin());
  }
};

// The parts of "a, f(b, c), d" between its outer commas.
inline std::vector<std::string_view> split_arguments(std::string_view text) {
  std::vector<std::string_view> parts;
  int level = 0;
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= text.size(); ++i) {
    if (i == text.size() || (text[i] == ',' && level == 0)) {
      parts.push_back(text.substr(begin, i - begin));
      begin = i + 2;
    } else {
      level += (text[i] == '(') - (text[i] == ')');
    }
  }
  return parts;
}

// Equal within the rounding of float16.
inline bool is_about(const Graph& graph, const Tensor& tensor, double expected) {
  if (tensor.raw.size() > 8 || tensor.numbers.count() > 1) return false;
  const auto found = graph.numbers(tensor, (std::numeric_limits<double>::max)());
  return found.size() == 1 && std::abs(found[0] - expected) <= 1e-3 * std::abs(expected);
}

inline bool matches(const Graph& graph, std::string_view pattern, std::string_view value, Match& match);

inline bool all_match(const Graph& graph, const std::vector<std::string_view>& patterns,
                      const std::vector<std::string_view>& values, Match& match) {
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (!matches(graph, patterns[i], values[i], match)) return false;
  }
  return true;
}

// Whether the node works along that axis; -1 means the last, which is 1.
inline bool is_along(const Node& node, double axis) {
  const Attribute* found = node.find("axis");
  if (found == nullptr) found = node.find("axes");
  if (found == nullptr) return axis == 0 || (node.op != "Split" && node.op != "ReduceMean");
  const Attribute* const keepdims = node.find("keepdims");
  return (keepdims == nullptr || keepdims->is_integer(1)) &&
         (found->is_integer(axis) || (axis == 1 && found->is_integer(-1)));
}

// Whether the node's output computes the pattern; if so, match holds the values of its letters.
inline bool matches_node(const Graph& graph, std::string_view pattern, const Graph::Origin& origin,
                         Match& match) {
  const std::size_t parenthesis = pattern.find('(');
  const std::string_view head = pattern.substr(0, parenthesis);
  const std::string_view op = head.substr(0, head.find_first_of(".@"));
  const auto digit_after = [&](char mark, int otherwise) {
    const std::size_t at = head.find(mark);
    return at == std::string_view::npos ? otherwise : head[at + 1] - '0';
  };
  const Node* const node = origin.node;
  constexpr int any = '*' - '0';
  const int output = digit_after('.', 0);
  if (node == nullptr || node->op != op || origin.output > (std::numeric_limits<std::uint16_t>::max)() ||
      (output != any && origin.output != static_cast<std::size_t>(output)))
    return false;
  if (const int axis = digit_after('@', -1); axis >= 0 && !is_along(*node, axis)) return false;
  if (!node->domain.empty() && node->domain != "ai.onnx.ml") return false;
  auto arguments = split_arguments(pattern.substr(parenthesis + 1, pattern.size() - parenthesis - 2));
  if (arguments.size() != node->inputs.size()) return false;
  Match attempt = match;
  if (!all_match(graph, arguments, node->inputs, attempt)) {
    if (op != "Add" && op != "Mul") return false;
    attempt = match;
    std::swap(arguments[0], arguments[1]);
    if (!all_match(graph, arguments, node->inputs, attempt)) return false;
  }
  match = attempt;
  match.node = node;
  match.output = static_cast<std::uint16_t>(origin.output);
  return true;
}

inline bool matches(const Graph& graph, std::string_view pattern, std::string_view value, Match& match) {
  const Tensor* const constant = graph.constant(value);
  if (pattern == "_") return value.empty();
  if (pattern == "x") {
    if (constant != nullptr || value.empty() || (!match.x.empty() && match.x != value)) return false;
    match.x = value;
    return true;
  }
  double number = 0;
  if (number_from_chars(pattern.data(), pattern.data() + pattern.size(), number).ec == std::errc()) {
    return constant != nullptr && is_about(graph, *constant, number);
  }
  if (pattern.size() == 1) {
    match.add_constant(pattern[0], constant);
    return constant != nullptr;
  }
  return constant == nullptr && matches_node(graph, pattern, graph.origin(value), match);
}

}  // namespace mlp::inline MLP_ABI::detail::onnx
