#include <mlp/io/onnx.hpp>

#include <mlp/base/random.hpp>
#include <mlp/data/scalers.hpp>
#include <mlp/dynamic/architecture.hpp>
#include <mlp/dynamic/dynamic_mlp.hpp>
#include <mlp/layer/dense.hpp>

#include "golden/compare.hpp"
#include "golden/onnx.hpp"
#include "message_of.hpp"
#include "peak_memory.hpp"
#include "temp_folder.hpp"

#include <doctest/doctest.h>
#include <protozero/pbf_writer.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <iterator>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

using namespace mlp;

namespace {

const std::filesystem::path data = std::filesystem::path(__FILE__).parent_path() / "../files/onnx";

template <class S>
void randomize(BasicDynamicMlp<S>& net) {
  Rng rng{3};
  for (S& p : net.parameters()) p = static_cast<S>(rng.normal());
  for (S& s : net.state()) s = static_cast<S>(0.5 + rng.uniform());
}

// Files that other programs might write: a node, a tensor and an input as protobuf messages.

struct Attribute {
  const char* name;
  std::variant<float, int, const char*, std::vector<float>, std::vector<int>> value;
};

struct Node {
  const char* op;
  std::vector<std::string> inputs;
  std::string output;
  std::vector<Attribute> attributes = {};
  const char* domain = "";
  std::vector<std::string> more_outputs = {};

  std::string bytes() const {
    std::string result;
    protozero::pbf_writer to(result);
    for (const std::string& input : inputs) to.add_string(1, input);
    to.add_string(2, output);
    for (const std::string& more : more_outputs) to.add_string(2, more);
    to.add_string(4, op);
    to.add_string(7, domain);
    for (const auto& [name, value] : attributes) {
      protozero::pbf_writer attribute(to, 5);
      attribute.add_string(1, name);
      if (const auto* const real = std::get_if<float>(&value)) attribute.add_float(2, *real);
      if (const auto* const integer = std::get_if<int>(&value)) attribute.add_int64(3, *integer);
      if (const auto* const text = std::get_if<const char*>(&value)) attribute.add_string(4, *text);
      if (const auto* const reals = std::get_if<std::vector<float>>(&value)) {
        attribute.add_packed_float(7, reals->begin(), reals->end());
      }
      if (const auto* const integers = std::get_if<std::vector<int>>(&value)) {
        attribute.add_packed_int64(8, integers->begin(), integers->end());
      }
    }
    return result;
  }
};

std::string tensor(const char* name, const std::vector<std::int64_t>& dims, const std::vector<float>& values,
                   int type = 1) {
  std::string result;
  protozero::pbf_writer to(result);
  for (const auto dim : dims) to.add_int64(1, dim);
  to.add_int32(2, type);
  to.add_packed_float(4, values.begin(), values.end());
  to.add_string(8, name);
  return result;
}

std::string value(const char* name, const std::vector<std::int64_t>& dims, int type = 1) {
  std::string result;
  protozero::pbf_writer to(result);
  to.add_string(1, name);
  protozero::pbf_writer kind(to, 2);
  protozero::pbf_writer tensor_type(kind, 1);
  tensor_type.add_int32(1, type);
  protozero::pbf_writer shape(tensor_type, 2);
  for (const auto dim : dims) {
    protozero::pbf_writer size(shape, 1);
    if (dim > 0) size.add_int64(1, dim);
    else size.add_string(2, "N");
  }
  return result;
}

struct File {
  std::vector<Node> nodes;
  std::vector<std::string> tensors = {tensor("w", {2, 2}, {1, 2, 3, 4}), tensor("v", {2}, {1, 2}),
                                      tensor("c", {}, {2})};
  std::vector<std::string> inputs = {value("x", {0, 2})};
  std::vector<std::string> outputs = {value("y", {0, 2})};
  std::vector<std::pair<std::string, std::string>> metadata = {};
  int opset = 17;

  std::string bytes() const {
    std::string result;
    protozero::pbf_writer model(result);
    {
      protozero::pbf_writer graph(model, 7);
      for (const Node& node : nodes) graph.add_message(1, node.bytes());
      for (const std::string& each : tensors) graph.add_message(5, each);
      for (const std::string& each : inputs) graph.add_message(11, each);
      for (const std::string& each : outputs) graph.add_message(12, each);
    }
    protozero::pbf_writer(model, 8).add_int64(2, opset);
    for (const auto& [key, text] : metadata) {
      protozero::pbf_writer entry(model, 14);
      entry.add_string(1, key);
      entry.add_string(2, text);
    }
    return result;
  }
};

Model<float> read(const File& file, const OnnxOptions& options = {}) {
  return onnx_from_bytes(file.bytes(), "FILE", options);
}

// The architecture that is read, or the error.
std::string outcome(const std::string& bytes) {
  try {
    return architecture(onnx_from_bytes(bytes, "FILE").net);
  } catch (const std::runtime_error& error) {
    return error.what();
  }
}
std::string outcome(const File& file) { return outcome(file.bytes()); }
std::string outcome(std::vector<Node> nodes) { return outcome(File{std::move(nodes)}); }

const Node dense{"MatMul", {"x", "w"}, "h"};

}  // namespace

TEST_CASE("Files of PyTorch and of scikit-learn's converter are read") {
  for (const auto& file : golden::onnx::files) {
    CAPTURE(file.name);
    const auto model = import_onnx(data / (file.name + std::string(".onnx")));
    CHECK(architecture(model.net) == file.architecture);
    const auto predicted = model.predict(golden::matrix<float>(std::span(file.x), model.net.inputs(), 4));
    // Numbers up to 4; about 10 roundings to float add up in either program.
    CHECK(golden::worst_error(predicted, std::span(file.y)) <=
          4 * 10 * std::numeric_limits<float>::epsilon());
  }
  const auto names = [](const char* file) { return import_onnx<double>(data / file).info.classes; };
  CHECK(names("sklearn_classifier.onnx") == std::vector<std::string>{"setosa", "versicolor", "virginica"});
  CHECK(names("sklearn_binary_zipmap.onnx") == std::vector<std::string>{"0", "1"});
}

TEST_CASE("A written file is read back unchanged") {
  Rng rng{1};
  const Matrix<float> x = Matrix<float>::NullaryExpr(3, 7, [&] { return static_cast<float>(rng.normal()); });
  for (const char* const text : {
           "Mlp(MeanSquaredError, Dense(3, 2), Dense(2, 2, ReLU), Dense(2, 2, "
           "LeakyReLU(negative_slope=0.3)), Dense(2, 2, "
           "ELU(alpha=0.7)), Dense(2, 2, SELU), Dense(2, 2, GELU), Dense(2, 2, GELU(approximate=1)), "
           "Dense(2, 2, SiLU), "
           "Dense(2, 2, Mish), Dense(2, 2, Softplus), Dense(2, 2, Softplus(beta=0.1)), Dense(2, 2, "
           "Softsign), Dense(2, 2, "
           "Sigmoid), Dense(2, 2, Tanh), Dense(2, 2, HardTanh(min_value=-0.1, max_value=0.7)), Dense(2, 2, "
           "HardTanh(max_value=inf)), Dense(2, 2, "
           "Sigmoid))",
           "Mlp(SoftmaxCrossEntropy(label_smoothing=0.1), Dropout(3, p=0.1), Dense(3, 4), LayerNorm(4, "
           "epsilon=0.001), "
           "Activate(4, GELU), Residual(Dense(4, 2, Tanh), Residual(Activate(2, ReLU), BatchNorm(2, "
           "epsilon=1e-05, "
           "momentum=0.1)), Dense(2, 4)), BatchNorm(4, epsilon=0.3, momentum=0.7))",
           "Mlp(MeanAbsoluteError, Residual(Activate(3, Identity)))",
           "Mlp(Huber(delta=0.1), Activate(3, Identity))",
           "Mlp(BinaryCrossEntropy(positive_weights=[1, 0.1, 3]), Activate(3, Sigmoid))",
           "Mlp(Hinge, Activate(3, Tanh))",
           "Mlp(PoissonNLL, Dense(3, 1))",
           "Mlp(PoissonNLL(log_input=0), Dense(3, 1))",
           "Mlp(GaussianNLL(epsilon=0.1), Dense(3, 4))",
       }) {
    CAPTURE(text);
    DynamicMlp net = from_architecture(text);
    randomize(net);
    const auto model = onnx_from_bytes(to_onnx(net), "FILE");
    CHECK(architecture(model.net) == architecture(net));
    CHECK(model.net.parameters() == net.parameters());
    CHECK(model.net.state() == net.state());
    CHECK(model.predict(x) == net.predict(x));
  }
}

