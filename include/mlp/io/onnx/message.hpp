#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/printable.hpp>

#include <protozero/exception.hpp>
#include <protozero/pbf_reader.hpp>

#include <cstddef>
#include <cstdint>
#include <deque>
#include <list>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

/// The contents of an ONNX file, unchanged. Texts and numbers are views of the file's bytes, which must
/// outlive them. An element may take only two bytes of the file, so little memory is kept for each, and an
/// element that no model can have is an error. Source: onnx.proto of ONNX 1.12, whose field numbers stand in
/// the code.
namespace mlp::inline MLP_ABI::detail::onnx {

using Fields = protozero::pbf_reader;
using Wire = protozero::pbf_wire_type;
using Tag = protozero::pbf_tag_type;

/// An element that no model can have. Graph adds the file's name.
struct Refusal : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// Rejects a field of another type than its number requires, on which protozero would assert.
inline void require(const Fields& field, Wire type) {
  if (!field.has_wire_type(type)) throw protozero::unknown_pbf_wire_type_exception();
}

inline std::string_view view_of(Fields& field) {
  require(field, Wire::length_delimited);
  const auto view = field.get_view();
  return {view.data(), view.size()};
}

inline std::int64_t integer_of(Fields& field) {
  require(field, Wire::varint);
  return field.get_int64();
}
inline int type_of(Fields& field) {
  const std::int64_t type = integer_of(field);
  return type >= 0 && type < 256 ? static_cast<int>(type) : -1;
}

inline void each_field(std::string_view bytes, auto&& f) {
  Fields fields(bytes.data(), bytes.size());
  while (fields.next()) f(fields);
}

// Calls f with repeated numbers, packed or one by one, as double.
inline void each_integer(Fields& field, auto&& f) {
  if (field.has_wire_type(Wire::length_delimited)) {
    for (const auto value : field.get_packed_int64()) f(static_cast<double>(value));
  } else {
    f(static_cast<double>(integer_of(field)));
  }
}
inline void each_float(Fields& field, auto&& f) {
  if (field.has_wire_type(Wire::length_delimited)) {
    for (const auto value : field.get_packed_float()) f(static_cast<double>(value));
  } else {
    require(field, Wire::fixed32);
    f(static_cast<double>(field.get_float()));
  }
}
inline void each_double(Fields& field, auto&& f) {
  if (field.has_wire_type(Wire::length_delimited)) {
    for (const auto value : field.get_packed_double()) f(value);
  } else {
    require(field, Wire::fixed64);
    f(field.get_double());
  }
}

// Which fields of a TensorProto, and of an AttributeProto, hold numbers.
enum class NumberKind { none, integers, floats, doubles };
inline NumberKind tensor_numbers(Tag tag) {
  return tag == 4               ? NumberKind::floats
         : tag == 5 || tag == 7 ? NumberKind::integers
         : tag == 10            ? NumberKind::doubles
                                : NumberKind::none;
}
inline NumberKind attribute_numbers(Tag tag) {
  return tag == 2 || tag == 7   ? NumberKind::floats
         : tag == 3 || tag == 8 ? NumberKind::integers
                                : NumberKind::none;
}

/// The numbers of a tensor or attribute, decoded from its message on demand.
class Numbers {
 public:
  using Kinds = NumberKind (*)(Tag);

  Numbers() = default;
  Numbers(std::string_view message, Kinds kinds) : message_(message), kinds_(kinds) {
    each([this](double value) {
      if (count_++ == 0) first_ = value;
    });
  }

  std::size_t count() const { return count_; }
  double first() const { return first_; }  // 0 if there is none
  /// The number of bytes that each() decodes.
  std::size_t bytes() const { return message_.size(); }

  /// Calls f with each, as double.
  void each(auto&& f) const {
    each_field(message_, [&](Fields& field) {
      switch (kinds_(field.tag())) {
        case NumberKind::integers:
          return each_integer(field, f);
        case NumberKind::floats:
          return each_float(field, f);
        case NumberKind::doubles:
          return each_double(field, f);
        default:
          return field.skip();
      }
    });
  }

