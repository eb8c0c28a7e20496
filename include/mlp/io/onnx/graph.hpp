#pragma once

#include <mlp/base/bit_cast.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/number_text.hpp>
#include <mlp/base/types.hpp>
#include <mlp/dynamic/architecture.hpp>
#include <mlp/io/bytes.hpp>
#include <mlp/io/file.hpp>
#include <mlp/io/onnx/external.hpp>
#include <mlp/io/onnx/message.hpp>

#include <protozero/exception.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace mlp::inline MLP_ABI::detail::onnx {

// The decimal number that a float was most likely meant to be: 0.1, not 0.100000001490116. It is rounded to
// the same float.
inline double meant_by(double value) {
  const std::string digits = shortest(static_cast<float>(value));
  double meant = value;
  number_from_chars(digits.data(), digits.data() + digits.size(), meant);
  return meant;
}

/// Errors: std::runtime_error unless a protobuf message may have this size.
inline void check_size(const std::string& file, std::uint64_t bytes) {
  if (bytes >= std::uint64_t{1} << 31) {
    file_error(file, "a file of less than 2 GB, the most that ONNX allows", message({bytes, " bytes"}));
  }
}

/// The graph of an ONNX file, checked as far as possible without knowledge of any operator.
class Graph {
 public:
  /// Without external files, a tensor must lie within the bytes.
  /// Errors: std::runtime_error naming the file, and the node or tensor if there is one.
  Graph(std::string_view bytes, std::string file, ExternalFiles* external)
      : file_(std::move(file)), size_(bytes.size()) {
    check_size(file_, bytes.size());
    try {
      message_ = read_message(bytes);
      if (external != nullptr) load_external(*external);
    } catch (const protozero::exception& error) {
      fail(message({"expected an ONNX model, found damaged data: ", error.what()}));
    } catch (const Refusal& refusal) {
      fail(refusal.what());
    }
    work_left_ = most_uses * size_ + (std::uint64_t{1} << 22);
    check_message();
    link_tensors();
    link_nodes();
  }
  Graph(const Graph&) = delete;
  Graph& operator=(const Graph&) = delete;

  /// The bytes of the file and of those beside it.
  std::uint64_t size() const { return size_; }
  const std::map<std::string_view, std::string_view>& metadata() const { return message_.metadata; }
  const std::deque<Node>& nodes() const { return message_.nodes; }
  const std::deque<Value>& inputs() const { return message_.inputs; }
  const std::deque<Value>& outputs() const { return message_.outputs; }

  /// Returns the constant of that name, or nullptr.
  const Tensor* constant(std::string_view value) const {
    const auto found = constants_.find(value);
    return found == constants_.end() ? nullptr : found->second;
  }

  /// The origin of a value: a node and the index of its output, or nullptr for an input of the graph.
  /// Nodes are sorted: what a node reads has a lower position than what it writes.
  struct Origin {
    const Node* node = nullptr;
    Index position = -1;
    std::size_t output = 0;
  };
  Origin origin(std::string_view value) const {
    const auto found = origins_.find(value);
    return found == origins_.end() ? Origin{} : found->second;
  }

  /// Errors: if the shape and the data disagree, or a number is nan, infinite, or larger than `largest`.
  std::vector<double> numbers(const Tensor& tensor, double largest) const {
    const std::string who = "tensor " + in_quotes(tensor.name) + ": expected ";
    if (tensor.is_external) fail(message({who, "its data within this file, found them in another"}));
    const int type = tensor.type;
    const std::size_t size = type == float32 || type == int32   ? 4
                             : type == float64 || type == int64 ? 8
                             : type == float16                  ? 2
                             : type == uint8 || type == int8    ? 1
                                                                : 0;
    if (size == 0) {
      fail(message(
          {who, "float, double, float16, int8, uint8, int32 or int64 numbers, found data type ", type}));
    }
    const std::size_t found = tensor.is_raw ? tensor.raw.size() / size : tensor.numbers.count();
    double expected = 1;
    for (const double dim : tensor.dims) {
      if (!(dim >= 0)) fail(message({who, "sizes >= 0, found ", number_text(dim)}));
      expected *= dim;
    }
    if (static_cast<double>(found) != expected || (tensor.is_raw && tensor.raw.size() % size != 0)) {
      fail(message({who, number_text(expected), " numbers, as its sizes say, found ",
                    (tensor.is_raw ? std::to_string(tensor.raw.size()) + " bytes" : std::to_string(found))}));
    }
    spend(tensor.is_raw ? found : tensor.numbers.bytes());
    std::vector<double> result(found);
    auto to = result.begin();
    const auto add = [&](double value) {
      if (!(std::abs(value) <= largest)) {
        fail(message({who, "finite numbers in the range of the scalar type, found ", number_text(value)}));
      }
      *to++ = value;
    };
    if (tensor.is_raw) {
      for (std::size_t i = 0; i < found; ++i) add(raw_number(tensor.raw.data() + i * size, type));
    } else {
      tensor.numbers.each([&](double value) {
        if (type != float16) return add(value);
        const bool are_bits = value >= 0 && value <= 0xFFFF;
        if (!are_bits) fail(message({who, "16 bits for a number, found ", number_text(value)}));
        add(double{from_half(static_cast<std::uint16_t>(value))});
      });
    }
    if (tensor.is_transposed) transpose(tensor, result);
    if (const auto found_scale = scales_.find(&tensor); found_scale != scales_.end()) {
      dequantize(tensor, found_scale->second, largest, result);
    }
    return result;
  }

