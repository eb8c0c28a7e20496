// Predicts with any model: mlp_predict [--output NAME] MODEL.safetensors|MODEL.onnx < data.csv
//
// The model's file defines the network, the scaling of its inputs, and the names of its classes; this program
// knows none of them. Writes a CSV of predictions, a line for each line of data.

#include <mlp/base/printable.hpp>
#include <mlp/io/csv.hpp>
#include <mlp/io/onnx.hpp>
#include <mlp/io/safetensors.hpp>

#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <iostream>
#include <stdexcept>
#include <string>

using namespace mlp;

namespace {

constexpr const char* usage =
    "usage: mlp_predict MODEL.safetensors|MODEL.onnx < data.csv\n"
    "\n"
    "Reads samples, one per line below a header, and writes the model's predictions for them. If the model "
    "has\n"
    "names for its inputs, the columns of these names are used in the model's order, and others are "
    "ignored.\n"
    "\n"
    "  --info          describes the model, and reads no data\n"
    "  --output NAME   of an ONNX file that has several outputs\n"
    "  --help          prints this text\n";

Model<> read_model(const std::filesystem::path& path, const std::string& output) {
  if (path.extension() == ".onnx") return import_onnx(path, {.output = output});
  if (!output.empty())
    throw std::invalid_argument("expected an ONNX file with --output, found " + path.string());
  return load_model(path);
}

// Names come from the model's file: they must not control a terminal or flood it.
std::string shown(const std::string& name) { return printable(name, 1000); }

// A name as a field of a CSV.
std::string field(const std::string& name) {
  const std::string text = shown(name);
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + "\"";
}

// Names of the classes, or of the outputs if there are none.
std::string name_of_output(const Model<>& model, Index i) {
  const auto& classes = model.info.classes;
  if (static_cast<Index>(classes.size()) == model.net.outputs()) return classes[static_cast<std::size_t>(i)];
  return model.net.outputs() == 1 ? "prediction" : "output_" + std::to_string(i);
}

void print_info(const Model<>& model) {
  std::printf("%s\n%td inputs, %td outputs, %td parameters\n",
              printable(architecture(model.net), 10'000).c_str(), model.net.inputs(), model.net.outputs(),
              model.net.parameter_count());
  for (const std::string& feature : model.info.features) std::printf("input   %s\n", shown(feature).c_str());
  for (const std::string& name : model.info.classes) std::printf("class   %s\n", shown(name).c_str());
}

void predict(const Model<>& model) {
  const Matrix<float> x = read_csv_features(std::cin, "the input", {.features = model.info.features}).x;
  const Matrix<float> predictions = model.predict(x);
  const Labels labels = model.classify(x);
  const auto& classes = model.info.classes;

  for (Index i = 0; i < predictions.rows(); ++i)
    std::printf("%s%s", i > 0 ? "," : "", field(name_of_output(model, i)).c_str());
  std::printf(classes.empty() ? "\n" : ",class\n");
  for (Index j = 0; j < predictions.cols(); ++j) {
    for (Index i = 0; i < predictions.rows(); ++i)
      std::printf("%s%.6g", i > 0 ? "," : "", static_cast<double>(predictions(i, j)));
    if (!classes.empty()) std::printf(",%s", field(classes[static_cast<std::size_t>(labels(j))]).c_str());
    std::printf("\n");
  }
}

}  // namespace

int main(int argc, char** argv) {
  try {
    std::string path, output;
    bool info = false, help = false;
    for (int i = 1; i < argc; ++i) {
      const std::string argument = argv[i];
      if (argument == "--info") info = true;
      else if (argument == "--help") help = true;
      else if (argument == "--output" && i + 1 < argc) output = argv[++i];
      else if (!path.empty() || argument.starts_with("--"))
        throw std::invalid_argument("expected one model, found also " + argument);
      else path = argument;
    }
    if (help || path.empty()) {
      std::fputs(usage, help ? stdout : stderr);
      return help ? EXIT_SUCCESS : EXIT_FAILURE;
    }
    const Model<> model = read_model(path, output);
    if (info) print_info(model);
    else predict(model);
    if (std::ferror(stdout) != 0 || std::fflush(stdout) != 0) {
      throw std::runtime_error("the output: expected a writable file, found an error while writing");
    }
    return EXIT_SUCCESS;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "mlp_predict: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
