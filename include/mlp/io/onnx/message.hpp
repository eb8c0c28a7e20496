#pragma once

#include <protozero/exception.hpp>
#include <protozero/pbf_reader.hpp>

#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

/// What an ONNX file says, as it says it. Text is viewed in the bytes of the file, which must outlive it;
/// numbers are double, whatever they are in the file. Source: onnx.proto of ONNX 1.12, whose numbers of
/// fields stand in the code.
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
  bool has_graph = false;

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

struct Value {
  std::string_view name = {};
  int type = 0;
  bool has_shape = false;
  std::vector<double> dims = {};  // 0 where a size is not known
};

struct Message {
  std::vector<std::pair<std::string_view, double>> opsets = {};
  std::vector<std::pair<std::string_view, std::string_view>> metadata = {};
  int graphs = 0;
  bool is_sparse = false;
  std::vector<Node> nodes = {};
  std::vector<Tensor> tensors = {};
  std::vector<Value> inputs = {}, outputs = {};
};

using Fields = protozero::pbf_reader;
using Wire = protozero::pbf_wire_type;

// A field of another kind than its number asks for, of which protozero asserts that there is none.
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

// Repeated numbers, packed or one by one.
inline void add_integers(Fields& field, std::vector<double>& to) {
  if (field.has_wire_type(Wire::length_delimited)) {
    for (const auto value : field.get_packed_int64()) to.push_back(static_cast<double>(value));
  } else {
    to.push_back(static_cast<double>(integer_of(field)));
  }
}
inline void add_floats(Fields& field, std::vector<double>& to) {
  if (field.has_wire_type(Wire::length_delimited)) {
    for (const auto value : field.get_packed_float()) to.push_back(static_cast<double>(value));
  } else {
    require(field, Wire::fixed32);
    to.push_back(static_cast<double>(field.get_float()));
  }
}
inline void add_doubles(Fields& field, std::vector<double>& to) {
  if (field.has_wire_type(Wire::length_delimited)) {
    for (const auto value : field.get_packed_double()) to.push_back(value);
  } else {
    require(field, Wire::fixed64);
    to.push_back(field.get_double());
  }
}

inline Tensor read_tensor(std::string_view bytes) {
  Tensor tensor;
  each_field(bytes, [&](Fields& field) {
    switch (field.tag()) {
      case 1:
        return add_integers(field, tensor.dims);
      case 2:
        return void(tensor.type = type_of(field));
      case 4:
        return add_floats(field, tensor.numbers);
      case 5:
      case 7:
        return add_integers(field, tensor.numbers);
      case 8:
        return void(tensor.name = view_of(field));
      case 9:
        tensor.is_raw = true;
        return void(tensor.raw = view_of(field));
      case 10:
        return add_doubles(field, tensor.numbers);
      case 14:
        return void(tensor.is_external = integer_of(field) == 1);
      default:
        return field.skip();
    }
  });
  return tensor;
}

inline void read_attribute(std::string_view bytes, Node& node) {
  Attribute& attribute = node.attributes.emplace_back();
  each_field(bytes, [&](Fields& field) {
    switch (field.tag()) {
      case 1:
        return void(attribute.name = view_of(field));
      case 2:
      case 7:
        attribute.is_float = true;
        return add_floats(field, attribute.numbers);
      case 3:
      case 8:
        return add_integers(field, attribute.numbers);
      case 4:
      case 9:
        return void(attribute.texts.push_back(view_of(field)));
      case 5:
        return void(attribute.tensors.push_back(read_tensor(view_of(field))));
      case 6:
      case 11:
        node.has_graph = true;
        return field.skip();
      default:
        return field.skip();
    }
  });
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
        return read_attribute(view_of(field), node);
      case 7:
        return void(node.domain = view_of(field));
      default:
        return field.skip();
    }
  });
  // What is left out at the end is as if it were not there.
  while (!node.inputs.empty() && node.inputs.back().empty()) node.inputs.pop_back();
  if (node.domain == "ai.onnx") node.domain = {};
  return node;
}

inline void read_tensor_type(std::string_view bytes, Value& value) {
  each_field(bytes, [&](Fields& field) {
    if (field.tag() == 1) return void(value.type = type_of(field));
    if (field.tag() != 2) return field.skip();
    value.has_shape = true;
    each_field(view_of(field), [&](Fields& shape) {
      if (shape.tag() != 1) return shape.skip();
      double& dim = value.dims.emplace_back(0);
      each_field(view_of(shape), [&](Fields& size) {
        if (size.tag() == 1) dim = static_cast<double>(integer_of(size));
        else size.skip();
      });
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
  return value;
}

inline void read_graph(std::string_view bytes, Message& message) {
  ++message.graphs;
  each_field(bytes, [&](Fields& field) {
    switch (field.tag()) {
      case 1:
        return void(message.nodes.push_back(read_node(view_of(field))));
      case 5:
        return void(message.tensors.push_back(read_tensor(view_of(field))));
      case 11:
        return void(message.inputs.push_back(read_value(view_of(field))));
      case 12:
        return void(message.outputs.push_back(read_value(view_of(field))));
      case 15:
        message.is_sparse = true;
        return field.skip();
      default:
        return field.skip();
    }
  });
}

/// Errors: protozero::exception if the bytes are no protobuf message, or a field is not of its kind.
inline Message read_message(std::string_view bytes) {
  Message message;
  each_field(bytes, [&](Fields& field) {
    if (field.tag() == 7) return read_graph(view_of(field), message);
    if (field.tag() == 8) {
      auto& entry = message.opsets.emplace_back();
      each_field(view_of(field), [&](Fields& opset) {
        if (opset.tag() == 1) entry.first = view_of(opset);
        else if (opset.tag() == 2) entry.second = static_cast<double>(integer_of(opset));
        else opset.skip();
      });
    } else if (field.tag() == 14) {
      auto& entry = message.metadata.emplace_back();
      each_field(view_of(field), [&](Fields& text) {
        if (text.tag() == 1) entry.first = view_of(text);
        else if (text.tag() == 2) entry.second = view_of(text);
        else text.skip();
      });
    } else {
      field.skip();
    }
  });
  return message;
}

}  // namespace mlp::detail::onnx
