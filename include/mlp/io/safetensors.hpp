#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/random.hpp>
#include <mlp/base/static_sizes.hpp>
#include <mlp/base/types.hpp>
#include <mlp/base/views.hpp>
#include <mlp/core/network.hpp>
#include <mlp/dynamic/architecture.hpp>
#include <mlp/dynamic/dynamic_mlp.hpp>
#include <mlp/io/model.hpp>
#include <mlp/io/safetensors/container.hpp>
#include <mlp/io/safetensors/json_lists.hpp>
#include <mlp/layer/dense.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

/// Networks as safetensors files, which PyTorch can load:
///
///     save(net, "net.safetensors", {.classes = {"cat", "dog"}, .scaler = scaler});
///     load(net, "net.safetensors");                            // into a network of the same shape
///     Model model = load_model("net.safetensors");             // into one of the shape in the file
///     net.load_state_dict(load_file("net.safetensors"))        # Python: an nn.Sequential of the same
///
/// Tensors have the names and shapes of an nn.Sequential in which a Dense layer is a Linear followed by a
/// module for its activation (none for Identity), and every other layer is a module: 0.weight [out, in],
/// 0.bias, 2.weight, ... Layers inside a Residual have a second number: 2.0.weight. A user-defined layer has
/// 4.parameters and 4.state. The tensors have the network's scalar type. The metadata, all of them text, are:
///   mlp.version       1
///   mlp.architecture  see architecture.hpp
///   mlp.features, mlp.classes, mlp.scaler, mlp.probes    the members of ModelInfo that are set, as JSON
/// The probes are a few samples and the network's predictions for them when it was saved.
/// Source: https://huggingface.co/docs/safetensors
namespace mlp::inline MLP_ABI {

namespace detail {

[[noreturn]] inline void fail_in(const std::string& file, MessagePart what) {
  raise<std::runtime_error>({file, ": ", what});
}

// A layer that is a Linear in PyTorch: its weights are a matrix even with a single input. A norm's are a
// vector.
template <class L>
concept IsLinear = requires(const L& layer, VectorArgument<float>& theta) {
  layer.activation();
  layer.weights(theta);
};

// Eigen views the weights of a Linear with one input of static size as a vector; in files they are a matrix.
template <class View>
auto as_matrix(View view) {
  return matrix_view<Dynamic, Dynamic>(view.data(), view.rows(), view.cols());
}

// Calls f(module, leaf, view) for each tensor of a layer with parameters theta and the given state.
template <class L>
void each_tensor(const L& layer, const std::string& module, auto& theta, auto& state, auto&& f);

// The same for a chain of layers; the names of modules begin with `prefix`.
void each_tensor_of_chain(const auto& chain, const std::string& prefix, auto& theta, auto& state, auto&& f) {
  std::size_t module = 0;
  chain.for_each_layer([&]<class L>(const L& layer, Index offset, Index state_offset) {
    auto theta_i = segment_of(theta, offset, layer.parameter_count());
    auto state_i = segment_of(state, state_offset, state_count(layer));
    each_tensor(layer, prefix + std::to_string(module), theta_i, state_i, f);
    ++module;
    if constexpr (IsLinear<L>) {
      visit(layer.activation(), [&]<class F>(const F&) { module += !std::is_same_v<F, Identity>; });
    }
  });
}

template <class L>
void each_tensor(const L& layer, const std::string& module, auto& theta, auto& state, auto&& f) {
  if constexpr (requires { layer.for_each_layer(f); }) {
    each_tensor_of_chain(layer, module + ".", theta, state, f);
    return;
  }
  if constexpr (requires {
                  layer.weights(theta);
                  layer.bias(theta);
                }) {
    if constexpr (IsLinear<L>) f(module, "weight", as_matrix(layer.weights(theta)));
    else f(module, "weight", layer.weights(theta));
    f(module, "bias", layer.bias(theta));
  } else if (layer.parameter_count() > 0) {
    f(module, "parameters", theta);
  }
  if constexpr (requires {
                  layer.running_mean(state);
                  layer.running_variance(state);
                }) {
    f(module, "running_mean", layer.running_mean(state));
    f(module, "running_var", layer.running_variance(state));
  } else if (state_count(layer) > 0) {
    f(module, "state", state);
  }
}

// A view's sizes as PyTorch lists them, and its coefficients in PyTorch's order, row by row.
template <class View>
std::vector<Index> shape_of(const View& view) {
  if (View::ColsAtCompileTime == 1) return {view.rows()};
  return {view.rows(), view.cols()};
}
template <class View>
auto rows_first(const View& view) {
  return Matrix<typename View::Scalar>(view.transpose());
}

// Samples that probe a network, and its predictions for them, all finite. Without samples from the user, they
// are drawn from a normal distribution, and omitted if a prediction for them is not finite.
template <class S>
struct Probes {
  Matrix<S> inputs, predictions;