TEST_CASE("Scalers and names are stored with the network") {
  DynamicMlp net(SoftmaxCrossEntropy{}, {DynamicDense(2, 3, ReLU{})});
  randomize(net);
  const Matrix<float> x = Matrix<float>{{1, 2, 4}, {-3, 5, 0.1f}};
  const TempFolder folder;
  const auto path = folder / "net.onnx";
  export_onnx(net, path, {.features = {"a", "b"}, .classes = {"c", "d", "e"}, .scaler = StandardScaler(x)});
  const auto standard = import_onnx(path);
  CHECK(standard.info.features == std::vector<std::string>{"a", "b"});
  CHECK(standard.info.classes == std::vector<std::string>{"c", "d", "e"});
  CHECK(std::get<StandardScaler<float>>(standard.info.scaler).mean == StandardScaler(x).mean);
  CHECK(standard.predict(x) == net.predict(StandardScaler(x).transform(x)));

  export_onnx(net, path, {.scaler = MinMaxScaler(x, -1, 2)});
  const auto range = import_onnx(path);
  CHECK(range.info.features.empty());
  CHECK(std::get<MinMaxScaler<float>>(range.info.scaler).low == -1);
  CHECK(range.predict(x) == net.predict(MinMaxScaler(x, -1, 2).transform(x)));

  CHECK(message_of([&] { to_onnx(net, {.classes = {"a"}}); }).find("expected 3 names of classes") !=
        std::string::npos);
  CHECK(message_of<std::runtime_error>([&] {
          import_onnx(folder / "none.onnx");
        }).find("none.onnx: expected") != std::string::npos);
}

TEST_CASE("A static network of doubles is written in float") {
  BasicMlp<double, BinaryCrossEntropy, Dense<2, 3, Tanh>, Dense<3, 1>> net;
  net.parameters().setConstant(0.1);
  const auto model = onnx_from_bytes<double>(to_onnx(net), "FILE");
  CHECK(architecture(model.net) == architecture(net));
  CHECK((model.net.parameters().array() == double{0.1f}).all());
  for (const double bad : {1e39, std::numeric_limits<double>::quiet_NaN()}) {
    net.parameters()(4) = bad;
    CHECK(message_of([&] { to_onnx(net); }).find("expected finite numbers in the range of float, found") !=
          std::string::npos);
  }
}

TEST_CASE("Accepted forms") {
  const auto is_read_as = [](std::vector<Node> nodes, const std::string& expected) {
    CHECK(outcome(std::move(nodes)) == "Mlp(" + expected + ")");
  };
  // Newer operators.
  is_read_as({dense, {"Mish", {"h"}, "y"}}, "MeanSquaredError, Dense(2, 2, Mish)");
  is_read_as({dense, {"Gelu", {"h"}, "y"}}, "MeanSquaredError, Dense(2, 2, GELU)");
  is_read_as({dense, {"Gelu", {"h"}, "y", {{"approximate", "tanh"}}}},
             "MeanSquaredError, Dense(2, 2, GELU(approximate=1))");
  is_read_as({dense, {"Softsign", {"h"}, "y"}}, "MeanSquaredError, Dense(2, 2, Softsign)");
  // A loss's to_prediction.
  is_read_as({dense, {"Exp", {"h"}, "y"}}, "PoissonNLL, Dense(2, 2)");
  is_read_as({dense, {"Softmax", {"h"}, "y"}}, "SoftmaxCrossEntropy, Dense(2, 2)");
  is_read_as({dense, {"Sigmoid", {"h"}, "s"}, {"Identity", {"s"}, "y"}}, "BinaryCrossEntropy, Dense(2, 2)");
  is_read_as({dense, {"Sigmoid", {"h"}, "s"}, {"Sigmoid", {"s"}, "y"}},
             "BinaryCrossEntropy, Dense(2, 2, Sigmoid)");
  // Nothing, and a sum of nothing with itself.
  is_read_as({{"Identity", {"x"}, "y"}}, "MeanSquaredError, Activate(2, Identity)");
  is_read_as({{"Add", {"x", "x"}, "y"}}, "MeanSquaredError, Residual(Activate(2, Identity))");
  // Nodes that are not between input and output may be anything.
  is_read_as({dense, {"Conv", {"h"}, "z"}, {"Relu", {"h"}, "y"}}, "MeanSquaredError, Dense(2, 2, ReLU)");
  is_read_as({{"Dropout", {"x"}, "y"}}, "MeanSquaredError, Dropout(2, p=0.5)");
  is_read_as({{"LayerNormalization", {"x", "v"}, "y"}}, "MeanSquaredError, LayerNorm(2, epsilon=1e-05)");

  // Sizes that only the weights define, and an initializer that is also an input.
  File file{{dense, {"Relu", {"h"}, "y"}}};
  file.inputs = {value("x", {0, 0}), value("w", {2, 2})};
  CHECK(outcome(file) == "Mlp(MeanSquaredError, Dense(2, 2, ReLU))");
  file.nodes = {{"Relu", {"x"}, "a"}, {"Add", {"x", "a"}, "s"}, {"MatMul", {"s", "w"}, "y"}};
  CHECK(outcome(file) == "Mlp(MeanSquaredError, Residual(Activate(2, ReLU)), Dense(2, 2))");
  // y = 2 (1 + x' (1 2; 3 4)) - 1 (1, 2) + ...: what MatMul lacks is added to its bias.
  const auto model =
      read({{{"Gemm", {"x", "w", "c"}, "h", {{"alpha", 0.5f}, {"beta", 2.f}}}, {"Sub", {"h", "v"}, "y"}}});
  CHECK(model.predict(Vector<float>{{2, 4}}) == Vector<float>{{1 + 6 + 4 - 1, 2 + 8 + 4 - 2}});
}

TEST_CASE("Arithmetic before the first layer is a scaler") {
  const Matrix<float> x = Matrix<float>{{1, 2}, {3, 5}};
  const auto predict = [&](std::vector<Node> nodes) {
    nodes.push_back({"Identity", {"a"}, "y"});
    return read({std::move(nodes)}).predict(x);
  };
  // v = (1, 2), c = 2; all results are exact.
  CHECK(predict({{"Add", {"v", "x"}, "s"}, {"Div", {"s", "c"}, "a"}}) ==
        Matrix<float>{{1, 1.5f}, {2.5f, 3.5f}});
  CHECK(predict({{"Mul", {"x", "c"}, "m"}, {"Add", {"m", "v"}, "a"}}) == Matrix<float>{{3, 5}, {8, 12}});
  CHECK(predict({{"Mul", {"x", "v"}, "m"}, {"Add", {"m", "c"}, "a"}}) == Matrix<float>{{3, 4}, {8, 12}});
  CHECK(predict({{"Add", {"x", "c"}, "s"}, {"Mul", {"s", "c"}, "a"}}) == Matrix<float>{{6, 8}, {10, 14}});
}

TEST_CASE("The output is the one that is named, or the only one that is computed") {
  File file{{{"Relu", {"x"}, "a"},
             {"Tanh", {"x"}, "b"},
             {"Shape", {"x"}, "s"},
             {"Cast", {"s"}, "t", {{"to", 1}}},
             {"Identity", {"z"}, "state"}}};
  file.inputs = {value("x", {0, 2}), value("z", {0, 5})};
  file.outputs = {value("t", {}), value("state", {}), value("b", {})};
  CHECK(outcome(file) == "Mlp(MeanSquaredError, Activate(2, Tanh))");
  file.outputs = {value("a", {}), value("b", {})};
  CHECK(architecture(read(file, {.output = "a"}).net) == "Mlp(MeanSquaredError, Activate(2, ReLU))");
  CHECK(message_of<std::runtime_error>([&] { read(file, {.output = "s"}); }) ==
        "FILE: expected an output \"s\", found \"a\", \"b\"");
  file.outputs = {value("t", {})};
  CHECK(outcome(file).find("expected a form that multi-layer perceptrons have") != std::string::npos);
}

TEST_CASE("Inputs that a Concat joins are one") {
  File file{
      {{"Flatten", {"b"}, "f"}, {"Concat", {"f", "a"}, "j", {{"axis", -1}}}, {"MatMul", {"j", "w"}, "y"}}};
  file.tensors = {tensor("w", {3, 1}, {1, 10, 100})};
  file.inputs = {value("a", {0, 1}), value("b", {0, 1, 2})};
  const auto model = read(file);
  CHECK(model.predict(Vector<float>{{1, 2, 3}}) == Vector<float>{{321}});
  CHECK(model.info.features == std::vector<std::string>{"b.0", "b.1", "a"});
  file.inputs[0] = value("a", {0, 0});
  CHECK(outcome(file) == "FILE: input \"a\": expected a known size, found none");
  file.nodes[1].inputs = {"f", "f"};
  CHECK(outcome(file).find("expected") != std::string::npos);
}