  /// Counts the work on this many numbers. Many nodes, of a few bytes each, may use the same tensor; a
  /// network, whose parameters are no more than the file's bytes, needs each number only a few times.
  void spend(std::size_t numbers) const {
    if (numbers > work_left_) {
      fail(message({"expected tensors that are used up to ", most_uses,
                    " times, found some that are used more often"}));
    }
    work_left_ -= numbers;
  }

  static std::string number_text(double value) { return std::isnan(value) ? "nan" : shortest(value); }

  [[noreturn]] void fail(MessagePart what) const { raise<std::runtime_error>({file_, ": ", what}); }
  [[noreturn]] void fail(const Node& node, MessagePart what) const {
    fail(message({label(node), ": ", what}));
  }

 private:
  static constexpr std::uint64_t most_uses = 16;

  static double raw_number(const char* bytes, int type) {
    switch (type) {
      case float32:
        return double{detail::bit_cast<float>(from_little_endian<std::uint32_t>(bytes))};
      case float64:
        return detail::bit_cast<double>(from_little_endian<std::uint64_t>(bytes));
      case float16:
        return double{from_half(from_little_endian<std::uint16_t>(bytes))};
      case uint8:
        return static_cast<unsigned char>(*bytes);
      case int8:
        return static_cast<signed char>(*bytes);
      case int32:
        return static_cast<std::int32_t>(from_little_endian<std::uint32_t>(bytes));
      default:
        return static_cast<double>(static_cast<std::int64_t>(from_little_endian<std::uint64_t>(bytes)));
    }
  }

  void check_message() {
    if (message_.graphs != 1) {
      fail(message({"expected an ONNX model with a graph, found ", message_.graphs, " graphs"}));
    }
    if (message_.opset < 6) fail(message({"expected opset 6 or later, found ", number_text(message_.opset)}));
  }

  void link_tensors() {
    for (const Tensor& tensor : message_.tensors) add_constant(tensor.name, tensor);
    // Before version 4 of the format, an initializer must also be listed as an input.
    std::erase_if(message_.inputs, [&](const Value& input) { return constant(input.name) != nullptr; });
    for (const Value& input : message_.inputs) add_value(input.name, {});
  }

  void link_nodes() {
    for (std::size_t i = 0; i < message_.nodes.size(); ++i) {
      const Node& node = message_.nodes[i];
      for (const std::string_view input : node.inputs) {
        if (!input.empty() && constant(input) == nullptr && !origins_.contains(input)) {
          fail(node,
               message({"expected inputs from initializers, the graph's inputs or earlier nodes, found ",
                        in_quotes(input)}));
        }
      }
      if (const Tensor* const tensor = constant_of(node)) {
        add_constant(node.outputs.front(), *tensor);
      } else {
        for (std::size_t k = 0; k < node.outputs.size(); ++k) {
          if (!node.outputs[k].empty()) add_value(node.outputs[k], {&node, static_cast<Index>(i), k});
        }
      }
    }
    for (const Value& output : outputs()) {
      if (constant(output.name) == nullptr && !origins_.contains(output.name)) {
        fail(message({"expected a node that provides the output ", in_quotes(output.name), ", found none"}));
      }
    }
  }

  void load_external(ExternalFiles& external) {
    for (Tensor& tensor : message_.tensors) {
      if (tensor.is_external) external.load(tensor);
    }
    size_ += external.bytes();
  }

  // The numbers as dims order them, from those of the transpose.
  static void transpose(const Tensor& tensor, std::vector<double>& numbers) {
    if (numbers.empty()) return;  // the other size may be huge
    const auto rows = static_cast<std::size_t>(tensor.dims[0]),
               cols = static_cast<std::size_t>(tensor.dims[1]);
    std::vector<double> result(numbers.size());
    for (std::size_t i = 0; i < rows; ++i) {
      for (std::size_t j = 0; j < cols; ++j) result[i * cols + j] = numbers[j * rows + i];
    }
    numbers = std::move(result);
  }