  Probes(const auto& net, const ModelInfo<S>& info) : inputs(info.probes) {
    const bool is_given = inputs.size() > 0;
    if (!is_given) {
      Rng rng;
      inputs.resize(net.inputs(), 2);
      fill(inputs, [&] { return rng.normal(); });
      std::visit(
          [&]<class T>(const T& scaler) {
            if constexpr (!std::is_same_v<T, std::monostate>) inputs = scaler.inverse_transform(inputs);
          },
          info.scaler);
    }
    if (inputs.allFinite()) predictions = net.predict(info.prepare(inputs));
    const bool is_right = predictions.size() > 0 && predictions.allFinite();
    if (is_given && !is_right) {
      raise<std::invalid_argument>("save: expected finite predictions for the probes, found nan or infinity");
    }
    if (!is_right) inputs.resize(0, 0);
  }
};

// A wide layer without parameters needs memory when the network is used. The file must justify it: the
// network has no more inputs than the file has bytes, plus 1 MB. Every other layer is as wide as the layer
// before it, or has a bias for each output.
inline void check_inputs(Index inputs, const TensorFile& file, auto&& fail) {
  std::size_t bytes = std::size_t{1} << 20;
  for (const Tensor& tensor : file.tensors) bytes += tensor.bytes.size();
  for (const auto& [key, text] : file.metadata) bytes += text.size();
  if (static_cast<std::size_t>(inputs) > bytes) {
    fail(message({"expected no more inputs than the ", bytes, " that the size of the file justifies, found ",
                  inputs}));
  }
}

template <class S>
nlohmann::json scaler_to_json(const Scaler<S>& scaler) {
  return std::visit(
      []<class T>(const T& s) -> nlohmann::json {
        if constexpr (std::is_same_v<T, StandardScaler<S>>) {
          return {{"StandardScaler", {{"mean", columns_of(s.mean)[0]}, {"scale", columns_of(s.scale)[0]}}}};
        } else if constexpr (std::is_same_v<T, MinMaxScaler<S>>) {
          return {{"MinMaxScaler",
                   {{"min", columns_of(s.min)[0]}, {"scale", columns_of(s.scale)[0]}, {"low", s.low}}}};
        } else {
          return nullptr;
        }
      },
      scaler);
}

// Reads the metadata of a file; a value of the wrong type is an error in the file.
class MetadataReader {
 public:
  MetadataReader(const TensorFile& from, const std::string& file) : metadata_(from.metadata), file_(file) {}

  const std::string* find(const std::string& key) const {
    const auto found = metadata_.find(key);
    return found == metadata_.end() ? nullptr : &found->second;
  }

  // Calls use(lists) with the value of a key, if the key exists.
  template <class Use>
  void read(const std::string& key, std::size_t most_texts, Use&& use) const {
    const std::string* const text = find(key);
    if (text == nullptr) return;
    const auto fail = [&] {
      fail_in(file_,
              message({"metadata ", key, ": expected JSON as save writes it, found ", in_quotes(*text)}));
    };
    JsonLists lists;
    if (!lists.parse(*text, most_texts)) fail();
    try {
      use(lists);
    } catch (const std::out_of_range&) {
      fail();
    } catch (const std::invalid_argument& error) {
      fail_in(file_, message({"metadata ", key, ": ", error.what()}));
    }
  }

  // Reads names; more than `expected` are an error.
  void read(const std::string& key, Index expected, std::vector<std::string>& names) const {
    read(key, static_cast<std::size_t>(expected), [&](const JsonLists& json) {
      const JsonLists::List& list = json.texts("");
      if (list.text_count > list.texts.size()) {
        throw_unequal("ModelInfo", expected, " names, or none", static_cast<Index>(list.text_count));
      }
      names = list.texts;
    });
  }

