// Writes networks with every activation, layer, loss and scaler as ONNX files, with samples and predictions
// for them: NAME.onnx, NAME.x and NAME.y in the given folder; the latter two hold little-endian floats,
// sample after sample. See onnx_runtime.sh.

#include <mlp/io/onnx.hpp>
#include <mlp/mlp.hpp>

#include <bit>
#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

using namespace mlp;

static std::filesystem::path folder;

// A file name for a part with its options.
static std::string as_name(std::string text) {
  for (char& c : text) {
    if (std::string_view("(,=[ ").find(c) != std::string_view::npos) c = '_';
  }
  return text.substr(0, text.find_first_of(")]"));
}

template <class S>
static void write(const std::string& name, const Matrix<S>& values) {
  std::string bytes;
  for (const S value : values.reshaped()) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(value));
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(bits >> shift & 0xFF);
  }
  detail::write_file(folder / name, bytes);
}

template <class S>
static void write_all(const std::string& name, BasicDynamicMlp<S> net, ModelInfo<S> info = {}) {
  Rng rng{7};
  net.initialize(rng);
  // Biases and the parameters of norms get random values too.
  const Vector<S> is_weight = net.weight_mask();
  for (Index i = 0; i < net.parameter_count(); ++i) {
    if (is_weight(i) == 0) net.parameters()(i) += static_cast<S>(0.2 * rng.normal());
  }
  for (S& s : net.state()) s += static_cast<S>(0.5 * rng.uniform());
  Matrix<S> x(net.inputs(), 1000);
  for (S& value : x.reshaped()) value = static_cast<S>(static_cast<float>(2 * rng.normal()));
  export_onnx(net, folder / (name + ".onnx"), info);
  write(name + ".x", x);
  write(name + ".y", Model<S>{net, info}.predict(x));
}

int main(int, char** arguments) {
  folder = arguments[1];
  for (const char* f :
       {"Identity", "ReLU", "LeakyReLU(negative_slope=0.2)", "ELU(alpha=0.7)", "SELU", "GELU",
        "GELU(approximate=1)", "SiLU", "Mish", "Softplus", "Softplus(beta=2.5)", "Softsign", "Sigmoid",
        "Tanh", "HardTanh(min_value=-0.3, max_value=2)", "HardTanh(max_value=inf)"}) {
    const std::string text = f;
    write_all(as_name(text),
              from_architecture("Mlp(MeanSquaredError, Dense(6, 16, " + text +
                                "), Dense(16, 8), Activate(8, " + text + "), Dense(8, 3, " + text + "))"));
  }
  for (const char* loss :
       {"MeanAbsoluteError", "Huber(delta=0.5)", "BinaryCrossEntropy(positive_weights=[2])",
        "SoftmaxCrossEntropy(label_smoothing=0.1)", "Hinge", "PoissonNLL", "PoissonNLL(log_input=false)",
        "GaussianNLL(epsilon=0.25)"}) {
    const std::string text = loss;
    write_all(as_name(text), from_architecture("Mlp(" + text + ", Dense(6, 16, Tanh), Dense(16, 4))"));
  }
  const char* const all_layers =
      "Mlp(SoftmaxCrossEntropy, Dense(6, 12, GELU), Dropout(12, p=0.3), LayerNorm(12, epsilon=0.001), "
      "Residual(Dense(12, "
      "8, SiLU), Residual(LayerNorm(8), Dense(8, 8, Mish)), Dense(8, 12)), BatchNorm(12, epsilon=0.01), "
      "Activate(12, "
      "ReLU), Residual(Activate(12, Identity)), Dense(12, 5))";
  const Matrix<float> seen = Matrix<float>::Random(6, 100) * 3;
  write_all("layers", from_architecture(all_layers));
  write_all("standard_scaler", from_architecture(all_layers), {.scaler = StandardScaler(seen)});
  write_all("min_max_scaler", from_architecture(all_layers),
            {.features = {"a", "b", "c", "d", "e", "f"},
             .classes = {"v", "w", "x", "y", "z"},
             .scaler = MinMaxScaler(seen, -1, 1)});
  write_all("double", from_architecture<double>(all_layers),
            {.scaler = StandardScaler(Matrix<double>(seen.cast<double>()))});
  write_all("static", to_dynamic(Mlp<BinaryCrossEntropy, Dense<6, 9, ReLU>, BatchNorm<9>, Dense<9, 1>>()));
  write_all("large",
            from_architecture(
                "Mlp(SoftmaxCrossEntropy, Dense(784, 256, ReLU), Dense(256, 128, ReLU), Dense(128, 10))"));
}
