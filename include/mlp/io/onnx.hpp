#pragma once

#include <mlp/dynamic_mlp.hpp>
#include <mlp/io/file.hpp>
#include <mlp/io/model.hpp>
#include <mlp/io/onnx/reader.hpp>
#include <mlp/io/onnx/writer.hpp>
#include <mlp/types.hpp>

#include <filesystem>
#include <string>
#include <string_view>
#include <type_traits>

/// Networks as ONNX files, for programs and devices that run those, and from programs that write them:
///
///     export_onnx(net, "net.onnx", {.classes = {"cat", "dog"}, .scaler = scaler});
///     const Model model = import_onnx("net.onnx");
///     model.predict(x);
///
/// A file of ours has one input, "input" of N x inputs floats, and one output, "output" of N x outputs: what
/// Model::predict says, from samples as they are before the scaler. (In ONNX samples are rows; in memory that is the
/// same.) The loss's link is its last node. It uses opset 17 and standard operators alone; a GELU, SiLU or Mish is made of
/// several. metadata_props say:
///   mlp.loss                    the loss with its options, as in architecture.hpp
///   mlp.feature.0, ...          the names of features
///   mlp.class.0, ...            the names of classes
///
/// What is read: Gemm, MatMul, Add, all activations of the library, by themselves or of several operators as PyTorch's
/// exporter writes them, PRelu with one slope, LayerNormalization (also of several operators), BatchNormalization,
/// Dropout, sums of a branch and what goes into it (Residual), Flatten, Identity, Cast, Reshape to rows; constants from
/// initializers and Constant nodes; ahead of the first layer arithmetic with constants and Scaler, which become a scaler.
/// Of several outputs that one is read which scikit-learn's converter calls probabilities, output_probability or
/// variable; from ZipMap come names of classes. Of the two columns 1 - p and p of a binary classifier, predict says p alone.
/// The loss, unless named as above, is SoftmaxCrossEntropy after a last Softmax, BinaryCrossEntropy after a Sigmoid,
/// PoissonNLL after an Exp, and else MeanSquaredError. Options are float in ONNX: 0.1f is read as 0.1. An Activate that
/// follows a Dense layer without an activation becomes its activation.
/// Source: ONNX 1.12, onnx.proto and Operators.md.
namespace mlp {

/// The file's bytes. Numbers are float, whatever the network's.
/// Errors: std::invalid_argument if the info does not fit the network, or a number is not finite in float.
template <class S, class L, class... Layers>
std::string to_onnx(const BasicMlp<S, L, Layers...>& net,
                    const std::type_identity_t<ModelInfo<S>>& info = {}) {
  return detail::onnx::write_model<S>(to_dynamic(net), info);
}

/// Writes the whole file, or leaves what was under that path.
/// Errors: as to_onnx; std::runtime_error naming the file if it can't be written.
template <class S, class L, class... Layers>
void export_onnx(const BasicMlp<S, L, Layers...>& net, const std::filesystem::path& path,
                 const std::type_identity_t<ModelInfo<S>>& info = {}) {
  detail::write_file(path, to_onnx(net, info));
}

/// Reads what a file holds; `file` stands for it in messages.
/// Errors: std::runtime_error naming the file, and the node, its operator or the tensor that is not as expected.
template <class S = float>
Model<S> onnx_from_bytes(std::string_view bytes, const std::string& file) {
  return detail::onnx::read_model<S>(bytes, file);
}

template <class S = float>
Model<S> import_onnx(const std::filesystem::path& path) {
  return onnx_from_bytes<S>(detail::read_file(path), path.string());
}

}  // namespace mlp