  // q becomes (q - zero) scale, with a scale for all numbers or for each index along an axis.
  struct Scale {
    const Tensor *scale, *zero;
    double axis;
  };
  void dequantize(const Tensor& tensor, const Scale& by, double largest, std::vector<double>& numbers) const {
    const auto scale = this->numbers(*by.scale, largest);
    const auto zero =
        by.zero != nullptr ? this->numbers(*by.zero, largest) : std::vector<double>(scale.size());
    const double rank = static_cast<double>(tensor.dims.size()),
                 axis = by.axis < 0 ? by.axis + rank : by.axis;
    const bool has_axis = scale.size() != 1;
    if (zero.size() != scale.size() ||
        (has_axis && (!(axis >= 0 && axis < rank) ||
                      tensor.dims[static_cast<std::size_t>(axis)] != static_cast<double>(scale.size())))) {
      fail(message({"tensor ", in_quotes(tensor.name),
                    ": expected a scale and a zero point for all numbers, or for each index of an axis, "
                    "found others"}));
    }
    std::size_t inner = 1;
    for (std::size_t k = tensor.dims.size(); has_axis && k-- > static_cast<std::size_t>(axis) + 1;) {
      inner *= static_cast<std::size_t>(tensor.dims[k]);
    }
    for (std::size_t i = 0; i < numbers.size(); ++i) {
      const std::size_t k = has_axis ? i / inner % scale.size() : 0;
      numbers[i] = (numbers[i] - zero[k]) * scale[k];
      if (!(std::abs(numbers[i]) <= largest)) {
        fail(message({"tensor ", in_quotes(tensor.name),
                      ": expected finite numbers in the range of the scalar type, found ",
                      number_text(numbers[i])}));
      }
    }
  }

  // A constant in another shape, as a transpose, or from quantized numbers; nullptr if the node is none of these.
  const Tensor* constant_from(const Node& node, const Tensor& from) {
    constexpr std::size_t most_dims_of_weights = 4;  // memory: a node may take 20 bytes of the file
    std::vector<double> dims = from.dims;
    const std::size_t rank = dims.size();
    if (rank > most_dims_of_weights) return nullptr;
    const Attribute* const axis = node.find("axis");
    if (node.op == "Transpose" && node.inputs.size() == 1) {
      const Attribute* const order = node.find("perm");
      bool is_reversed = true;
      std::size_t k = rank;
      if (order != nullptr)
        order->numbers().each([&](double at) { is_reversed &= k > 0 && at == static_cast<double>(--k); });
      if (rank > 2 || !is_reversed || k != (order != nullptr ? 0 : rank)) return nullptr;
      std::reverse(dims.begin(), dims.end());
    } else if (node.op == "Flatten" && node.inputs.size() == 1 && !from.is_transposed) {
      double at = axis != nullptr && axis->count == 1 ? axis->first : 1;
      if (at < 0) at += static_cast<double>(rank);
      double before = 1, after = 1;
      for (std::size_t k = 0; k < rank; ++k) (static_cast<double>(k) < at ? before : after) *= dims[k];
      dims = {before, after};
    } else if (node.op == "DequantizeLinear" && node.inputs.size() >= 2) {
      const Tensor* const scale = constant(node.inputs[1]);
      const Tensor* const zero = node.inputs.size() > 2 ? constant(node.inputs[2]) : nullptr;
      if (scale == nullptr || (node.inputs.size() > 2 && zero == nullptr) || scales_.contains(scale) ||
          scales_.contains(&from) || (zero != nullptr && scales_.contains(zero)))
        return nullptr;
      made_.push_back(from);
      scales_.emplace(&made_.back(),
                      Scale{scale, zero, axis != nullptr && axis->count == 1 ? axis->first : 1});
      return &made_.back();
    } else {
      return nullptr;
    }
    if (scales_.contains(&from)) return nullptr;  // their axis would change
    Tensor& made = made_.emplace_back(from);
    if (node.op == "Transpose" && rank == 2) made.is_transposed = !made.is_transposed;
    made.dims = std::move(dims);
    return &made;
  }

  // A node's output, if it is the same for all samples.
  const Tensor* constant_of(const Node& node) {
    if (!node.domain.empty()) return nullptr;
    const Tensor* const from = node.inputs.empty() ? nullptr : constant(node.inputs[0]);
    if (node.inputs.size() == 1 && (node.op == "Identity" || node.is_cast_to_real())) return from;
    if (from != nullptr) return constant_from(node, *from);
    if (node.op != "Constant" || node.attributes.size() != 1) return nullptr;
    const Attribute& value = node.attributes.front();
    Tensor& made = made_.emplace_back();
    if (value.tensor_message.data() != nullptr) {
      made = read_tensor(value.tensor_message);
    } else {
      made.type = value.is_float ? float32 : int64;
      made.numbers = value.numbers();
      if (value.count != 1) made.dims = {static_cast<double>(value.count)};
    }
    if (made.name.empty()) made.name = node.outputs.front();
    return &made;
  }

  void add_constant(std::string_view value, const Tensor& tensor) {
    if (origins_.contains(value) || !constants_.emplace(value, &tensor).second) fail_twice(value);
  }
  void add_value(std::string_view value, Origin origin) {
    if (constants_.contains(value) || !origins_.emplace(value, origin).second) fail_twice(value);
  }
  [[noreturn]] void fail_twice(std::string_view value) const {
    fail(message({"expected values of different names, found ", in_quotes(value), " twice"}));
  }

  std::string file_;
  std::uint64_t size_;
  mutable std::uint64_t work_left_ = 0;
  Message message_;
  std::deque<Tensor> made_;
  std::map<const Tensor*, Scale> scales_;  // of quantized tensors
  std::map<std::string_view, const Tensor*> constants_;
  std::map<std::string_view, Origin> origins_;
};

}  // namespace mlp::inline MLP_ABI::detail::onnx
