#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/dynamic/dynamic_mlp.hpp>
#include <mlp/io/file.hpp>
#include <mlp/io/model.hpp>
#include <mlp/io/onnx/reader.hpp>
#include <mlp/io/onnx/writer.hpp>

#include <filesystem>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>

/// Networks as ONNX files, for programs and devices that run them, and from programs that write them:
///
///     export_onnx(net, "net.onnx", {.classes = {"cat", "dog"}, .scaler = scaler});
///     const Model model = import_onnx("net.onnx");
///     model.predict(x);
///
/// A file that is written has one input, "input", N x inputs floats, the samples before scaling, and one
/// output, "output", N x outputs, the result of Model::predict. (Samples are rows in ONNX; the memory layout
/// is the same.) The loss's map from outputs to predictions (softmax, sigmoid) is the last node. Opset 17 and
/// its standard operators suffice; GELU, SiLU and Mish are composed of several. metadata_props hold:
///   mlp.loss             the loss with its options, as in architecture.hpp
///   mlp.feature.0, ...   the names of features
///   mlp.class.0, ...     the names of classes
///
/// What is read, from opset 6 on, as PyTorch, Keras, tf2onnx, scikit-learn's converter and others write it:
///   Gemm, MatMul and Add, LinearRegressor, LinearClassifier; LayerNormalization, also made of several
///   operators; BatchNormalization; Dropout
///   all activations of the library, also made of several operators; PRelu with a single slope
///   the sum of a branch and its input: a Residual; the sum of two linear layers: one
///   Flatten, Identity, Cast to float or double; Reshape, Squeeze and Unsqueeze that leave features in order
///   Split, Slice, Gather and Transpose of features: they choose among the weights of the layer beside them or, where
///   none is a Dense, become a Dense of weights 0 and 1
///   Sub, Div, Mul and Add with constants, and Scaler: ahead of the first layer a scaler, later part of a Dense
///   weights that are quantized (DequantizeLinear, MatMulInteger) or transposed
///   Softmax, LogSoftmax (of which predict returns the exponential), Sigmoid or Exp at the end: the loss
///   ArgMax, for which classify stands, Normalizer, ZipMap, and the pair 1 - p, p of a binary classifier, of
///   which predict returns p alone
/// Weights lie in initializers or Constant nodes or, read by import_onnx, in files within the model's folder, and
/// are float, double, float16, int8 or uint8. An input may have one dimension, a sample's, or more than two if a
/// Flatten follows. Several inputs that a Concat joins first are one, whose features have their names. Of several
/// outputs, OnnxOptions names one; without, it is the one named probabilities, output_probability or variable, or
/// the only one that is computed from an input. Nodes and inputs that do not lead there are ignored. Names of classes
/// come from ZipMap or LinearClassifier.
///
/// The loss, unless metadata_props name it, is SoftmaxCrossEntropy after a final Softmax, BinaryCrossEntropy
/// after a Sigmoid, PoissonNLL after an Exp, and otherwise MeanSquaredError. Options are float in ONNX: 0.1f
/// is read as 0.1. An activation right after a Dense layer without one becomes that layer's; an Identity is
/// left out. A Dropout is read as active in training, whatever its training_mode.
/// Source: ONNX 1.12: onnx.proto, Operators.md and Operators-ml.md.
namespace mlp::inline MLP_ABI {

namespace detail::onnx {

// Numbers are rounded to float, which may make an option invalid or too large, or a number infinite. The only
// reliable test is to read the file: writing the network that it holds must give the same file.
template <class S>
std::string write_readable_model(const BasicDynamicMlp<S>& net, const ModelInfo<S>& info) {
  std::string bytes = write_model<S>(net, info);
  try {
    const Model<float> read = read_model<float>(bytes, "to_onnx: the file could not be read again");
    if (write_model<float>(read.net, read.info) == bytes) return bytes;
  } catch (const std::runtime_error& error) {
    raise<std::invalid_argument>(error.what());
  }
  raise<std::invalid_argument>(
      "to_onnx: expected options that ONNX holds as float, found one that would be read as another number");
}

}  // namespace detail::onnx

/// The file's bytes. Numbers are float, whatever the network's scalar type. The bytes are read once as a
/// check.
/// Errors: std::invalid_argument if the info does not fit the network, a name is not UTF-8, a number is not
/// finite in float, an option is not valid once it is rounded to float (a LayerNorm's epsilon of 1e-60), or
/// the file could not be read for another reason.
template <class S, class L, class... Layers>
std::string to_onnx(const BasicMlp<S, L, Layers...>& net,
                    const std::type_identity_t<ModelInfo<S>>& info = {}) {
  return detail::onnx::write_readable_model<S>(to_dynamic(net), info);
}

/// Writes the whole file; on an error, the old file stays.
/// Errors: as to_onnx; std::runtime_error naming the file if it can't be written.
template <class S, class L, class... Layers>
void export_onnx(const BasicMlp<S, L, Layers...>& net, const std::filesystem::path& path,
                 const std::type_identity_t<ModelInfo<S>>& info = {}) {
  detail::write_file(path, to_onnx(net, info));
}

struct OnnxOptions {
  /// The name of the output to read. Without one it is the only output that is computed from an input.
  std::string output = {};
};

/// Reads a network from a file's bytes; `file` is the file's name in messages.
/// Errors: std::runtime_error naming the file, and the node with its operator or the tensor at fault.
/// Bounds: memory is at most 32 bytes for each byte of the file, and 32 MB; time is n log n in its size. A
/// file has less than 2 GB, a node up to 64 attributes, a shape up to 64 dimensions, sums are nested up to 16
/// levels; the numbers of inputs and of parameters are at most the file's bytes plus 2^20, and tensors may be
/// used about 16 times each.
template <class S = float>
Model<S> onnx_from_bytes(std::string_view bytes, const std::string& file, const OnnxOptions& options = {}) {
  return detail::onnx::read_model<S>(bytes, file, options.output);
}

/// Reads, besides, the weights in files beside the model.
template <class S = float>
Model<S> import_onnx(const std::filesystem::path& path, const OnnxOptions& options = {}) {
  const std::string file = detail::path_text(path);
  detail::InputFile in(path);
  detail::onnx::check_size(file, in.size());
  detail::onnx::ExternalFiles external(path.parent_path());
  return detail::onnx::read_model<S>(detail::read_file(in), file, options.output, &external);
}

}  // namespace mlp::inline MLP_ABI
