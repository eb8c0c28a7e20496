#pragma once

#include <mlp/base/bit_cast.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/printable.hpp>
#include <mlp/base/types.hpp>
#include <mlp/dynamic/architecture.hpp>
#include <mlp/dynamic/dynamic_mlp.hpp>
#include <mlp/io/bytes.hpp>
#include <mlp/io/model.hpp>
#include <mlp/io/onnx/graph.hpp>

#include <protozero/pbf_writer.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <numbers>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

namespace mlp::inline MLP_ABI::detail::onnx {

/// A graph under construction: each layer reads the output of the last node.
class GraphWriter {
 public:
  using Attributes = std::vector<std::pair<const char*, std::variant<float, std::int64_t>>>;
  using Strings = std::vector<std::string>;

  /// A network's layers, activations and losses, as nodes.
  void add(const DynamicDense& layer, const float* theta, const float*) {
    const Index in = layer.inputs(), out = layer.outputs();
    // W is Out x In, column-major: read row by row, its transpose.
    apply("Gemm", {floats("weight", {in, out}, theta), floats("bias", {out}, theta + in * out)});
    layer.activation().visit([&](const auto& f) { add(f); });
  }
  void add(const Activate<Dynamic, AnyActivation>& layer, const float*, const float*) {
    layer.activation().visit([&](const auto& f) { add(f); });
  }
  void add(const Dropout<Dynamic>& layer, const float*, const float*) {
    apply("Dropout", {number("ratio", layer.p())});
  }
  void add(const LayerNorm<Dynamic>& layer, const float* theta, const float*) {
    const Index n = layer.inputs();
    apply("LayerNormalization", {floats("weight", {n}, theta), floats("bias", {n}, theta + n)},
          {{"axis", -1}, {"epsilon", static_cast<float>(layer.epsilon())}});
  }
  void add(const BatchNorm<Dynamic>& layer, const float* theta, const float* state) {
    const Index n = layer.inputs();
    apply("BatchNormalization",
          {floats("weight", {n}, theta), floats("bias", {n}, theta + n), floats("mean", {n}, state),
           floats("variance", {n}, state + n)},
          {{"epsilon", static_cast<float>(layer.epsilon())},
           {"momentum", static_cast<float>(1 - layer.momentum())}});  // the share of the old value in ONNX
  }
  void add(const Residual<Sequential>& block, const float* theta, const float* state) {
    const std::string x = value_;
    add_layers(block, theta, state);
    value_ = node("Add", {x, value_});
  }
  void add_layers(const auto& chain, const float* theta, const float* state) {
    chain.for_each_layer(
        [&](const auto& layer, Index at, Index state_at) { add(layer, theta + at, state + state_at); });
  }

  void add(const Identity&) {}
  void add(const ReLU&) { apply("Relu"); }
  void add(const LeakyReLU& f) { apply("LeakyRelu", {}, {{"alpha", static_cast<float>(f.negative_slope)}}); }
  void add(const ELU& f) { apply("Elu", {}, {{"alpha", static_cast<float>(f.alpha)}}); }
  void add(const SELU&) { apply("Selu"); }
  void add(const Sigmoid&) { apply("Sigmoid"); }
  void add(const Tanh&) { apply("Tanh"); }
  void add(const Softsign&) { apply("Softsign"); }
  void add(const HardTanh& f) {
    const auto bound = [this](const char* name, double value) {
      return std::isinf(value) ? std::string() : number(name, value);
    };
    apply("Clip", {bound("min", f.min_value), bound("max", f.max_value)});
  }
  void add(const Softplus& f) {
    const bool is_scaled = static_cast<float>(f.beta) != 1;
    if (is_scaled) apply("Mul", {number("beta", f.beta)});
    apply("Softplus");
    if (is_scaled) apply("Div", {number("beta", f.beta)});
  }
  void add(const SiLU&) { value_ = node("Mul", {value_, node("Sigmoid", {value_})}); }
  void add(const Mish&) { value_ = node("Mul", {value_, node("Tanh", {node("Softplus", {value_})})}); }
  // As PyTorch writes it.
  void add(const GELU& f) {
    const std::string x = value_;
    if (f.approximate) {
      value_ = node("Mul", {x, node("Mul", {x, x})});
      apply("Mul", {number("cubic", 0.044715)});
      value_ = node("Add", {x, value_});
      apply("Mul", {number("c", std::numbers::sqrt2 * std::numbers::inv_sqrtpi)});
      apply("Tanh");
    } else {
      apply("Div", {number("sqrt2", std::numbers::sqrt2)});
      apply("Erf");
    }
    apply("Add", {number("one", 1)});
    value_ = node("Mul", {x, value_});
    apply("Mul", {number("half", 0.5)});
  }

