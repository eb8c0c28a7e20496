#pragma once

#include <mlp/io/file.hpp>
#include <mlp/types.hpp>

#include <protozero/exception.hpp>
#include <protozero/pbf_reader.hpp>

#include <bit>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

/// What an ONNX file says, checked as far as that goes without knowing any operator. All text is viewed in the bytes
/// of the file, which must outlive the Graph.
/// Source: onnx.proto of ONNX 1.12, whose numbers of fields stand in the code.
namespace mlp::detail::onnx {

// TensorProto.DataType.
inline constexpr int float32 = 1, int32 = 6, int64 = 7, strings = 8, float16 = 10, float64 = 11;

struct Tensor {
  std::string_view name = {};
  std::vector<double> dims = {};
  int type = 0;
  bool is_raw = false, is_external = false;
  std::string_view raw = {};         // little-endian
  std::vector<double> numbers = {};  // unless it is raw; for float16 their bits
};

struct Attribute {
  std::string_view name = {};
  std::vector<double> numbers = {};
  bool is_float = false;
  std::vector<std::string_view> texts = {};
  std::vector<Tensor> tensors = {};

  bool is_integer(double value) const { return numbers.size() == 1 && numbers[0] == value; }
};

struct Node {
  std::string_view name = {}, op = {}, domain = {};
  std::vector<std::string_view> inputs = {}, outputs = {};
  std::vector<Attribute> attributes = {};

  const Attribute* find(std::string_view attribute) const {
    for (const Attribute& a : attributes) {
      if (a.name == attribute) return &a;
    }
    return nullptr;
  }

  bool is_cast_to_real() const {
    const Attribute* const to = find("to");
    return op == "Cast" && to != nullptr && (to->is_integer(float32) || to->is_integer(float64));
  }
};

// Of a float, the number that was most likely meant: 0.1, not 0.100000001490116. It is rounded to the same float.
inline double meant_by(double value) {
  const auto rounded = static_cast<float>(value);
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, rounded).ptr;
  double meant = value;
  std::from_chars(digits, end, meant);
  return meant;
}

inline std::string label(const Node& node) {
  const bool is_named = !node.name.empty() || node.outputs.empty();
  return std::string("node ") + (is_named ? in_quotes(node.name) : "of " + in_quotes(node.outputs.front())) +
         " (" + (node.domain.empty() ? "" : printable(node.domain) + ".") + printable(node.op) + ")";
}

inline double half_value(std::uint32_t bits) {
  const std::uint32_t exponent = bits >> 10 & 31, fraction = bits & 1023;
  double size = std::numeric_limits<double>::infinity();
  if (exponent == 31 && fraction != 0) size = std::numeric_limits<double>::quiet_NaN();
  if (exponent < 31) {
    size = exponent == 0 ? std::ldexp(fraction, -24)
                         : std::ldexp(1024 + fraction, static_cast<int>(exponent) - 25);
  }
  return (bits & 0x8000) != 0 ? -size : size;
}

class Graph {
 public:
  struct Input {
    std::string_view name;
    int type = 0;
    std::vector<double> dims;  // 0 where a size is not known
    bool has_shape = false;
  };

  /// Errors: std::runtime_error naming the file, and the node or tensor if there is one.
  Graph(std::string_view bytes, std::string file) : file_(std::move(file)) {
    try {
      read_model(bytes);
    } catch (const protozero::exception& error) {
      fail("expected an ONNX model, found damaged data: " + std::string(error.what()));
    }
    if (opset_ < 7) fail("expected opset 7 or later, found " + number_text(opset_));
    link_nodes();
  }

  const std::map<std::string_view, std::string_view>& metadata() const { return metadata_; }
  const std::vector<Input>& inputs() const { return inputs_; }
  const std::vector<std::string_view>& outputs() const { return outputs_; }
  const std::string& file() const { return file_; }

  /// The constant of that name, or nullptr.
  const Tensor* constant(std::string_view value) const {
    const auto found = constants_.find(value);
    return found == constants_.end() ? nullptr : found->second;
  }