TEST_CASE("Weights beside the model") {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "models");
  const std::string numbers("....\0\0\x80\x3F\0\0\0\x40\0\0\x40\x40\0\0\x80\x40", 20);  // 1, 2, 3, 4
  detail::write_file(folder / "models/w.data", numbers);
  detail::write_file(folder / "secret", numbers);
  const auto external = [](const std::vector<std::pair<std::string, std::string>>& entries) {
    std::string result = tensor("w", {2, 2}, {});
    protozero::pbf_writer to(result);
    for (const auto& [key, text] : entries) {
      protozero::pbf_writer entry(to, 13);
      entry.add_string(1, key);
      entry.add_string(2, text);
    }
    to.add_int32(14, 1);
    return result;
  };
  const auto path = folder / "models/net.onnx";
  const auto error = [&](const std::vector<std::pair<std::string, std::string>>& entries) -> std::string {
    detail::write_file(path,
                       File{{dense}, {external(entries)}, {value("x", {0, 2})}, {value("h", {})}}.bytes());
    try {
      const auto model = import_onnx(path);
      CHECK(model.net.parameters() == Vector<float>{{1, 2, 3, 4, 0, 0}});
      return "";
    } catch (const std::runtime_error& refused) {
      return refused.what();
    }
  };
  CHECK(error({{"location", "w.data"}, {"offset", "4"}, {"length", "16"}}).empty());
  CHECK(error({{"location", "./w.data"}, {"offset", "4"}}).empty());
  const auto refuses = [&](const std::vector<std::pair<std::string, std::string>>& entries,
                           const std::string& expected) {
    const std::string found = error(entries);
    CAPTURE(found);
    CHECK(found.find(expected) != std::string::npos);
  };
  const std::string who = "net.onnx: tensor \"w\": expected ";
  refuses({{"location", "w.data"}, {"offset", "5"}, {"length", "16"}},
          who + "16 bytes from 5 on in \"w.data\", found 20 bytes");
  refuses({{"location", "w.data"}, {"offset", "18446744073709551615"}, {"length", "16"}}, "found 20 bytes");
  refuses({{"location", "w.data"}, {"offset", "4"}, {"length", "8"}},
          who + "4 numbers, as its sizes say, found 8 bytes");
  refuses({{"location", "w.data"}, {"offset", "-4"}}, who + "an offset and a length in bytes, found \"-4\"");
  refuses({{"location", "none.data"}}, "none.data: expected a readable file");
  const std::string within = who + "its data in a file of the model's folder, found ";
  refuses({}, within + "\"\"");
  refuses({{"location", "../secret"}, {"offset", "4"}}, within);
  refuses({{"location", (folder / "secret").string()}, {"offset", "4"}}, within);
  refuses({{"location", "."}}, "expected");
  std::error_code no_links;
  std::filesystem::create_symlink(folder / "secret", folder / "models/link", no_links);
  if (!no_links) refuses({{"location", "link"}, {"offset", "4"}}, within);
  CHECK(
      outcome(File{{dense}, {external({{"location", "w.data"}})}, {value("x", {0, 2})}, {value("h", {})}}) ==
      "FILE: tensor \"w\": expected its data within this file, found them in another");
}

TEST_CASE("One sample without a dimension for a batch") {
  File file{{{"MatMul", {"w", "x"}, "h"}, {"Add", {"h", "v"}, "y"}}};
  file.inputs = {value("x", {2})};
  CHECK(read(file).predict(Vector<float>{{5, 6}}) == Vector<float>{{5 + 12 + 1, 15 + 24 + 2}});
  file.nodes[0].inputs = {"x", "w"};
  CHECK(read(file).predict(Vector<float>{{5, 6}}) == Vector<float>{{5 + 18 + 1, 10 + 24 + 2}});
}

TEST_CASE("Nodes that choose or reorder features") {
  const Vector<float> x{{1, 2, 3, 4, 5, 6}};
  const auto predict = [&](std::vector<Node> nodes, std::vector<std::int64_t> dims = {0, 6}) {
    File file{std::move(nodes)};
    file.inputs = {value("x", std::move(dims))};
    file.tensors = {tensor("w", {6, 6}, {1, 0, 0, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0,
                                         0, 0, 0, 1, 0, 0, 0, 0,  0, 0, 1, 0, 0, 0, 0, 0, 0, 1}),
                    tensor("v", {2, 1}, {1, 10}),
                    tensor("s", {2}, {2, 4}, 7),
                    tensor("i", {2}, {-1, 0}, 7),
                    tensor("from", {1}, {-4}, 7),
                    tensor("to", {1}, {1e18f}, 7),
                    tensor("axis", {1}, {-1}, 7),
                    tensor("step", {1}, {3}, 7)};
    return read(file).predict(x);
  };
  const Node split{"Split", {"x", "s"}, "a", {{"axis", 1}}, "", {"y"}};
  CHECK(predict({split}) == Vector<float>{{3, 4, 5, 6}});
  CHECK(predict({{"Split", {"x"}, "a", {{"axis", -1}}, "", {"y", "b"}}}) == Vector<float>{{3, 4}});
  CHECK(predict({{"Split", {"x"}, "y", {{"axis", 1}, {"split", std::vector{1, 5}}}, "", {"b"}}}) ==
        Vector<float>{{1}});
  CHECK(predict({{"Slice",
                  {"x"},
                  "y",
                  {{"axes", std::vector{1}}, {"starts", std::vector{1}}, {"ends", std::vector{-2}}}}}) ==
        Vector<float>{{2, 3, 4}});
  CHECK(predict({{"Slice", {"x", "from", "to", "axis", "step"}, "y"}}) == Vector<float>{{3, 6}});
  CHECK(predict({{"Gather", {"x", "i"}, "y", {{"axis", 1}}}}) == Vector<float>{{6, 1}});
  CHECK(predict({{"Transpose", {"x"}, "t", {{"perm", std::vector{0, 2, 1}}}}, {"Flatten", {"t"}, "y"}},
                {0, 2, 3}) == Vector<float>{{1, 4, 2, 5, 3, 6}});
  // Of the input of a layer, of the outputs of one, and of both.
  const Node first{"Gather", {"x", "i"}, "g", {{"axis", 1}}};
  CHECK(predict({first, {"MatMul", {"g", "v"}, "y"}}) == Vector<float>{{6 + 10}});
  CHECK(predict({{"MatMul", {"x", "w"}, "h"},
                 {"Split", {"h", "s"}, "a", {{"axis", 1}}, "", {"b"}},
                 {"Relu", {"a"}, "y"}}) == Vector<float>{{1, 20}});
  CHECK(predict({{"MatMul", {"x", "w"}, "h"},
                 {"Relu", {"h"}, "r"},
                 {"Gather", {"r", "i"}, "y", {{"axis", 1}}}}) == Vector<float>{{6, 1}});
  CHECK(predict({first, {"Gather", {"g", "i"}, "h", {{"axis", 1}}}, {"MatMul", {"h", "v"}, "y"}}) ==
        Vector<float>{{1 + 60}});
  // A selection takes no layer where a Dense is beside it.
  File policy{{{"MatMul", {"x", "w"}, "h"},
               {"Split", {"h"}, "mean", {{"axis", -1}}, "", {"deviation"}},
               {"Tanh", {"mean"}, "y"}}};
  CHECK(outcome(policy) == "Mlp(MeanSquaredError, Dense(2, 1, Tanh))");
  const auto says = [&](std::vector<Node> nodes, const std::string& expected) {
    const std::string found = message_of<std::runtime_error>([&] { predict(std::move(nodes)); });
    CAPTURE(found);
    CHECK(found.find(expected) != std::string::npos);
  };
  says({{"Split", {"x"}, "y", {{"axis", 1}, {"split", std::vector{1, 4}}}, "", {"b"}}},
       "expected parts of 6 features in all");
  says({{"Split", {"x"}, "y", {{"axis", 1}}, "", {"b", "c", "d"}}}, "expected parts of 6 features in all");
  says({{"Slice",
         {"x"},
         "y",
         {{"axes", std::vector{0}}, {"starts", std::vector{1}}, {"ends", std::vector{2}}}}},
       "expected a slice of features");
  says({{"Slice",
         {"x"},
         "y",
         {{"axes", std::vector{1}}, {"starts", std::vector{4}}, {"ends", std::vector{2}}}}},
       "expected some of the features, found none");
  says({{"Gather", {"x", "s"}, "g", {{"axis", 1}}}, {"Gather", {"g", "s"}, "y", {{"axis", 1}}}},
       "expected indices of 2 features, found 2");
  says({{"Transpose", {"x"}, "y", {{"perm", std::vector{1, 0}}}}},
       "expected a transpose that leaves samples as rows");
  says({{"Transpose", {"x"}, "y"}}, "expected a transpose that leaves samples as rows");
}

TEST_CASE("Arithmetic with constants anywhere") {
  const auto predict = [&](std::vector<Node> nodes, const Vector<float>& x,
                           std::vector<std::int64_t> dims = {0, 2}) {
    File file{std::move(nodes)};
    file.inputs = {value("x", std::move(dims))};
    file.tensors.push_back(tensor("columns", {2}, {10, 20}));
    file.tensors.push_back(tensor("rows", {1, 2, 1}, {100, 200}));
    return read(file).predict(x);
  };
  // x (1 2; 3 4) is (7, 10).
  const Vector<float> x{{1, 2}};
  CHECK(predict({dense, {"Mul", {"h", "v"}, "y"}}, x) == Vector<float>{{7, 20}});
  CHECK(predict({dense, {"Relu", {"h"}, "r"}, {"Div", {"r", "c"}, "d"}, {"Sub", {"d", "v"}, "y"}}, x) ==
        Vector<float>{{2.5f, 3}});
  CHECK(outcome({dense, {"Add", {"h", "v"}, "a"}, {"Div", {"a", "c"}, "y"}}) ==
        "Mlp(MeanSquaredError, Dense(2, 2))");
  // Ahead of a Flatten: what broadcasts to the shape of a sample.
  const Vector<float> image{{1, 2, 3, 4}};
  const Node flatten{"Flatten", {"a"}, "y"};
  CHECK(predict({{"Add", {"x", "columns"}, "a"}, flatten}, image, {0, 2, 2}) ==
        Vector<float>{{11, 22, 13, 24}});
  CHECK(predict({{"Add", {"x", "rows"}, "a"}, flatten}, image, {0, 2, 2}) ==
        Vector<float>{{101, 102, 203, 204}});
  CHECK(predict({{"Mul", {"x", "c"}, "a"}, flatten}, image, {0, 2, 2}) == Vector<float>{{2, 4, 6, 8}});
  CHECK(message_of<std::runtime_error>([&] {
          predict({{"Add", {"x", "rows"}, "a"}, flatten}, image, {0, 1, 4});
        }) == "FILE: tensor \"rows\": expected numbers in the shape of a sample, found another");
}

