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
/// What is read, from opset 7 on, as PyTorch's exporter and scikit-learn's converter write it:
///   Gemm, or MatMul and Add; LayerNormalization, also made of several operators; BatchNormalization; Dropout
///   all activations of the library, also made of several operators; PRelu with a single slope
///   the sum of a branch and its input: a Residual
///   Flatten, Identity, Cast to float or double, Reshape to rows of samples
///   Sub, Div, Mul and Add with constants, and Scaler, ahead of the first layer: a scaler
///   Softmax, Sigmoid or Exp at the end: the loss
///   ZipMap, and the pair 1 - p, p of a binary classifier, of which predict returns p alone
/// Weights lie in initializers or Constant nodes, and are float, double or float16. An input may have further
/// dimensions if a Flatten follows. If there are several outputs, the one named probabilities,
/// output_probability or variable is read, and nodes that do not lead there are ignored. Names of classes
/// come from ZipMap.
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

/// Reads a network from a file's bytes; `file` is the file's name in messages.
/// Errors: std::runtime_error naming the file, and the node with its operator or the tensor at fault.
/// Bounds: memory is at most 32 bytes for each byte of the file, and 32 MB; time is n log n in its size. A
/// file has less than 2 GB, a node up to 64 attributes, a shape up to 64 dimensions, sums are nested up to 16
/// levels; the numbers of inputs and of parameters are at most the file's bytes plus 2^20, and tensors may be
/// used about 16 times each.
template <class S = float>
Model<S> onnx_from_bytes(std::string_view bytes, const std::string& file) {
  return detail::onnx::read_model<S>(bytes, file);
}

template <class S = float>
Model<S> import_onnx(const std::filesystem::path& path) {
  const std::string file = detail::path_text(path);
  detail::InputFile in(path);
  detail::onnx::check_size(file, in.size());
  return onnx_from_bytes<S>(detail::read_file(in), file);
}

}  // namespace mlp::inline MLP_ABI