 private:
  std::string_view message_ = {};
  Kinds kinds_ = tensor_numbers;
  std::size_t count_ = 0;
  double first_ = 0;
};

// TensorProto.DataType.
inline constexpr int float32 = 1, uint8 = 2, int8 = 3, int32 = 6, int64 = 7, strings = 8, float16 = 10,
                     float64 = 11;

struct Tensor {
  std::string_view name = {};
  std::vector<double> dims = {};
  int type = 0;
  bool is_raw = false, is_external = false;
  bool is_transposed = false;  // dims are those of the transpose of the matrix that raw or numbers hold
  std::string_view raw = {};   // little-endian; of an external tensor, its message
  Numbers numbers = {};        // unless it is raw; for float16 their bits
};

struct Attribute {
  std::string_view message = {}, name = {};
  bool is_float = false;
  std::size_t count = 0;  // of numbers
  double first = 0;
  std::string_view text = {};            // the first
  std::string_view tensor_message = {};  // data() is nullptr if there is none

  bool is_integer(double value) const { return count == 1 && first == value; }
  Numbers numbers() const { return {message, attribute_numbers}; }
  void each_text(auto&& f) const {
    each_field(message, [&](Fields& field) {
      if (field.tag() == 4 || field.tag() == 9) f(view_of(field));
      else field.skip();
    });
  }
};

struct Node {
  std::string_view name = {}, op = {}, domain = {};
  std::vector<std::string_view> inputs = {}, outputs = {};
  std::list<Attribute> attributes = {};

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

inline std::string label(const Node& node) {
  const bool is_named = !node.name.empty() || node.outputs.empty();
  return std::string("node ") + (is_named ? in_quotes(node.name) : "of " + in_quotes(node.outputs.front())) +
         " (" + (node.domain.empty() ? "" : printable(node.domain) + ".") + printable(node.op) + ")";
}

struct Value {
  std::string_view name = {};
  int type = 0;
  bool has_shape = false;
  std::vector<double> dims = {};  // 0 where a size is not known
};

// Deques, as a vector that grows takes three times the memory of its elements.
struct Message {
  double opset = 0;  // of ONNX's own operators
  std::map<std::string_view, std::string_view> metadata = {};
  int graphs = 0;
  std::deque<Node> nodes = {};
  std::deque<Tensor> tensors = {};
  std::deque<Value> inputs = {}, outputs = {};
};

inline constexpr std::size_t most_attributes = 64, most_dims = 64;

// StringStringEntryProto: a key and a value.
inline std::pair<std::string_view, std::string_view> read_entry(std::string_view bytes) {
  std::pair<std::string_view, std::string_view> entry;
  each_field(bytes, [&](Fields& text) {
    if (text.tag() == 1) entry.first = view_of(text);
    else if (text.tag() == 2) entry.second = view_of(text);
    else text.skip();
  });
  return entry;
}

inline void add_dim(std::vector<double>& dims, double dim, const char* what, std::string_view name) {
  if (dims.size() == most_dims) {
    raise<Refusal>({what, in_quotes(name), ": expected no more than ", most_dims, " dimensions, found more"});
  }
  dims.push_back(dim);
}

inline Tensor read_tensor(std::string_view bytes) {
  Tensor tensor;
  each_field(bytes, [&](Fields& field) {
    switch (field.tag()) {
      case 1:
        return each_integer(field, [&](double dim) { add_dim(tensor.dims, dim, "tensor ", tensor.name); });
      case 2:
        return void(tensor.type = type_of(field));
      case 8:
        return void(tensor.name = view_of(field));
      case 9:
        tensor.is_raw = true;
        return void(tensor.raw = view_of(field));
      case 14:
        return void(tensor.is_external = integer_of(field) == 1);
      default:
        return field.skip();
    }
  });
  if (tensor.is_external) tensor.raw = bytes;
  tensor.numbers = Numbers(bytes, tensor_numbers);
  return tensor;
}

inline Attribute read_attribute(std::string_view bytes, const Node& node) {
  Attribute attribute{.message = bytes};
  each_field(bytes, [&](Fields& field) {
    switch (field.tag()) {
      case 1:
        return void(attribute.name = view_of(field));
      case 2:
      case 7:
        attribute.is_float = true;
        return field.skip();
      case 4:
      case 9: {
        const std::string_view text = view_of(field);
        if (attribute.text.data() == nullptr) attribute.text = text;
        return;
      }
      case 5:
        attribute.tensor_message = view_of(field);
        return void(read_tensor(attribute.tensor_message));
      case 6:
      case 11:
        raise<Refusal>({label(node), ": expected an operator without a graph of its own, found one"});
      default:
        return field.skip();
    }
  });
  if (attribute.name.empty()) {
    raise<Refusal>({label(node), ": expected attributes with names, found one without"});
  }
  const Numbers numbers = attribute.numbers();
  attribute.count = numbers.count();
  attribute.first = numbers.first();
  return attribute;
}

inline Node read_node(std::string_view bytes) {
  Node node;
  each_field(bytes, [&](Fields& field) {
    switch (field.tag()) {
      case 1:
        return void(node.inputs.push_back(view_of(field)));
      case 2:
        return void(node.outputs.push_back(view_of(field)));
      case 3:
        return void(node.name = view_of(field));
      case 4:
        return void(node.op = view_of(field));
      case 5:
        if (node.attributes.size() == most_attributes) {
          raise<Refusal>(
              {label(node), ": expected no more than ", most_attributes, " attributes, found more"});
        }
        return void(node.attributes.push_back(read_attribute(view_of(field), node)));
      case 7:
        return void(node.domain = view_of(field));
      default:
        return field.skip();
    }
  });
  // Empty names at the end mean omitted inputs or outputs.
  const auto drop_empty = [](std::vector<std::string_view>& names) {
    while (!names.empty() && names.back().empty()) names.pop_back();
  };
  drop_empty(node.inputs);
  drop_empty(node.outputs);
  if (node.domain == "ai.onnx") node.domain = {};
  if (node.op.empty() || node.outputs.empty()) {
    raise<Refusal>({label(node), ": expected an operator and an output, found none"});
  }
  return node;
}

inline void read_tensor_type(std::string_view bytes, Value& value) {
  each_field(bytes, [&](Fields& field) {
    if (field.tag() == 1) return void(value.type = type_of(field));
    if (field.tag() != 2) return field.skip();
    value.has_shape = true;
    each_field(view_of(field), [&](Fields& shape) {
      if (shape.tag() != 1) return shape.skip();
      double dim = 0;
      each_field(view_of(shape), [&](Fields& size) {
        if (size.tag() == 1) dim = static_cast<double>(integer_of(size));
        else size.skip();
      });
      add_dim(value.dims, dim, "value ", value.name);
    });
  });
}

inline Value read_value(std::string_view bytes) {
  Value value;
  each_field(bytes, [&](Fields& field) {
    if (field.tag() == 1) return void(value.name = view_of(field));
    if (field.tag() != 2) return field.skip();
    each_field(view_of(field), [&](Fields& type) {
      if (type.tag() == 1) read_tensor_type(view_of(type), value);
      else type.skip();
    });
  });
  if (value.name.empty()) raise<Refusal>("expected inputs and outputs with names, found one without");
  return value;
}

inline Tensor read_initializer(std::string_view bytes) {
  Tensor tensor = read_tensor(bytes);
  if (tensor.name.empty()) raise<Refusal>("expected initializers with names, found one without");
  return tensor;
}

inline void read_graph(std::string_view bytes, Message& message) {
  ++message.graphs;
  each_field(bytes, [&](Fields& field) {
    switch (field.tag()) {
      case 1:
        return void(message.nodes.push_back(read_node(view_of(field))));
      case 5:
        return void(message.tensors.push_back(read_initializer(view_of(field))));
      case 11:
        return void(message.inputs.push_back(read_value(view_of(field))));
      case 12:
        return void(message.outputs.push_back(read_value(view_of(field))));
      case 15:
        raise<Refusal>("expected dense tensors, found a sparse initializer");
      default:
        return field.skip();
    }
  });
}

inline void read_opset(std::string_view bytes, Message& message) {
  std::string_view domain;
  double version = 0;
  each_field(bytes, [&](Fields& opset) {
    if (opset.tag() == 1) domain = view_of(opset);
    else if (opset.tag() == 2) version = static_cast<double>(integer_of(opset));
    else opset.skip();
  });
  if (domain.empty() || domain == "ai.onnx") message.opset = version;
}

inline void read_metadata(std::string_view bytes, Message& message) {
  const auto [key, value] = read_entry(bytes);
  if (!message.metadata.emplace(key, value).second) {
    raise<Refusal>({"expected one value for ", in_quotes(key), " in metadata_props, found another"});
  }
}

/// Errors: protozero::exception if the bytes are not a protobuf message, or a field has the wrong type;
/// Refusal.
inline Message read_message(std::string_view bytes) {
  Message message;
  each_field(bytes, [&](Fields& field) {
    if (field.tag() == 7) return read_graph(view_of(field), message);
    if (field.tag() == 8) return read_opset(view_of(field), message);
    if (field.tag() == 14) return read_metadata(view_of(field), message);
    field.skip();
  });
  return message;
}

}  // namespace mlp::inline MLP_ABI::detail::onnx