TEST_CASE("Linear models of scikit-learn") {
  const Vector<float> x{{3, -1}};
  const Node regressor{"LinearRegressor",
                       {"x"},
                       "y",
                       {{"coefficients", std::vector{1.f, 2.f, 3.f, 4.f}},
                        {"intercepts", std::vector{10.f, 20.f}},
                        {"targets", 2}},
                       "ai.onnx.ml"};
  CHECK(read({{regressor}}).predict(x) == Vector<float>{{10 + 3 - 2, 20 + 9 - 4}});
  const auto classifier = [](const char* transform, std::vector<float> coefficients,
                             std::vector<float> intercepts) {
    return Node{"LinearClassifier",
                {"x"},
                "label",
                {{"coefficients", std::move(coefficients)},
                 {"intercepts", std::move(intercepts)},
                 {"post_transform", transform},
                 {"classlabels_ints", std::vector{7, 8}}},
                "ai.onnx.ml",
                {"p"}};
  };
  const Node normalizer{"Normalizer", {"p"}, "y", {{"norm", "L1"}}, "ai.onnx.ml"};
  const auto two = read({{classifier("LOGISTIC", {-1, -2, 1, 2}, {-0.5f, 0.5f}), normalizer}});
  CHECK(architecture(two.net) == "Mlp(BinaryCrossEntropy, Dense(2, 1))");
  CHECK(two.predict(x)(0) == doctest::Approx(1 / (1 + std::exp(-1.5))));
  CHECK(two.info.classes == std::vector<std::string>{"7", "8"});
  const auto softmax = read({{classifier("SOFTMAX", {1, 2, 3, 4}, {0, 0}), normalizer}});
  CHECK(softmax.predict(x)(1) == doctest::Approx(1 / (1 + std::exp(1. - 5))));
  const auto says = [](std::vector<Node> nodes, const std::string& expected) {
    const std::string found = outcome(std::move(nodes));
    CAPTURE(found);
    CHECK(found.find(expected) != std::string::npos);
  };
  says({classifier("PROBIT", {1, 2, 3, 4}, {0, 0}), normalizer},
       "expected post_transform LOGISTIC or SOFTMAX");
  says({classifier("SOFTMAX", {1, 2, 3}, {0, 0}), normalizer},
       "expected coefficients of 2 features for each output, found 3");
  says({{"Relu", {"x"}, "p"}, normalizer}, "expected probabilities whose sum is 1");
  says({{"LinearRegressor",
         {"x"},
         "y",
         {{"coefficients", std::vector{1.f, 2.f}}, {"intercepts", std::vector{1.f, 2.f}}},
         "ai.onnx.ml"}},
       "expected 1 intercepts, found 2");
}

TEST_CASE("Sums of linear layers, quantized and transposed weights, classes, old operators") {
  const Vector<float> x{{1, 2}};
  // (7, 10) + (1, 2) + 2 (5, 11) - 1 ...
  CHECK(read({{dense, {"MatMul", {"x", "w"}, "g"}, {"Add", {"h", "g"}, "y"}}}).predict(x) ==
        Vector<float>{{14, 20}});
  CHECK(read({{{"Gemm", {"x", "w", "v"}, "h"},
               {"Gemm", {"x", "w", "c"}, "g", {{"transB", 1}}},
               {"Add", {"h", "g"}, "y"}}})
            .predict(x) == Vector<float>{{7 + 1 + 5 + 2, 10 + 2 + 11 + 2}});
  CHECK(read({{{"Transpose", {"w"}, "t"}, {"MatMul", {"x", "t"}, "y"}}}).predict(x) ==
        Vector<float>{{5, 11}});
  CHECK(read({{{"Flatten", {"w"}, "t", {{"axis", 1}}}, {"MatMul", {"x", "t"}, "y"}}}).predict(x) ==
        Vector<float>{{7, 10}});
  File quantized{{{"DequantizeLinear", {"w", "v", "zero"}, "d", {{"axis", 1}}}, {"MatMul", {"x", "d"}, "y"}}};
  quantized.tensors = {tensor("w", {2, 2}, {}, 3), tensor("v", {2}, {0.5f, 2}), tensor("zero", {2}, {}, 3),
                       tensor("c", {}, {2})};
  protozero::pbf_writer(quantized.tensors[0]).add_bytes(9, std::string("\x01\xFE\x03\x04"));  // 1 -2; 3 4
  protozero::pbf_writer(quantized.tensors[2]).add_bytes(9, std::string("\x01\x00", 2));
  CHECK(read(quantized).predict(x) == Vector<float>{{(0 + 2 * 2) * 0.5f, (-2 + 2 * 4) * 2}});
  quantized.nodes = {{"DynamicQuantizeLinear", {"x"}, "q", {}, "", {"s", "z"}},
                     {"MatMulInteger", {"q", "w", "z", "zero"}, "i"},
                     {"Cast", {"i"}, "f", {{"to", 1}}},
                     {"Mul", {"s", "v"}, "sv"},
                     {"Mul", {"f", "sv"}, "y"}};
  CHECK(read(quantized).predict(x) == Vector<float>{{(0 + 2 * 2) * 0.5f, (-2 + 2 * 4) * 2}});
  quantized.nodes = {{"QuantizeLinear", {"x", "c", "c"}, "q"}, {"DequantizeLinear", {"q", "c", "c"}, "y"}};
  CHECK(read(quantized).predict(x) == x);

  CHECK(outcome({dense, {"ArgMax", {"h"}, "y", {{"axis", 1}, {"keepdims", 0}}}}) ==
        "Mlp(SoftmaxCrossEntropy, Dense(2, 2))");
  CHECK(outcome({dense, {"LogSoftmax", {"h"}, "y"}}) == "Mlp(SoftmaxCrossEntropy, Dense(2, 2))");
  CHECK(outcome({dense, {"ArgMax", {"h"}, "y"}}).find("expected the largest of a sample's features") !=
        std::string::npos);
  File old{{{"Gemm", {"x", "w", "v"}, "h", {{"broadcast", 1}}},
            {"Unsqueeze", {"h"}, "u", {{"axes", std::vector{2}}}},
            {"BatchNormalization", {"u", "v", "v", "v", "v"}, "b", {{"is_test", 1}}},
            {"Squeeze", {"b"}, "y", {{"axes", std::vector{2}}}}}};
  old.opset = 6;
  CHECK(outcome(old) == "Mlp(MeanSquaredError, Dense(2, 2), BatchNorm(2, epsilon=1e-05, momentum=0.1))");
}

TEST_CASE("What no multi-layer perceptron has is refused by the first such node, with the reason") {
  const auto says = [](std::vector<Node> nodes, const std::string& expected) {
    const std::string found = outcome(std::move(nodes));
    CAPTURE(found);
    CHECK(found.find(expected) != std::string::npos);
  };
  says({dense, {"RandomNormalLike", {"h"}, "r"}, {"LSTM", {"r"}, "l"}, {"Add", {"h", "l"}, "y"}},
       "node of \"r\" (RandomNormalLike): expected an operator of a multi-layer perceptron, found one of "
       "random numbers");
  says({{"GRU", {"x"}, "y"}},
       "(GRU): expected an operator of a multi-layer perceptron, found one that remembers earlier samples");
  says({{"MaxPool", {"x"}, "y"}},
       "(MaxPool): expected an operator of a multi-layer perceptron, found one of convolutions");
}