  template <class S>
  void add(const Scaler<S>& scaler) {
    const auto vector = [this](const char* name, const Vector<S>& v) {
      const Vector<float> as_floats = v.template cast<float>().array() + 0.f;  // 0 for -0
      return floats(name, {v.size()}, as_floats.data());
    };
    if (const auto* const standard = std::get_if<StandardScaler<S>>(&scaler)) {
      apply("Sub", {vector("mean", standard->mean)});
      apply("Div", {vector("scale", standard->scale)});
    } else if (const auto* const range = std::get_if<MinMaxScaler<S>>(&scaler)) {
      apply("Sub", {vector("min", range->min)});
      apply("Div", {vector("scale", range->scale)});
      apply("Add", {number("low", static_cast<double>(range->low) + 0.)});
    }
  }

  /// The loss's map from outputs to predictions.
  void add_link(const AnyLoss& loss, Index outputs) {
    loss.visit([&]<class L>(const L& chosen) {
      if constexpr (std::is_same_v<L, SoftmaxCrossEntropy>) apply("Softmax", {}, {{"axis", 1}});
      if constexpr (std::is_same_v<L, BinaryCrossEntropy>) apply("Sigmoid");
      if constexpr (std::is_same_v<L, PoissonNLL>) {
        if (chosen.log_input) apply("Exp");
      }
      if constexpr (std::is_same_v<L, GaussianNLL>) {
        const std::string halves = integers("halves", {outputs / 2, outputs / 2});
        const std::string mean = node("Split", {value_, halves}, {{"axis", 1}}, 2);
        value_ = nodes_.back().outputs[1];
        apply("Exp");
        apply("Add", {number("epsilon", chosen.epsilon)});
        value_ = node("Concat", {mean, value_}, {{"axis", 1}});
      }
      add_metadata("mlp.loss", to_text(describe(chosen)));
    });
  }

  /// Names of features or classes.
  void add_names(const std::string& prefix, const Strings& names) {
    for (std::size_t i = 0; i < names.size(); ++i) {
      if (!is_utf8(names[i])) {
        raise<std::invalid_argument>({"to_onnx: expected names in UTF-8, found ", in_quotes(names[i])});
      }
      add_metadata(prefix + std::to_string(i), names[i]);
    }
  }

  void add_metadata(std::string key, std::string value) {
    metadata_.emplace_back(std::move(key), std::move(value));
  }

  /// The file.
  std::string bytes(Index inputs, Index outputs) {
    if (nodes_.empty()) apply("Identity");
    nodes_.back().outputs.front() = "output";
    std::string result;
    protozero::pbf_writer model(result);
    model.add_int64(1, 8);  // the version of the format that came with opset 17
    model.add_string(2, "mlp");
    {
      protozero::pbf_writer graph(model, 7);
      for (const Node& each : nodes_) write(graph, each);
      graph.add_string(2, "mlp");
      for (const Tensor& each : tensors_) write(graph, each);
      write_value(graph, 11, "input", inputs);
      write_value(graph, 12, "output", outputs);
    }
    protozero::pbf_writer(model, 8).add_int64(2, 17);
    for (const auto& [key, value] : metadata_) {
      protozero::pbf_writer entry(model, 14);
      entry.add_string(1, key);
      entry.add_string(2, value);
    }
    return result;
  }

 private:
  struct Node {
    std::string name, op;
    Strings inputs, outputs;
    Attributes attributes;
  };
  struct Tensor {
    std::string name;
    int type;
    std::vector<Index> dims;
    std::string raw;
  };

  // Adds a node and returns the name of its first output.
  std::string node(const char* op, Strings inputs, Attributes attributes = {}, int outputs = 1) {
    Node& made = nodes_.emplace_back(
        Node{op + ("_" + std::to_string(nodes_.size())), op, std::move(inputs), {}, std::move(attributes)});
    for (int i = 0; i < outputs; ++i) made.outputs.push_back(made.name + "_output_" + std::to_string(i));
    return made.outputs.front();
  }

  // value becomes op(value, more).
  void apply(const char* op, Strings more = {}, Attributes attributes = {}) {
    more.insert(more.begin(), value_);
    value_ = node(op, std::move(more), std::move(attributes));
  }