 private:
  const std::map<std::string, std::string>& metadata_;
  const std::string& file_;
};

template <class S>
Vector<S> vector_from(const std::vector<double>& numbers) {
  return Eigen::Map<const Vector<double>>(numbers.data(), static_cast<Index>(numbers.size()))
      .template cast<S>();
}

// Samples of `rows` finite numbers each.
template <class S>
Matrix<S> columns_from(const JsonLists::List& list, Index rows) {
  std::size_t begin = 0;
  for (const std::size_t end : list.ends) {
    const auto found = static_cast<Index>(end - std::exchange(begin, end));
    if (found != rows) throw_unequal("a sample", rows, " numbers", found);
  }
  Matrix<S> m =
      Eigen::Map<const Matrix<double>>(list.numbers.data(), rows, static_cast<Index>(list.ends.size()))
          .template cast<S>();
  if (!m.allFinite()) {
    raise<std::invalid_argument>("expected finite numbers in the range of the scalar type, found others");
  }
  return m;
}

template <class S>
Scaler<S> scaler_from(const JsonLists& json) {
  const auto vector = [&](const char* path) { return vector_from<S>(json.numbers(path)); };
  if (json.contains("StandardScaler.mean")) {
    StandardScaler<S> scaler;
    scaler.mean = vector("StandardScaler.mean");
    scaler.scale = vector("StandardScaler.scale");
    return scaler;
  }
  MinMaxScaler<S> scaler;
  scaler.min = vector("MinMaxScaler.min");
  scaler.scale = vector("MinMaxScaler.scale");
  const Vector<S> low = vector("MinMaxScaler.low");
  if (low.size() != 1) throw_unequal("MinMaxScaler", 1, " number as low", low.size());
  scaler.low = low(0);
  return scaler;
}

// A file without mlp.version was written by another program. It has no metadata to check, and its module
// numbers may skip modules without tensors (nn.Flatten).
inline bool is_foreign(const MetadataReader& metadata, const std::string& file) {
  const std::string* const version = metadata.find("mlp.version");
  if (version != nullptr && *version != "1")
    fail_in(file, message({"metadata mlp.version: expected 1, found ", in_quotes(*version)}));
  return version == nullptr;
}

// Splits a module's name into a name and the numbers at its end: "net.2.0" into "net" and {2, 0}.
inline std::pair<std::string, std::vector<int>> numbers_of(std::string_view module) {
  std::vector<int> numbers;
  while (!module.empty()) {
    const std::size_t dot = module.rfind('.');
    const std::string_view last = dot == std::string_view::npos ? module : module.substr(dot + 1);
    int number = 0;
    const auto [end, error] = std::from_chars(last.data(), last.data() + last.size(), number);
    if (error != std::errc() || end != last.data() + last.size()) break;
    numbers.push_back(number);
    module = dot == std::string_view::npos ? std::string_view() : module.substr(0, dot);
  }
  std::reverse(numbers.begin(), numbers.end());
  return {std::string(module), numbers};
}

// The modules of a file, sorted by number; none unless all have numbers and the same name before them.
inline std::vector<std::string> modules_in_order(const TensorFile& tensors) {
  std::map<std::pair<std::string, std::vector<int>>, std::string> modules;
  for (const Tensor& tensor : tensors.tensors) {
    const std::string module = tensor.name.substr(0, (std::min)(tensor.name.rfind('.'), tensor.name.size()));
    const auto key = numbers_of(module);
    if (key.second.empty() || (!modules.empty() && modules.begin()->first.first != key.first)) return {};
    modules.emplace(key, module);
  }
  std::vector<std::string> names;
  for (const auto& [key, name] : modules) names.push_back(name);
  return names;
}

// Copies the tensors of a file to their places in theta and state.
template <class Net>
void read_parameters(const Net& net, const TensorFile& tensors, const std::string& file, bool foreign,
                     auto& theta, auto& state) {
  using S = typename Net::Scalar;
  const std::vector<std::string> modules = foreign ? modules_in_order(tensors) : std::vector<std::string>{};
  std::map<std::string_view, const Tensor*> by_name;
  for (const Tensor& tensor : tensors.tensors) by_name.emplace(tensor.name, &tensor);
  std::string last_module;
  std::size_t module_count = 0, used = 0;
  each_tensor_of_chain(net, "", theta, state, [&](const std::string& module, const char* leaf, auto view) {
    if (module != std::exchange(last_module, module)) ++module_count;
    const std::string name =
        (module_count <= modules.size() ? modules[module_count - 1] : module) + "." + std::string(leaf);
    const auto found = by_name.find(name);
    const std::vector<Index> shape = shape_of(view);
    const auto fail = [&](const std::string& what) {
      fail_in(file, message({"tensor ", printable(name), ": ", what}));
    };
    if (found == by_name.end()) {
      fail_in(file, message({"expected a tensor ", printable(name), " ", text_of(shape), ", found none"}));
    }
    const Tensor& tensor = *found->second;
    if (tensor.shape != shape) {
      fail(
          message({"expected the sizes ", text_of(shape), " of the network, found ", text_of(tensor.shape)}));
    }
    const std::vector<S> values = tensor_values<S>(tensor, file);
    const Index cols = shape.size() == 1 ? 1 : shape[1];
    view = Eigen::Map<const Matrix<S>>(values.data(), cols, shape[0]).transpose();
    if (!view.allFinite()) fail("expected finite numbers, found nan or infinity");
    ++used;
  });
  for (const Tensor& tensor : tensors.tensors)
    used += tensor.name.ends_with(".num_batches_tracked");  // of PyTorch's BatchNorm1d
  if (used != tensors.tensors.size()) {
    fail_in(file,
            message({"expected the ", used, " tensors of the network, found ", tensors.tensors.size()}));
  }
}

// Predictions differ between processors by far less than this fraction of the largest number, and those of a
// wrong network by far more. The coarser of the two scalar types counts.
template <class S>
double probe_tolerance(const TensorFile& tensors) {
  double epsilon = double{std::numeric_limits<S>::epsilon()};
  for (const Tensor& tensor : tensors.tensors) {
    if (tensor.type == "F32") epsilon = (std::max)(epsilon, 0x1p-23);
    if (tensor.type == "F16") epsilon = (std::max)(epsilon, 0x1p-10);
    if (tensor.type == "BF16") epsilon = (std::max)(epsilon, 0x1p-7);
  }
  return std::sqrt(epsilon);
}

template <class S>
void check_probes(const Matrix<S>& expected, const Matrix<S>& found, double tolerance,
                  const std::string& file) {
  const double bound = tolerance * (1 + double{expected.cwiseAbs().maxCoeff()});
  for (Index j = 0; j < expected.cols(); ++j) {
    for (Index i = 0; i < expected.rows(); ++i) {
      if (!(std::abs(double{expected(i, j)} - double{found(i, j)}) <= bound)) {
        fail_in(file,
                message({"probe ", j, ", output ", i, ": expected the network to predict ", expected(i, j),
                         ", found ", found(i, j), ": it is not the network that was saved"}));
      }
    }
  }
}

}  // namespace detail

/// The tensors and metadata that save writes.
/// Errors: std::invalid_argument if info does not fit the network, a parameter or the prediction for a probe
/// is not finite, or the architecture exceeds the limits of architecture.hpp.
template <class S, class L, class... Layers>
TensorFile to_tensors(const BasicMlp<S, L, Layers...>& net, const ModelInfo<S>& info = {}) {
  info.validate(net.inputs(), net.outputs());
  TensorFile file;
  const auto theta = net.parameters();
  const auto state = net.state();
  detail::each_tensor_of_chain(
      net, "", theta, state, [&](const std::string& module, const char* leaf, const auto& view) {
        const std::string name = module + "." + leaf;
        if (!view.allFinite()) {
          detail::raise<std::invalid_argument>(
              {"save: tensor ", name, ": expected finite numbers, found nan or infinity"});
        }
        file.tensors.push_back(make_tensor(name, detail::shape_of(view), detail::rows_first(view).data()));
      });
  auto& metadata = file.metadata;
  metadata["format"] = "pt";  // the tensors have PyTorch's names
  metadata["mlp.version"] = "1";
  const std::string text = architecture(net);
  detail::PartParser(text).parse();  // throws if the text could not be read back
  metadata["mlp.architecture"] = text;
  if (!info.features.empty()) metadata["mlp.features"] = detail::dump(info.features);
  if (!info.classes.empty()) metadata["mlp.classes"] = detail::dump(info.classes);
  if (const auto scaler = detail::scaler_to_json<S>(info.scaler); !scaler.is_null())
    metadata["mlp.scaler"] = detail::dump(scaler);
  if (const detail::Probes<S> probes(net, info); probes.inputs.size() > 0) {
    metadata["mlp.probes"] = detail::dump({{"inputs", detail::columns_of(probes.inputs)},
                                           {"predictions", detail::columns_of(probes.predictions)}});
  }
  detail::check_inputs(net.inputs(), file, [](const std::string& what) {
    detail::raise<std::invalid_argument>({"save: ", what});
  });
  return file;
}

/// Sets a network's parameters and state from a file's tensors, and returns the file's other information.
/// `file` is the file's name in messages. If it throws, the network is unchanged.
/// Errors: std::runtime_error naming the file and the tensor or metadata, the expected and the found value,
/// if the number, names or sizes of tensors differ, a number is not finite, metadata do not fit the network,
/// or the network's predictions differ from those of the probes.
template <class S, class L, class... Layers>
ModelInfo<S> from_tensors(BasicMlp<S, L, Layers...>& net, const TensorFile& tensors,
                          const std::string& file) {
  const detail::MetadataReader metadata(tensors, file);
  const bool foreign = detail::is_foreign(metadata, file);
  BasicMlp<S, L, Layers...> loaded = net;
  auto theta = loaded.parameters();
  auto state = loaded.state();
  detail::read_parameters(loaded, tensors, file, foreign, theta, state);

  ModelInfo<S> info;
  metadata.read("mlp.features", net.inputs(), info.features);
  metadata.read("mlp.classes", net.outputs() == 1 ? 2 : net.outputs(), info.classes);
  metadata.read("mlp.scaler", 0,
                [&](const detail::JsonLists& json) { info.scaler = detail::scaler_from<S>(json); });
  Matrix<S> expected;
  metadata.read("mlp.probes", 0, [&](const detail::JsonLists& json) {
    info.probes = detail::columns_from<S>(json.lists("inputs"), net.inputs());
    expected = detail::columns_from<S>(json.lists("predictions"), net.outputs());
    if (expected.cols() != info.probes.cols() || expected.cols() == 0)
      detail::throw_unequal("predictions", info.probes.cols(), " samples, and at least one", expected.cols());
  });
  Matrix<S> found;
  try {
    info.validate(net.inputs(), net.outputs());
    if (expected.size() > 0) found = loaded.predict(info.prepare(info.probes));
  } catch (const std::invalid_argument& error) {
    detail::fail_in(file, detail::message({"metadata: ", error.what()}));
  }
  if (expected.size() > 0) detail::check_probes(expected, found, detail::probe_tolerance<S>(tensors), file);
  net = std::move(loaded);
  return info;
}

/// Creates a network of the architecture that the file defines.
/// Errors: as the other from_tensors, and std::runtime_error if the file defines none, like files of other
/// programs.
template <class S = float>
Model<S> from_tensors(const TensorFile& tensors, const std::string& file) {
  const detail::MetadataReader metadata(tensors, file);
  detail::is_foreign(metadata, file);
  const std::string* const text = metadata.find("mlp.architecture");
  if (text == nullptr) {
    detail::fail_in(
        file,
        "expected the architecture among the metadata, found none: if the file was not written by mlp, "
        "load it into a network of the same shape");
  }
  try {
    auto [loss, layers] = detail::read_architecture(std::string_view(*text));
    // Checked before allocating: the file must hold at least as many bytes as the network has numbers.
    std::size_t bytes = 0;
    for (const Tensor& tensor : tensors.tensors) bytes += tensor.bytes.size();
    const auto count = static_cast<std::size_t>(layers.parameter_count() + layers.state_count());
    if (count > bytes) {
      detail::fail_in(file, detail::message({"expected tensors of the ", count,
                                             " numbers that the architecture has, found ", bytes, " bytes"}));
    }
    detail::check_inputs(layers.inputs(), tensors,
                         [&](const std::string& what) { detail::fail_in(file, what); });
    Model<S> model{BasicDynamicMlp<S>(std::move(loss), std::move(layers))};
    model.info = from_tensors(model.net, tensors, file);
    return model;
  } catch (const std::invalid_argument& error) {
    detail::fail_in(file, detail::message({"metadata mlp.architecture: ", error.what()}));
  }
}

/// Writes a network and the model's information to a file: see above. A crash at any moment leaves the old
/// file or the new one.
/// Errors: std::invalid_argument as to_tensors; std::runtime_error if the file can't be written.
template <class S, class L, class... Layers>
void save(const BasicMlp<S, L, Layers...>& net, const std::filesystem::path& path,
          const ModelInfo<S>& info = {}) {
  write_tensors(to_tensors(net, info), path);
}

/// Reads a file of save or of PyTorch into a network of its shape. Numbers in float64, float16 and bfloat16
/// are rounded to the network's scalar type.
/// Errors: std::runtime_error as from_tensors and read_tensors; the network is then unchanged.
template <class S, class L, class... Layers>
ModelInfo<S> load(BasicMlp<S, L, Layers...>& net, const std::filesystem::path& path) {
  return from_tensors(net, read_tensors(path), detail::path_text(path));
}

/// Reads a file of save into a network of the shape that the file defines.
/// Errors: std::runtime_error as from_tensors and read_tensors.
template <class S = float>
Model<S> load_model(const std::filesystem::path& path) {
  return from_tensors<S>(read_tensors(path), detail::path_text(path));
}

}  // namespace mlp::inline MLP_ABI