TEST_CASE("Errors in a graph name the node and what is missing") {
  const auto says = [](const File& file, const std::string& expected) {
    const std::string found = outcome(file);
    CAPTURE(found);
    CHECK(found.starts_with("FILE: "));
    CHECK(found.find(expected) != std::string::npos);
  };
  const auto nodes_say = [&](std::vector<Node> nodes, const std::string& expected) {
    says({std::move(nodes)}, expected);
  };
  nodes_say({{"Conv", {"x", "w"}, "y"}},
            "node of \"y\" (Conv): expected an operator of a multi-layer perceptron");
  nodes_say({{"Relu", {"x"}, "y", {}, "my"}}, "(my.Relu): expected an operator of a multi-layer perceptron");
  nodes_say({{"HardSigmoid", {"x"}, "s"}, {"Mul", {"x", "s"}, "y"}}, "node of \"s\" (HardSigmoid): expected");
  nodes_say({{"Relu", {"x"}, "s"}, {"Mul", {"x", "s"}, "y"}}, "(Mul): expected a form that multi-layer");
  nodes_say({{"Softmax", {"x"}, "y", {{"axis", 0}}}}, "(Softmax): expected a form");
  nodes_say({{"MatMul", {"w", "x"}, "y"}},
            "(MatMul): expected weights on the right of a batch, found them on the left");
  nodes_say({dense, {"Softmax", {"h"}, "s"}, {"Relu", {"s"}, "y"}},
            "(Softmax): expected nothing but predictions after it, found node of \"y\" (Relu)");
  nodes_say({{"Softmax", {"x"}, "s"}, {"Add", {"x", "s"}, "y"}},
            "(Softmax): expected it as the last operator, found it in a branch");
  nodes_say({{"Relu", {"x"}, "a"}, {"Relu", {"x"}, "b"}, {"Add", {"a", "b"}, "y"}},
            "expected a path from \"b\" back to \"a\"");
  nodes_say({{"Gemm", {"x", "w"}, "y", {{"transA", 1}}}}, "(Gemm): expected transA = 0, found 1");
  nodes_say({{"Selu", {"x"}, "y", {{"alpha", 1.f}}}}, "(Selu): expected alpha = 1.673");
  nodes_say({{"Elu", {"x"}, "y", {{"alpha", -1.f}}}}, "(Elu): ELU: expected alpha >= 0, found -1");
  nodes_say({{"Elu", {"x"}, "y", {{"alpha", std::numeric_limits<float>::infinity()}}}},
            "(Elu): expected a finite number as alpha");
  nodes_say({{"Cast", {"x"}, "y", {{"to", 7}}}}, "(Cast): expected a cast to float or double");
  nodes_say({{"Reshape", {"x", "v"}, "r"}, {"Reshape", {"r", "c"}, "y"}},
            "node of \"y\" (Reshape): expected a shape of [N, features]");
  File rows{{{"Reshape", {"x", "s"}, "r"}, {"Softmax", {"r"}, "y"}}};
  rows.inputs = {value("x", {0, 6})};
  for (const std::vector<float>& shape :
       {std::vector<float>{0, -1, 2}, {-1, 3, 2}, {-1, -1, 2}, {0, 2}, {-1}, {}}) {
    rows.tensors = {tensor("s", {static_cast<std::int64_t>(shape.size())}, shape, 7)};
    says(rows, "expected");
  }
  for (const std::vector<float>& shape : {std::vector<float>{0, -1}, {-1, 6}, {5, -1}, {0, 0}}) {
    rows.tensors = {tensor("s", {2}, shape, 7)};
    CHECK(outcome(rows) == "Mlp(SoftmaxCrossEntropy, Activate(6, Identity))");
  }
  nodes_say({{"MatMul", {"x", "v"}, "y"}}, "tensor \"v\": expected a matrix of weights, found another shape");
  nodes_say({{"PRelu", {"x", "v"}, "y"}}, "tensor \"v\": expected one number, found 2");
  nodes_say({dense, {"Add", {"h", "w"}, "y"}}, "tensor \"w\": expected a row of 2 numbers, found 4");
  nodes_say({{"BatchNormalization", {"x", "v", "v", "v", "v"}, "y", {{"training_mode", 1}}}},
            "expected training_mode = 0, found 1");
  nodes_say({{"Mul", {"x", "c"}, "m"}, {"Mul", {"m", "c"}, "m"}},
            "expected values of different names, found \"m\" twice");
  nodes_say({{"Relu", {"y"}, "y"}},
            "(Relu): expected inputs from initializers, the graph's inputs or earlier nodes, found \"y\"");
  nodes_say({{"Relu", {"x"}, "z"}}, "expected a node that provides the output \"y\"");
  nodes_say({{"", {"x"}, "y"}}, "expected an operator and an output");
  nodes_say({{"Concat", {"x", "x"}, "y", {{"axis", 1}}}}, "(Concat): expected a form");
  nodes_say({{"Mul", {"x", "zero"}, "y"}}, "found \"zero\"");

  const std::vector<Node> relu{{"Relu", {"x"}, "y"}};
  says({.nodes = relu, .opset = 5}, "expected opset 6 or later, found 5");
  says({.nodes = relu, .inputs = {}}, "found \"x\"");
  says({.nodes = {{"Mul", {"x", "z"}, "y"}}, .inputs = {value("x", {0, 2}), value("z", {0, 2})}},
       "expected one input, or several that a Concat joins first, found \"x\", \"z\"");
  says({.nodes = relu, .inputs = {value("x", {0, 2}, 8)}}, "expected an input of numbers, found text");
  says({.nodes = relu, .inputs = {value("x", {0, 0})}}, "expected an input of a known size");
  says({.nodes = {{"Softmax", {"x"}, "y"}}, .inputs = {value("x", {0, 2, 2})}},
       "(Softmax): expected an input of shape [N, features]");
  says({.nodes = {dense}, .inputs = {value("x", {0, 2, 1})}, .outputs = {value("h", {})}},
       "(MatMul): expected an input of shape [N, features], or a Flatten before");
  says({.nodes = {dense}, .inputs = {value("x", {0, 3})}, .outputs = {value("h", {})}},
       "tensor \"w\": expected weights for 3 inputs, found 2");
  says(
      {.nodes = {relu[0], {"Tanh", {"x"}, "z"}}, .outputs = {value("z", {}), value("y", {})}},
      "expected one output, one called probabilities, or the name of one in the options, found \"z\", \"y\"");
  says({.nodes = relu, .metadata = {{"a", "b"}, {"a", "c"}}},
       "expected one value for \"a\" in metadata_props");
  says({.nodes = relu, .metadata = {{"mlp.loss", "Softmax"}}}, "expected the name of a loss");
  says({.nodes = relu, .metadata = {{"mlp.loss", "Hinge("}}}, "expected");
  says({.nodes = relu, .metadata = {{"mlp.loss", "SoftmaxCrossEntropy"}}},
       "expected the predictions of \"SoftmaxCrossEntropy\" to end with \"Softmax\", found \"\"");
  says({.nodes = relu, .metadata = {{"mlp.class.0", "a"}}}, "expected 2 names of classes, or none, found 1");

  const auto tensor_says = [&](const std::string& w, const std::string& expected) {
    says({.nodes = {dense}, .tensors = {w}, .outputs = {value("h", {})}}, expected);
  };
  tensor_says(tensor("w", {2, 2}, {1, 2, 3}), "tensor \"w\": expected 4 numbers, as its sizes say, found 3");
  tensor_says(tensor("w", {-1, -4}, {1, 2, 3, 4}),
              "tensor \"w\": expected a matrix of weights, found another shape");
  tensor_says(tensor("w", {std::int64_t{1} << 62, 4, 0}, {}), "tensor \"w\": expected a matrix of weights");
  tensor_says(tensor("w", {std::int64_t{1} << 62, std::int64_t{1} << 62}, {}),
              "expected a matrix of weights");
  tensor_says(tensor("w", {2, 2}, {1, 2, 3, std::numeric_limits<float>::quiet_NaN()}),
              "tensor \"w\": expected finite numbers in the range of the scalar type, found nan");
  tensor_says(tensor("w", {2, 2}, {1, 2, 3, 4}, 8),
              "tensor \"w\": expected float, double, float16, int8, uint8, int32 or int64 numbers, found "
              "data type 8");
  tensor_says(tensor("w", {2, 2}, {1, 2, 3, -4}, 10),
              "tensor \"w\": expected 16 bits for a number, found -4");
  std::string external = tensor("w", {2, 2}, {});
  protozero::pbf_writer(external).add_int32(14, 1);
  tensor_says(external, "tensor \"w\": expected its data within this file, found them in another");
  const std::string w = tensor("w", {2, 2}, {1, 2, 3, 4});
  says({.nodes = relu, .tensors = {w, w}}, "expected values of different names, found \"w\" twice");

  CHECK(outcome(std::string()) == "FILE: expected an ONNX model with a graph, found 0 graphs");
  CHECK(outcome(std::string("\x3A\x7F")).starts_with("FILE: expected an ONNX model, found damaged data: "));
  std::string subgraph = Node{"If", {}, "y"}.bytes();
  protozero::pbf_writer(subgraph).add_message(5, std::string("\x0A\x01t\x32\x00", 5));
  std::string model, graph;
  protozero::pbf_writer(graph).add_message(1, subgraph);
  protozero::pbf_writer(model).add_message(7, graph);
  protozero::pbf_writer(model).add_message(8, std::string("\x10\x11"));
  CHECK(outcome(model) ==
        "FILE: node of \"y\" (If): expected an operator without a graph of its own, found one");
}