  // Tensors are named for the node that comes next.
  std::string tensor(const char* name, int type, std::vector<Index> dims, std::string raw) {
    tensors_.push_back({std::to_string(nodes_.size()) + "." + name, type, std::move(dims), std::move(raw)});
    return tensors_.back().name;
  }
  std::string floats(const char* name, std::vector<Index> dims, const float* values) {
    Index size = 1;
    for (const Index dim : dims) size *= dim;
    std::string raw;
    raw.reserve(static_cast<std::size_t>(size) * 4);
    for (Index i = 0; i < size; ++i) {
      if (!std::isfinite(values[i])) {
        raise<std::invalid_argument>(
            {"to_onnx: expected finite numbers in the range of float, found ", values[i]});
      }
      append(raw, detail::bit_cast<std::uint32_t>(values[i]));
    }
    return tensor(name, float32, std::move(dims), std::move(raw));
  }
  std::string number(const char* name, double value) {
    const auto rounded = static_cast<float>(value);
    return floats(name, {}, &rounded);
  }
  std::string integers(const char* name, const std::vector<Index>& values) {
    std::string raw;
    for (const Index value : values) append(raw, static_cast<std::uint64_t>(value));
    return tensor(name, int64, {static_cast<Index>(values.size())}, std::move(raw));
  }
  static bool is_utf8(std::string_view text) {
    while (!text.empty()) {
      const std::size_t size = first_character(text).size;
      if (size == 0) return false;
      text.remove_prefix(size);
    }
    return true;
  }
  static void append(std::string& raw, auto bits) {
    raw.resize(raw.size() + sizeof bits);
    to_little_endian(bits, raw.data() + raw.size() - sizeof bits);
  }

  static void write(protozero::pbf_writer& graph, const Node& each) {
    protozero::pbf_writer to(graph, 1);
    for (const std::string& input : each.inputs) to.add_string(1, input);
    for (const std::string& output : each.outputs) to.add_string(2, output);
    to.add_string(3, each.name);
    to.add_string(4, each.op);
    for (const auto& [name, value] : each.attributes) {
      protozero::pbf_writer attribute(to, 5);
      attribute.add_string(1, name);
      if (const float* const number = std::get_if<float>(&value)) {
        attribute.add_float(2, *number);
        attribute.add_int32(20, 1);  // AttributeType FLOAT
      } else {
        attribute.add_int64(3, std::get<std::int64_t>(value));
        attribute.add_int32(20, 2);  // INT
      }
    }
  }
  static void write(protozero::pbf_writer& graph, const Tensor& each) {
    protozero::pbf_writer to(graph, 5);
    for (const Index dim : each.dims) to.add_int64(1, dim);
    to.add_int32(2, each.type);
    to.add_string(8, each.name);
    to.add_bytes(9, each.raw);
  }
  // Samples as rows, in any number.
  static void write_value(protozero::pbf_writer& graph, protozero::pbf_tag_type tag, const char* name,
                          Index size) {
    protozero::pbf_writer value(graph, tag);
    value.add_string(1, name);
    protozero::pbf_writer type(value, 2);
    protozero::pbf_writer tensor(type, 1);
    tensor.add_int32(1, float32);
    protozero::pbf_writer shape(tensor, 2);
    protozero::pbf_writer(shape, 1).add_string(2, "N");
    protozero::pbf_writer(shape, 1).add_int64(1, size);
  }

  std::string value_ = "input";
  std::vector<Node> nodes_;
  std::vector<Tensor> tensors_;
  std::vector<std::pair<std::string, std::string>> metadata_;
};

template <class S>
std::string write_model(const BasicDynamicMlp<S>& net, const ModelInfo<S>& info) {
  info.validate(net.inputs(), net.outputs());
  if (net.parameter_count() > (std::numeric_limits<std::int32_t>::max)() / 4 - (1 << 20)) {
    raise<std::invalid_argument>(
        {"to_onnx: expected parameters of less than 2 GB, the most that the format holds, found ",
         net.parameter_count(), " of 4 bytes"});
  }
  GraphWriter writer;
  writer.add(info.scaler);
  const Vector<float> theta = net.parameters().template cast<float>(),
                      state = net.state().template cast<float>();
  writer.add_layers(net, theta.data(), state.data());
  writer.add_link(net.loss_function(), net.outputs());
  writer.add_names("mlp.feature.", info.features);
  writer.add_names("mlp.class.", info.classes);
  return writer.bytes(net.inputs(), net.outputs());
}

}  // namespace mlp::inline MLP_ABI::detail::onnx