  /// Where a value comes from: the how-manieth output of which node, or nullptr for an input of the graph. Nodes are
  /// sorted: what a node reads has a lower position than what it writes.
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
    if (tensor.is_external) fail(who + "its data within this file, found them in another");
    const int type = tensor.type;
    const std::size_t size = type == float32 || type == int32   ? 4
                             : type == float64 || type == int64 ? 8
                             : type == float16                  ? 2
                                                                : 0;
    if (size == 0) {
      fail(who + "float, double, float16, int32 or int64 numbers, found data type " + std::to_string(type));
    }
    const std::size_t found = tensor.is_raw ? tensor.raw.size() / size : tensor.numbers.size();
    double expected = 1;
    for (const double dim : tensor.dims) {
      if (!(dim >= 0)) fail(who + "sizes >= 0, found " + number_text(dim));
      expected *= dim;
    }
    if (static_cast<double>(found) != expected || (tensor.is_raw && tensor.raw.size() % size != 0)) {
      fail(who + number_text(expected) + " numbers, as its sizes say, found " +
           (tensor.is_raw ? std::to_string(tensor.raw.size()) + " bytes" : std::to_string(found)));
    }
    std::vector<double> result(found);
    for (std::size_t i = 0; i < found; ++i) {
      result[i] = tensor.is_raw ? raw_number(tensor.raw.substr(i * size, size), type) : tensor.numbers[i];
      if (!tensor.is_raw && type == float16) {
        const bool are_bits = result[i] >= 0 && result[i] <= 0xFFFF;
        if (!are_bits) fail(who + "16 bits for a number, found " + number_text(result[i]));
        result[i] = half_value(static_cast<std::uint32_t>(result[i]));
      }
      if (!(std::abs(result[i]) <= largest)) {
        fail(who + "finite numbers in the range of the scalar type, found " + number_text(result[i]));
      }
    }
    return result;
  }

  static std::string number_text(double value) {
    char digits[32];
    if (std::isnan(value)) return "nan";
    return {digits, std::to_chars(digits, digits + sizeof digits, value).ptr};
  }

  [[noreturn]] void fail(const std::string& what) const { raise<std::runtime_error>(file_ + ": " + what); }
  [[noreturn]] void fail(const Node& node, const std::string& what) const { fail(label(node) + ": " + what); }

 private:
  using Fields = protozero::pbf_reader;
  using Wire = protozero::pbf_wire_type;

  // A field of another kind than the one of its number: protozero asserts that there is none.
  static void require(const Fields& field, Wire type) {
    if (field.wire_type() != type) throw protozero::unknown_pbf_wire_type_exception();
  }
  static std::string_view text_of(Fields& field) {
    require(field, Wire::length_delimited);
    const auto view = field.get_view();
    return {view.data(), view.size()};
  }
  static double integer_of(Fields& field) {
    require(field, Wire::varint);
    return static_cast<double>(field.get_int64());
  }
  static int type_of(Fields& field) {
    require(field, Wire::varint);
    return field.get_int32();
  }
  static void each_field(std::string_view message, auto&& f) {
    Fields fields(message.data(), message.size());
    while (fields.next()) f(fields);
  }

  // A repeated field of numbers, packed or one by one.
  static void add_integers(Fields& field, std::vector<double>& to) {
    if (field.has_wire_type(Wire::length_delimited)) {
      for (const auto value : field.get_packed_int64()) to.push_back(static_cast<double>(value));
    } else {
      to.push_back(integer_of(field));
    }
  }
  static void add_floats(Fields& field, std::vector<double>& to) {
    if (field.has_wire_type(Wire::length_delimited)) {
      for (const auto value : field.get_packed_float()) to.push_back(double{value});
    } else {
      require(field, Wire::fixed32);
      to.push_back(double{field.get_float()});
    }
  }
  static void add_doubles(Fields& field, std::vector<double>& to) {
    if (field.has_wire_type(Wire::length_delimited)) {
      for (const auto value : field.get_packed_double()) to.push_back(value);
    } else {
      require(field, Wire::fixed64);
      to.push_back(field.get_double());
    }
  }

  static double raw_number(std::string_view bytes, int type) {
    std::uint64_t bits = 0;
    for (std::size_t i = bytes.size(); i-- > 0;) bits = bits << 8 | static_cast<unsigned char>(bytes[i]);
    switch (type) {
      case float32:
        return double{std::bit_cast<float>(static_cast<std::uint32_t>(bits))};
      case float64:
        return std::bit_cast<double>(bits);
      case float16:
        return half_value(static_cast<std::uint32_t>(bits));
      case int32:
        return static_cast<std::int32_t>(static_cast<std::uint32_t>(bits));
      default:
        return static_cast<double>(static_cast<std::int64_t>(bits));
    }
  }

  void read_model(std::string_view bytes) {
    std::string_view graph;
    int graphs = 0;
    each_field(bytes, [&](Fields& field) {
      switch (field.tag()) {
        case 7:
          graph = text_of(field), ++graphs;
          break;
        case 8:
          read_opset(text_of(field));
          break;
        case 14:
          read_metadata(text_of(field));
          break;
        default:
          field.skip();
      }
    });
    if (graphs != 1) fail("expected an ONNX model with a graph, found " + std::to_string(graphs) + " graphs");
    each_field(graph, [&](Fields& field) {
      switch (field.tag()) {
        case 1:
          nodes_.push_back(read_node(text_of(field)));
          break;
        case 5:
          tensors_.push_back(read_tensor(text_of(field)));
          break;
        case 11:
          inputs_.push_back(read_input(text_of(field)));
          break;
        case 12:
          outputs_.push_back(read_input(text_of(field)).name);
          break;
        case 15:
          fail("expected dense tensors, found a sparse initializer");
        default:
          field.skip();
      }
    });
  }

  void read_opset(std::string_view bytes) {
    std::string_view domain;
    double version = 0;
    each_field(bytes, [&](Fields& field) {
      switch (field.tag()) {
        case 1:
          domain = text_of(field);
          break;
        case 2:
          version = integer_of(field);
          break;
        default:
          field.skip();
      }
    });
    if (is_standard(domain)) opset_ = version;
  }

  void read_metadata(std::string_view bytes) {
    std::string_view key, value;
    each_field(bytes, [&](Fields& field) {
      switch (field.tag()) {
        case 1:
          key = text_of(field);
          break;
        case 2:
          value = text_of(field);
          break;
        default:
          field.skip();
      }
    });
    if (!metadata_.emplace(key, value).second) {
      fail("expected one value for " + in_quotes(key) + " in metadata_props, found another");
    }
  }

  static Tensor read_tensor(std::string_view bytes) {
    Tensor tensor;
    each_field(bytes, [&](Fields& field) {
      switch (field.tag()) {
        case 1:
          add_integers(field, tensor.dims);
          break;
        case 2:
          tensor.type = type_of(field);
          break;
        case 4:
          add_floats(field, tensor.numbers);
          break;
        case 5:
        case 7:
          add_integers(field, tensor.numbers);
          break;
        case 8:
          tensor.name = text_of(field);
          break;
        case 9:
          tensor.raw = text_of(field), tensor.is_raw = true;
          break;
        case 10:
          add_doubles(field, tensor.numbers);
          break;
        case 13:
          tensor.is_external = true, field.skip();
          break;
        case 14:
          tensor.is_external = tensor.is_external || integer_of(field) == 1;
          break;
        default:
          field.skip();
      }
    });
    return tensor;
  }

  static Attribute read_attribute(std::string_view bytes, bool& has_graph) {
    Attribute attribute;
    each_field(bytes, [&](Fields& field) {
      switch (field.tag()) {
        case 1:
          attribute.name = text_of(field);
          break;
        case 2:
        case 7:
          add_floats(field, attribute.numbers), attribute.is_float = true;
          break;
        case 3:
        case 8:
          add_integers(field, attribute.numbers);
          break;
        case 4:
        case 9:
          attribute.texts.push_back(text_of(field));
          break;
        case 5:
          attribute.tensors.push_back(read_tensor(text_of(field)));
          break;
        case 6:
        case 11:
          has_graph = true, field.skip();
          break;
        default:
          field.skip();
      }
    });
    return attribute;
  }

  Node read_node(std::string_view bytes) const {
    Node node;
    bool has_graph = false;
    each_field(bytes, [&](Fields& field) {
      switch (field.tag()) {
        case 1:
          node.inputs.push_back(text_of(field));
          break;
        case 2:
          node.outputs.push_back(text_of(field));
          break;
        case 3:
          node.name = text_of(field);
          break;
        case 4:
          node.op = text_of(field);
          break;
        case 5:
          node.attributes.push_back(read_attribute(text_of(field), has_graph));
          break;
        case 7:
          node.domain = text_of(field);
          break;
        default:
          field.skip();
      }
    });
    if (is_standard(node.domain)) node.domain = {};
    if (node.op.empty() || node.outputs.empty()) fail(node, "expected an operator and an output, found none");
    if (has_graph) fail(node, "expected an operator without a graph of its own, found one");
    while (!node.inputs.empty() && node.inputs.back().empty()) node.inputs.pop_back();
    return node;
  }

  static Input read_input(std::string_view bytes) {
    Input input{};
    each_field(bytes, [&](Fields& field) {
      switch (field.tag()) {
        case 1:
          input.name = text_of(field);
          break;
        case 2:
          each_field(text_of(field), [&](Fields& kind) {
            if (kind.tag() == 1) read_tensor_type(text_of(kind), input);
            else kind.skip();
          });
          break;
        default:
          field.skip();
      }
    });
    return input;
  }

  static void read_tensor_type(std::string_view bytes, Input& input) {
    each_field(bytes, [&](Fields& field) {
      switch (field.tag()) {
        case 1:
          input.type = type_of(field);
          break;
        case 2:
          input.has_shape = true;
          each_field(text_of(field), [&](Fields& shape) {
            if (shape.tag() != 1) return shape.skip();
            input.dims.push_back(0);
            each_field(text_of(shape), [&](Fields& dim) {
              if (dim.tag() == 1) input.dims.back() = integer_of(dim);
              else dim.skip();
            });
          });
          break;
        default:
          field.skip();
      }
    });
  }

  static bool is_standard(std::string_view domain) { return domain.empty() || domain == "ai.onnx"; }

  void link_nodes() {
    for (const Tensor& tensor : tensors_) add_constant(tensor.name, tensor);
    // Before version 4 of the format an initializer is an input too: its default.
    std::erase_if(inputs_, [&](const Input& input) { return constant(input.name) != nullptr; });
    for (const Input& input : inputs_) add_value(input.name, {});
    for (std::size_t i = 0; i < nodes_.size(); ++i) {
      const Node& node = nodes_[i];
      for (const std::string_view input : node.inputs) {
        if (!input.empty() && constant(input) == nullptr && !origins_.contains(input)) {
          fail(node,
               "expected inputs that an initializer, an input of the graph or an earlier node provides, "
               "found " +
                   in_quotes(input));
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
    for (const std::string_view output : outputs_) {
      if (constant(output) == nullptr && !origins_.contains(output)) {
        fail("expected a node that provides the output " + in_quotes(output) + ", found none");
      }
    }
  }

  // What a node puts out, if that is the same for all samples.
  const Tensor* constant_of(const Node& node) {
    if (!node.domain.empty()) return nullptr;
    if (node.inputs.size() == 1 && (node.op == "Identity" || node.is_cast_to_real()))
      return constant(node.inputs[0]);
    if (node.op != "Constant" || node.attributes.size() != 1) return nullptr;
    const Attribute& value = node.attributes.front();
    if (!value.tensors.empty()) return &value.tensors.front();
    Tensor& made = made_.emplace_back();
    made.name = node.outputs.front();
    made.type = value.is_float ? float32 : int64;
    made.numbers = value.numbers;
    if (made.numbers.size() != 1) made.dims = {static_cast<double>(made.numbers.size())};
    return &made;
  }

  void add_constant(std::string_view value, const Tensor& tensor) {
    if (origins_.contains(value) || !constants_.emplace(value, &tensor).second) fail_twice(value);
  }
  void add_value(std::string_view value, Origin origin) {
    if (constants_.contains(value) || !origins_.emplace(value, origin).second) fail_twice(value);
  }
  [[noreturn]] void fail_twice(std::string_view value) const {
    fail("expected values of different names, found " + in_quotes(value) + " twice");
  }

  std::string file_;
  double opset_ = 0;
  std::map<std::string_view, std::string_view> metadata_;
  std::vector<Node> nodes_;
  std::vector<Tensor> tensors_;
  std::deque<Tensor> made_;
  std::vector<Input> inputs_;
  std::vector<std::string_view> outputs_;
  std::map<std::string_view, const Tensor*> constants_;
  std::map<std::string_view, Origin> origins_;
};

}  // namespace mlp::detail::onnx