TEST_CASE("A small file does not make a large network") {
  // Many features; a matrix of 1000 x 1000 for each of 30 layers.
  File file{{{"LayerNormalization", {"x", "c"}, "y"}}};
  for (const std::int64_t size : {std::int64_t{1} << 39, std::int64_t{1} << 62}) {
    file.inputs = {value("x", {0, size})};
    CHECK(outcome(file).starts_with("FILE: expected an input of no more features than the file has bytes"));
    file.inputs = {value("x", {0, size, size, size})};
    CHECK(outcome(file).starts_with("FILE: expected an input of no more features than the file has bytes"));
  }
  file.inputs = {value("x", {0, 1'000'000})};
  CHECK(outcome(file) == "FILE: expected no more parameters than the file has bytes, found more");
  File layers;
  layers.tensors = {tensor("w", {1000, 1000}, std::vector<float>(1000000, 1))};
  layers.inputs = {value("x0", {0, 1000})};
  for (int i = 0; i < 30; ++i)
    layers.nodes.push_back({"MatMul", {"x" + std::to_string(i), "w"}, "x" + std::to_string(i + 1)});
  layers.outputs = {value("x30", {})};
  CHECK(outcome(layers) == "FILE: expected no more parameters than the file has bytes, found more");
  // Sums within sums.
  File sums;
  sums.inputs = {value("x0", {0, 2})};
  for (int i = 1; i <= 40; ++i) {
    const std::string n = std::to_string(i);
    sums.nodes.push_back({"Relu", {"x" + std::to_string(i - 1)}, "x" + n});
  }
  for (int i = 1; i <= 40; ++i) {
    const std::string before = i == 1 ? "x40" : "s" + std::to_string(i - 1);
    sums.nodes.push_back({"Add", {before, "x" + std::to_string(40 - i)}, "s" + std::to_string(i)});
  }
  sums.outputs = {value("s40", {})};
  CHECK(outcome(sums).find("expected no more than 16 sums within another") != std::string::npos);
}

TEST_CASE("A file with any change is read as a network of finite numbers or refused") {
  DynamicMlp net(BinaryCrossEntropy{}, {DynamicDense(1, 1, ELU{0.5})});
  randomize(net);
  const std::string bytes = to_onnx(net);
  const auto check = [](const std::string& changed) {
    try {
      const auto model = onnx_from_bytes(changed, "FILE");
      return model.net.parameters().allFinite() && model.net.state().allFinite();
    } catch (const std::runtime_error& error) {
      return std::string_view(error.what()).starts_with("FILE: ");
    }
  };
  REQUIRE(check(bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size) CHECK(check(bytes.substr(0, size)));
  std::size_t failures = 0;
  std::string changed = bytes;
  for (char& byte : changed) {
    const char right = byte;
    for (int difference = 1; difference < 256; ++difference) {
      byte = static_cast<char>(right ^ difference);
      failures += !check(changed);
    }
    byte = right;
  }
  CHECK(failures == 0);
}

// Files of a few million bytes, each of which tells the reader to allocate something.

namespace {

constexpr std::size_t hostile_size = 200'000;

// A field that holds a message.
std::string field(protozero::pbf_tag_type tag, const std::string& content) {
  std::string result;
  protozero::pbf_writer(result).add_message(tag, content);
  return result;
}
std::string varint(protozero::pbf_tag_type tag, std::int64_t number) {
  std::string result;
  protozero::pbf_writer(result).add_int64(tag, number);
  return result;
}

// each(0) each(1) ... until there are `size` bytes.
std::string repeated(std::size_t size, auto&& each) {
  std::string result;
  for (std::size_t i = 0; result.size() < size; ++i) result += each(i);
  return result;
}

// Short names, all different.
std::string short_name(std::size_t i) {
  std::string name;
  for (++i; i > 0; i /= 255) name += static_cast<char>(1 + i % 255);
  return name;
}

struct Hostile {
  const char* what;
  std::string graph, model = {};

  std::string bytes() const { return field(7, graph) + field(8, varint(2, 17)) + model; }
};

std::vector<Hostile> hostile_files() {
  const auto elements = [](protozero::pbf_tag_type tag, auto&& content) {
    return repeated(hostile_size, [&](std::size_t i) { return field(tag, content(i)); });
  };
  const auto text = [](protozero::pbf_tag_type tag, const std::string& content) {
    return field(tag, content);
  };
  const auto node = [&](const std::string& op, const std::string& output, const std::string& more) {
    return field(1, more + text(2, output) + text(4, op));
  };
  const auto chain = [&](auto&& step) {
    std::string nodes;
    std::size_t count = 0;
    for (; nodes.size() < hostile_size; ++count) nodes += step(short_name(count), short_name(count + 1));
    const std::string type = field(1, varint(1, 1) + field(2, field(1, "") + field(1, varint(1, 1))));
    return field(11, text(1, short_name(0)) + field(2, type)) + field(12, text(1, short_name(count))) + nodes;
  };
  const std::string c = field(5, text(8, "constant") + varint(2, 7) + varint(7, 1));
  const std::string ones(hostile_size, '\1');
  const std::string x = value("x", {0, 1});
  const auto zip_map = [&](std::size_t count, const char* name, const std::string& labels) {
    return field(1, text(1, "x") + text(2, "y") + text(4, "ZipMap") + text(7, "ai.onnx.ml") +
                        field(5, text(1, name) + labels)) +
           field(11, value("x", {0, static_cast<std::int64_t>(count)})) + field(12, text(1, "y"));
  };
  std::string names, numbers;
  for (std::size_t i = 0; i < hostile_size / 5; ++i) names += text(9, short_name(i));
  for (std::size_t i = 0; i < hostile_size / 3; ++i)
    numbers += varint(8, 16'384 + static_cast<std::int64_t>(i)).substr(1);
  numbers = field(8, numbers);
  return {
      {"empty nodes", elements(1, [](auto) { return std::string(); })},
      {"nodes without outputs", elements(1, [&](auto) { return text(4, "A"); })},
      {"the smallest nodes",
       elements(1, [&](std::size_t i) { return text(2, short_name(i)) + text(4, "A"); })},
      {"nodes of one name", elements(1, [&](auto) { return text(2, "a") + text(4, "A"); })},
      {"inputs without names of a node",
       node("A", "a", repeated(hostile_size, [&](auto) { return text(1, ""); }))},
      {"inputs of a node",
       node("A", "a", repeated(hostile_size, [&](auto) { return text(1, ""); }) + text(1, "x"))},
      {"outputs of a node",
       node("A", "output", repeated(hostile_size, [&](std::size_t i) { return text(2, short_name(i)); }))},
      {"empty attributes", node("A", "a", repeated(hostile_size, [&](auto) { return field(5, ""); }))},
      {"attributes of a node",
       node("A", "a", repeated(hostile_size, [&](auto) { return field(5, text(1, "a")); }))},
      {"the smallest attributes of nodes", elements(1,
                                                    [&](std::size_t i) {
                                                      return text(2, short_name(i)) + text(4, "A") +
                                                             repeated(33 * 5, [&](auto) {
                                                               return field(5, text(1, "a"));
                                                             });
                                                    })},
      {"nodes with an attribute", elements(1,
                                           [&](std::size_t i) {
                                             return text(2, short_name(i)) + text(4, "A") +
                                                    field(5, text(1, "a") + varint(3, 1));
                                           })},
      {"texts of an attribute",
       node("A", "a", field(5, text(1, "a") + repeated(hostile_size, [&](auto) { return text(9, ""); })))},
      {"numbers of an attribute", node("A", "a", field(5, text(1, "a") + field(8, ones)))},
      {"tensors of an attribute",
       node("A", "a", field(5, text(1, "a") + repeated(hostile_size, [&](auto) { return field(5, ""); })))},
      {"constants", elements(1,
                             [&](std::size_t i) {
                               return text(2, short_name(i)) + text(4, "Constant") +
                                      field(5, text(1, "a") + varint(3, 1));
                             })},
      {"transposes of a constant", c + elements(1,
                                                [&](std::size_t i) {
                                                  return text(1, "constant") + text(2, short_name(i)) +
                                                         text(4, "Transpose");
                                                })},
      {"quantized constants", c + elements(1,
                                           [&](std::size_t i) {
                                             return text(1, "constant") + text(1, "constant") +
                                                    text(2, short_name(i)) + text(4, "DequantizeLinear");
                                           })},
      {"empty tensors", elements(5, [](auto) { return std::string(); })},
      {"the smallest tensors", elements(5, [&](std::size_t i) { return text(8, short_name(i)); })},
      {"tensors of one name", elements(5, [&](auto) { return text(8, "a"); })},
      {"tensors of one dimension",
       elements(5, [&](std::size_t i) { return text(8, short_name(i)) + varint(1, 1); })},
      {"dimensions of a tensor", field(5, text(8, "w") + field(1, ones))},
      {"dimensions one by one",
       field(5, text(8, "w") + repeated(hostile_size, [&](auto) { return varint(1, 1); }))},
      {"inputs", elements(11, [&](std::size_t i) { return text(1, short_name(i)); })},
      {"empty inputs", elements(11, [](auto) { return std::string(); })},
      {"outputs", elements(12, [&](auto) { return text(1, "x"); }) + field(11, x)},
      {"dimensions of an input",
       field(11, text(1, "x") + field(2, field(1, field(2, repeated(hostile_size,
                                                                    [&](auto) { return field(1, ""); })))))},
      {"opsets", "", repeated(hostile_size, [&](auto) { return field(8, ""); })},
      {"metadata", "",
       repeated(hostile_size, [&](std::size_t i) { return field(14, text(1, short_name(i))); })},
      {"empty metadata", "", repeated(hostile_size, [&](auto) { return field(14, ""); })},
      {"weights of a byte", field(1, text(1, "x") + text(1, "w") + text(2, "y") + text(4, "MatMul")) +
                                field(5, varint(1, 1000) + varint(1, hostile_size / 1000) + varint(2, 7) +
                                             field(7, ones) + text(8, "w")) +
                                field(11, value("x", {0, 1000})) + field(12, text(1, "y"))},
      {"weights one by one",
       field(1, text(1, "x") + text(1, "w") + text(2, "y") + text(4, "MatMul")) +
           field(5, varint(1, 1) + varint(1, hostile_size / 2) + varint(2, 7) +
                        repeated(hostile_size, [&](auto) { return varint(7, 1); }) + text(8, "w")) +
           field(11, x) + field(12, text(1, "y"))},
      {"a scaler of many features",
       field(1, text(1, "x") + text(1, "constant") + text(2, "y") + text(4, "Sub")) + c +
           field(11, value("x", {0, hostile_size / 2})) + field(12, text(1, "y")) +
           text(10, std::string(hostile_size, ' '))},
      {"classes of one name", zip_map(hostile_size / 2, "classlabels_strings",
                                      repeated(hostile_size, [&](auto) { return text(9, ""); }))},
      {"names of classes", zip_map(hostile_size / 5, "classlabels_strings", names)},
      {"numbers of classes", zip_map(hostile_size / 3, "classlabels_int64s", numbers)},
      {"activations",
       chain([&](const std::string& from, const std::string& to) { return node("Elu", to, text(1, from)); })},
      {"sums", chain([&](const std::string& from, const std::string& to) {
         return node("Add", to, text(1, from) + text(1, from));
       })},
      {"sums of an activation", chain([&](const std::string& from, const std::string& to) {
         return node("Elu", to + "+++", text(1, from)) + node("Add", to, text(1, to + "+++") + text(1, from));
       })},
      {"nodes that do nothing", chain([&](const std::string& from, const std::string& to) {
         return node("Identity", to, text(1, from));
       })},
      {"a chain of products ahead of the first layer",
       c + chain([&](const std::string& from, const std::string& to) {
         return node("Mul", to, text(1, from) + text(1, "constant"));
       })},
  };
}

}  // namespace

TEST_CASE("A reader's memory is proportional to the file") {
  for (const Hostile& hostile : hostile_files()) {
    CAPTURE(std::string(hostile.what));
    const std::string bytes = hostile.bytes();
    REQUIRE(bytes.size() >= hostile_size / 2);
    const std::size_t peak = peak_memory::of([&] { onnx_from_bytes<double>(bytes, "FILE"); });
    CHECK(peak <= 32 * bytes.size());
  }
}

TEST_CASE("A tensor that many nodes use does not slow down reading") {
  const auto chain = [](const char* op, std::size_t count, Index size, std::vector<std::string> tensors) {
    File file;
    file.tensors = std::move(tensors);
    file.inputs = {value("x0", {0, size})};
    for (std::size_t i = 0; i < count; ++i) {
      file.nodes.push_back({op, {"x" + std::to_string(i), "c"}, "x" + std::to_string(i + 1)});
    }
    file.outputs = {value(("x" + std::to_string(count)).c_str(), {})};
    return file;
  };
  const std::string expected = "FILE: expected tensors that are used up to 16 times, found some";
  const std::vector<float> ones(100'000, 1);
  const auto n = static_cast<Index>(ones.size());
  for (const char* const op : {"Sub", "Add", "Mul", "Div"}) {
    CAPTURE(std::string(op));
    // One number for each of many features, and a row of numbers.
    CHECK(outcome(chain(op, 1000, 500'000, {tensor("c", {}, {1})})).starts_with(expected));
    CHECK(outcome(chain(op, 1000, n, {tensor("c", {n}, ones)})).starts_with(expected));
    CHECK(outcome(chain(op, 10, n, {tensor("c", {n}, ones)})).starts_with("Mlp("));
  }
  // A number added to a layer's bias.
  File biases = chain("Add", 1000, 1, {tensor("c", {}, {1}), tensor("w", {1, n}, ones)});
  biases.nodes.front() = {"MatMul", {"x0", "w"}, "x1"};
  CHECK(outcome(biases).starts_with(expected));
  // One number among many unknown fields, as the slope of thousands of activations.
  std::string slope = tensor("c", {}, {0.5f});
  for (int i = 0; i < 1'000'000; ++i) slope += varint(31, 0);
  CHECK(outcome(chain("PRelu", 1000, 1, {slope})).starts_with(expected));
  // The transpose of a matrix without numbers but with 2^62 columns.
  File empty{{{"Transpose", {"e"}, "t"}, {"Add", {"x", "t"}, "y"}}};
  empty.tensors = {tensor("e", {0, std::int64_t{1} << 62}, {})};
  CHECK(outcome(empty) == "FILE: tensor \"e\": expected a row of 2 numbers, found 0");
  const std::string rank(1'000'000, '\1');
  CHECK(outcome(chain("Sub", 1000, 1, {field(1, rank) + tensor("c", {}, {1})})) ==
        "FILE: tensor \"\": expected no more than 64 dimensions, found more");
}

TEST_CASE("Elements that no model has are refused when they are read") {
  const auto says = [](const std::string& graph, const std::string& expected) {
    CHECK(outcome(field(7, graph) + field(8, varint(2, 17))) == "FILE: " + expected);
  };
  const auto named = [](protozero::pbf_tag_type tag, const char* text) { return field(tag, text); };
  says(field(1, named(4, "Relu")), "node \"\" (Relu): expected an operator and an output, found none");
  says(field(1, named(4, "Relu") + named(2, "")),
       "node \"\" (Relu): expected an operator and an output, found none");
  says(field(1, named(2, "y")), "node of \"y\" (): expected an operator and an output, found none");
  const std::string relu = named(2, "y\x1B[2J") + named(4, "Relu\n");
  says(field(1, relu + field(5, varint(3, 1))),
       "node of \"y?[2J\" (Relu?): expected attributes with names, found one without");
  std::string attributes;
  for (int i = 0; i < 65; ++i) attributes += field(5, named(1, "a"));
  says(field(1, relu + attributes),
       "node of \"y?[2J\" (Relu?): expected no more than 64 attributes, found more");
  says(field(5, varint(1, 1)), "expected initializers with names, found one without");
  says(field(11, ""), "expected inputs and outputs with names, found one without");
  says(field(12, ""), "expected inputs and outputs with names, found one without");
  says(field(15, ""), "expected dense tensors, found a sparse initializer");
  const std::vector<std::int64_t> most(64, 1), more(65, 1);
  says(field(5, named(8, "w\r") + tensor("", more, {1})),
       "tensor \"w?\": expected no more than 64 dimensions, found more");
  says(field(11, value("x", more)), "value \"x\": expected no more than 64 dimensions, found more");
  // As many as are allowed; the opset version of other domains than ONNX's is ignored.
  File file{{{"Sub", {"x", "c"}, "y"}}};
  file.tensors = {tensor("c", most, {1})};
  CHECK(outcome(file.bytes() + field(8, field(1, "ai.onnx.ml") + varint(2, 1))) ==
        "Mlp(MeanSquaredError, Activate(2, Identity))");
  // A known operator's name at the end of a pattern, or part of another.
  for (const char* const op : {"x", "b)", "c)", "elu", "Rel", "Relu(", "Softmax@1", "1(x)"}) {
    CHECK(outcome({{op, {"x"}, "y"}}).find("expected an operator of a multi-layer perceptron") !=
          std::string::npos);
  }
}

TEST_CASE("A file is less than 2 GB") {
  const TempFolder folder;
  const auto path = folder / "large.onnx";
  detail::write_file(path, "");
  std::filesystem::resize_file(path, std::uintmax_t{1} << 31);  // sparse
  CHECK(message_of<std::runtime_error>([&] { import_onnx(path); }) ==
        path.string() +
            ": expected a file of less than 2 GB, the most that ONNX allows, found 2147483648 bytes");
}

namespace {

// The text of a random network, and whether one of its options may not survive rounding to float.
class RandomNet {
 public:
  explicit RandomNet(std::uint64_t seed) : rng_(seed) {
    const Index inputs = size();
    n_ = inputs;
    const std::string within = layers(0);
    text = "Mlp(" + loss() + ", " + within + ")";
  }
  std::string text;
  bool has_extreme_option = false;

 private:
  std::string pick(std::initializer_list<const char*> of) {
    return of.begin()[rng_.below(static_cast<Index>(of.size()))];
  }
  Index size() { return static_cast<Index>(1 + rng_.below(5)); }

  std::string option(std::initializer_list<const char*> usual, std::initializer_list<const char*> extreme) {
    if (rng_.below(12) != 0) return pick(usual);
    has_extreme_option = true;
    return pick(extreme);
  }
  std::string activation() {
    switch (rng_.below(5)) {
      case 0:
        return pick({"LeakyReLU(negative_slope=", "ELU(alpha="}) +
               option({"0", "0.1", "0.3", "2", "1e-20"}, {"1e300", "1e-60", "0.123456789012", "1e39"}) + ")";
      case 1:
        return "Softplus(beta=" +
               option({"1", "0.1", "3"}, {"1.000000000001", "1e-60", "1e300", "1e-40", "inf"}) + ")";
      case 2:
        return "HardTanh(min_value=" +
               option({"-1", "-0.1", "-inf"}, {"0.999999999999", "-1e300", "-1e-60"}) +
               ", max_value=" + option({"1", "3.5", "inf"}, {"1e300", "1.000000000001", "1e-60"}) + ")";
      case 3:
        return pick({"GELU", "GELU(approximate=1)", "Identity"});
      default:
        return pick({"ReLU", "LeakyReLU", "ELU", "SELU", "SiLU", "Mish", "Softplus", "Softsign", "Sigmoid",
                     "Tanh", "HardTanh", "Identity"});
    }
  }
  std::string dense(Index outputs) {
    const std::string sizes = "Dense(" + std::to_string(n_) + ", " + std::to_string(outputs);
    n_ = outputs;
    return sizes + (rng_.below(2) == 0 ? ", " + activation() : "") + ")";
  }
  std::string layer(int level) {
    const std::string n = std::to_string(n_);
    switch (rng_.below(level < 3 ? 6 : 5)) {
      case 0:
        return "Activate(" + n + ", " + activation() + ")";
      case 1:
        return "Dropout(" + n + ", p=" + option({"0", "0.1", "0.5"}, {"0.999999999999", "1e-60"}) + ")";
      case 2:
        return "LayerNorm(" + n + ", epsilon=" + option({"1e-05", "0.1"}, {"1e-60", "1e300", "1e-44"}) + ")";
      case 3:
        return "BatchNorm(" + n + ", epsilon=" + option({"1e-05", "0.1"}, {"1e-60", "1e300"}) +
               ", momentum=" +
               option({"0.1", "0", "1", "0.987654321", "0.001"}, {"0.999999999999", "1e-12"}) + ")";
      case 4:
        return dense(size());
      default: {
        const Index outer = n_;
        std::string within = layers(level + 1);
        if (n_ != outer) within += ", " + dense(outer);
        return "Residual(" + within + ")";
      }
    }
  }
  std::string layers(int level) {
    std::string list = layer(level);
    for (Index more = rng_.below(4); more > 0; --more) list += ", " + layer(level);
    return list;
  }
  std::string loss() {
    const auto weights = [&] {
      std::string list = "1";
      for (Index i = 1; i < n_; ++i) list += ", 0.1";
      return "=[" + list + "]";
    };
    switch (rng_.below(10)) {
      case 0:
        return "Huber(delta=" + option({"0.1", "2"}, {"1e-60", "1e300", "inf"}) + ")";
      case 1:
        return n_ % 2 == 0 ? "GaussianNLL(epsilon=" + option({"1e-06", "0.1"}, {"1e-60", "1e300"}) + ")"
                           : "Hinge";
      case 2:
        return "BinaryCrossEntropy(positive_weights" + weights() + ")";
      case 3:
        return "SoftmaxCrossEntropy(label_smoothing=" + option({"0", "0.1"}, {"1e-60", "0.999999999999"}) +
               ")";
      case 4:
        return "PoissonNLL(log_input=" + pick({"0", "1"}) + ")";
      default:
        return pick({"MeanSquaredError", "MeanAbsoluteError", "Hinge", "BinaryCrossEntropy",
                     "SoftmaxCrossEntropy", "PoissonNLL"});
    }
  }

  Rng rng_;
  Index n_ = 1;
};

bool same_bits(const auto& a, const auto& b) {
  return a.size() == b.size() && std::equal(a.begin(), a.end(), b.begin(), [](float p, float q) {
           return std::bit_cast<std::uint32_t>(p) == std::bit_cast<std::uint32_t>(q);
         });
}

}  // namespace

TEST_CASE("A network is read back with the same bits, or is not written") {
  using Limits = std::numeric_limits<float>;
  constexpr float extremes[] = {
      Limits::max(), -Limits::max(), Limits::min(), Limits::denorm_min(), -0.f, 0, 1};
  int refused = 0, scaled = 0;
  for (std::uint64_t seed = 0; seed < 400; ++seed) {
    const RandomNet random(seed);
    CAPTURE(random.text);
    DynamicMlp net = from_architecture(random.text);
    Rng rng{seed};
    const bool is_extreme = seed % 2 == 0;
    const auto number = [&] {
      return is_extreme && rng.below(2) == 0 ? extremes[rng.below(static_cast<Index>(std::size(extremes)))]
                                             : static_cast<float>(rng.normal());
    };
    for (float& p : net.parameters()) p = number();
    for (float& s : net.state()) s = std::abs(number());
    const Index in = net.inputs();
    ModelInfo<float> info;
    Matrix<float> x(in, 6);
    for (float& each : x.reshaped()) each = static_cast<float>(rng.normal());
    if (seed % 3 == 1) {
      StandardScaler<float> scaler(x);
      if (is_extreme) {
        scaler.mean(0) = -0.f;
        scaler.scale(0) = Limits::denorm_min();
      }
      info.scaler = scaler;
    }
    if (seed % 3 == 2) info.scaler = MinMaxScaler(x, is_extreme ? -0.f : -1.f, 2.f);
    if (seed % 4 == 0)
      info.features.assign(static_cast<std::size_t>(in),
                           "gr\xC3\xBC\xC3\x9F"
                           "e");
    std::string bytes;
    try {
      bytes = to_onnx(net, info);
    } catch (const std::invalid_argument& error) {
      CAPTURE(std::string(error.what()));
      ++refused;
      CHECK(random.has_extreme_option);
      CHECK(std::string_view(error.what()).starts_with("to_onnx: "));
      continue;
    }
    const Model<float> model = onnx_from_bytes(bytes, "FILE");
    CHECK(model.net.inputs() == in);
    CHECK(model.net.outputs() == net.outputs());
    CHECK(same_bits(model.net.parameters(), net.parameters()));
    CHECK(same_bits(model.net.state(), net.state()));
    CHECK(model.info.features == info.features);
    CHECK(model.info.scaler.index() == info.scaler.index());
    scaled += info.scaler.index() != 0;
    CHECK(to_onnx(model.net, model.info) == bytes);
    if (random.has_extreme_option) continue;
    const Matrix<float> expected = net.predict(info.prepare(x)), found = model.predict(x);
    REQUIRE(found.size() == expected.size());
    for (Index i = 0; i < found.size(); ++i) {
      CHECK((found(i) == expected(i) || (std::isnan(found(i)) && std::isnan(expected(i)))));
    }
  }
  CHECK(refused > 10);
  CHECK(refused < 200);
  CHECK(scaled > 100);
}

TEST_CASE("A file that could not be read back is not written, and the old file stays") {
  const TempFolder folder;
  const auto path = folder / "net.onnx";
  for (const auto& each : {
           std::pair("LayerNorm(2, epsilon=1e-60)", "LayerNorm: expected epsilon > 0"),
           std::pair("Dropout(2, p=0.999999999999)", "Dropout: expected a probability in [0, 1)"),
           std::pair("Activate(2, HardTanh(min_value=1, max_value=1.000000000001))",
                     "HardTanh: expected min_value < max_value"),
           std::pair("Activate(2, LeakyReLU(negative_slope=1e300))", "expected a finite number as alpha"),
           std::pair("Activate(2, Softplus(beta=1e-60))", "Softplus: expected beta > 0"),
           std::pair("Activate(2, Softplus(beta=1e300))", "expected finite numbers in the range of float"),
           std::pair("BatchNorm(2, epsilon=1e-60, momentum=0.1)", "BatchNorm: expected epsilon > 0"),
       }) {
    const std::string text = each.first, expected = each.second;
    CAPTURE(text);
    detail::write_file(path, "old");
    const std::string found =
        message_of([&] { export_onnx(from_architecture("Mlp(Huber, " + text + ")"), path); });
    CAPTURE(found);
    CHECK(found.starts_with("to_onnx: "));
    CHECK(found.find(expected) != std::string::npos);
    CHECK(detail::read_file(path) == "old");
  }
  auto net = from_architecture<double>("Mlp(Huber, BatchNorm(2))");
  StandardScaler<double> scaler;
  scaler.mean = Vector<double>{{0, 0}};
  scaler.scale = Vector<double>{{1, 1e-60}};
  CHECK(message_of([&] {
          to_onnx(net, {.scaler = scaler});
        }).find("expected a scaler of finite numbers and scales > 0") != std::string::npos);
  net.state()(3) = -1;
  CHECK(message_of([&] { to_onnx(net); }).find("expected variances >= 0") != std::string::npos);
  for (const char* const name : {"\xFF", "a\xC3", "\xC0\x80", "\xED\xA0\x80"}) {
    const std::string expected = "to_onnx: expected names in UTF-8, found " + detail::in_quotes(name);
    DynamicMlp same = from_architecture("Mlp(Huber, Dropout(1))");
    CHECK(message_of([&] { to_onnx(same, {.features = {name}}); }) == expected);
    CHECK(message_of([&] { to_onnx(same, {.classes = {"a", name}}); }) == expected);
  }
}

TEST_CASE("Layers without effect are left out") {
  const auto again = [](const char* text) { return outcome(to_onnx(from_architecture(text))); };
  CHECK(again("Mlp(Huber, Activate(2, Identity), Activate(2, Identity))") ==
        "Mlp(Huber, Activate(2, Identity))");
  CHECK(again("Mlp(Huber, Residual(Activate(2, Identity)), Activate(2, Identity))") ==
        "Mlp(Huber, Residual(Activate(2, Identity)))");
  CHECK(again("Mlp(Huber, Dense(2, 2), Activate(2, Identity), Activate(2, ReLU))") ==
        "Mlp(Huber, Dense(2, 2, ReLU))");
}
