#include <mlp/io/onnx.hpp>

#include <mlp/architecture.hpp>
#include <mlp/dynamic_mlp.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/preprocessing.hpp>
#include <mlp/random.hpp>

#include "golden/compare.hpp"
#include "golden/onnx.hpp"
#include "message_of.hpp"
#include "temp_folder.hpp"

#include <doctest/doctest.h>
#include <protozero/pbf_writer.hpp>

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

using namespace mlp;

namespace {

const std::filesystem::path data = std::filesystem::path(__FILE__).parent_path() / "../data/onnx";

template <class S>
void randomize(BasicDynamicMlp<S>& net) {
  Rng rng{3};
  for (S& p : net.parameters()) p = static_cast<S>(rng.normal());
  for (S& s : net.state()) s = static_cast<S>(0.5 + rng.uniform());
}

// What other programs might write: a node, a tensor and an input as their messages.

struct Attribute {
  const char* name;
  std::variant<float, int, const char*> value;
};

struct Node {
  const char* op;
  std::vector<std::string> inputs;
  std::string output;
  std::vector<Attribute> attributes = {};
  const char* domain = "";

  std::string bytes() const {
    std::string result;
    protozero::pbf_writer to(result);
    for (const std::string& input : inputs) to.add_string(1, input);
    to.add_string(2, output);
    to.add_string(4, op);
    to.add_string(7, domain);
    for (const auto& [name, value] : attributes) {
      protozero::pbf_writer attribute(to, 5);
      attribute.add_string(1, name);
      if (const auto* const real = std::get_if<float>(&value)) attribute.add_float(2, *real);
      if (const auto* const integer = std::get_if<int>(&value)) attribute.add_int64(3, *integer);
      if (const auto* const text = std::get_if<const char*>(&value)) attribute.add_string(4, *text);
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

Model<float> read(const File& file) { return onnx_from_bytes(file.bytes(), "FILE"); }

// What it is read as, or why it is not.
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

TEST_CASE("What PyTorch and scikit-learn's converter write is read") {
  for (const auto& file : golden::onnx::files) {
    CAPTURE(file.name);
    const auto model = import_onnx(data / (file.name + std::string(".onnx")));
    CHECK(architecture(model.net) == file.architecture);
    const auto predicted = model.predict(golden::matrix<float>(std::span(file.x), model.net.inputs(), 4));
    // Numbers up to 4, in both of which some 10 roundings to float add up.
    CHECK(golden::worst_error(predicted, std::span(file.y)) <=
          4 * 10 * std::numeric_limits<float>::epsilon());
  }
  const auto names = [](const char* file) { return import_onnx<double>(data / file).info.classes; };
  CHECK(names("sklearn_classifier.onnx") == std::vector<std::string>{"setosa", "versicolor", "virginica"});
  CHECK(names("sklearn_binary_zipmap.onnx") == std::vector<std::string>{"0", "1"});
}

TEST_CASE("What is written is read as it was") {
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

TEST_CASE("Scalers and names go with a network into a file") {
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

TEST_CASE("Forms that are read") {
  const auto is_read_as = [](std::vector<Node> nodes, const std::string& expected) {
    CHECK(outcome(std::move(nodes)) == "Mlp(" + expected + ")");
  };
  // Newer operators.
  is_read_as({dense, {"Mish", {"h"}, "y"}}, "MeanSquaredError, Dense(2, 2, Mish)");
  is_read_as({dense, {"Gelu", {"h"}, "y"}}, "MeanSquaredError, Dense(2, 2, GELU)");
  is_read_as({dense, {"Gelu", {"h"}, "y", {{"approximate", "tanh"}}}},
             "MeanSquaredError, Dense(2, 2, GELU(approximate=1))");
  is_read_as({dense, {"Softsign", {"h"}, "y"}}, "MeanSquaredError, Dense(2, 2, Softsign)");
  // A loss's link.
  is_read_as({dense, {"Exp", {"h"}, "y"}}, "PoissonNLL, Dense(2, 2)");
  is_read_as({dense, {"Softmax", {"h"}, "y"}}, "SoftmaxCrossEntropy, Dense(2, 2)");
  is_read_as({dense, {"Sigmoid", {"h"}, "s"}, {"Identity", {"s"}, "y"}}, "BinaryCrossEntropy, Dense(2, 2)");
  is_read_as({dense, {"Sigmoid", {"h"}, "s"}, {"Sigmoid", {"s"}, "y"}},
             "BinaryCrossEntropy, Dense(2, 2, Sigmoid)");
  // Nothing, and a sum of nothing with itself.
  is_read_as({{"Identity", {"x"}, "y"}}, "MeanSquaredError, Activate(2, Identity)");
  is_read_as({{"Add", {"x", "x"}, "y"}}, "MeanSquaredError, Residual(Activate(2, Identity))");
  // What is not between input and output may be anything.
  is_read_as({dense, {"Conv", {"h"}, "z"}, {"Relu", {"h"}, "y"}}, "MeanSquaredError, Dense(2, 2, ReLU)");
  is_read_as({{"Dropout", {"x"}, "y"}}, "MeanSquaredError, Dropout(2, p=0.5)");
  is_read_as({{"LayerNormalization", {"x", "v"}, "y"}}, "MeanSquaredError, LayerNorm(2, epsilon=1e-05)");

  // Sizes that only the weights tell, and an initializer that is an input too.
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

TEST_CASE("Arithmetic ahead of the first layer is a scaler") {
  const Matrix<float> x = Matrix<float>{{1, 2}, {3, 5}};
  const auto predict = [&](std::vector<Node> nodes) {
    nodes.push_back({"Identity", {"a"}, "y"});
    return read({std::move(nodes)}).predict(x);
  };
  // v = (1, 2), c = 2; all is exact.
  CHECK(predict({{"Add", {"v", "x"}, "s"}, {"Div", {"s", "c"}, "a"}}) ==
        Matrix<float>{{1, 1.5f}, {2.5f, 3.5f}});
  CHECK(predict({{"Mul", {"x", "c"}, "m"}, {"Add", {"m", "v"}, "a"}}) == Matrix<float>{{3, 5}, {8, 12}});
  CHECK(predict({{"Mul", {"x", "v"}, "m"}, {"Add", {"m", "c"}, "a"}}) == Matrix<float>{{3, 4}, {8, 12}});
  CHECK(predict({{"Add", {"x", "c"}, "s"}, {"Mul", {"s", "c"}, "a"}}) == Matrix<float>{{6, 8}, {10, 14}});
}

TEST_CASE("What a graph does not have is said") {
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
  nodes_say({{"Relu", {"x"}, "s"}, {"Mul", {"x", "s"}, "y"}},
            "(Mul): expected it in a form that multi-layer");
  nodes_say({{"Softmax", {"x"}, "y", {{"axis", 0}}}}, "(Softmax): expected it in a form");
  nodes_say({{"MatMul", {"w", "x"}, "y"}}, "(MatMul): expected it in a form");
  nodes_say({dense, {"Softmax", {"h"}, "s"}, {"Relu", {"s"}, "y"}},
            "(Softmax): expected nothing but predictions after it, found node of \"y\" (Relu)");
  nodes_say({{"Softmax", {"x"}, "s"}, {"Add", {"x", "s"}, "y"}},
            "(Softmax): expected it as the last operator, found it in a branch");
  nodes_say({{"Relu", {"x"}, "a"}, {"Relu", {"x"}, "b"}, {"Add", {"a", "b"}, "y"}},
            "expected a way from \"b\" back to \"a\"");
  nodes_say({dense, {"Mul", {"h", "c"}, "y"}},
            "(Mul): expected arithmetic with constants ahead of the first layer");
  nodes_say({{"Gemm", {"x", "w"}, "y", {{"transA", 1}}}}, "(Gemm): expected transA = 0, found 1");
  nodes_say({{"Selu", {"x"}, "y", {{"alpha", 1.f}}}}, "(Selu): expected alpha = 1.673");
  nodes_say({{"Elu", {"x"}, "y", {{"alpha", -1.f}}}}, "(Elu): ELU: expected alpha >= 0, found -1");
  nodes_say({{"Elu", {"x"}, "y", {{"alpha", std::numeric_limits<float>::infinity()}}}},
            "(Elu): expected a finite number as alpha");
  nodes_say({{"Cast", {"x"}, "y", {{"to", 7}}}}, "(Cast): expected a cast to float or double");
  nodes_say({{"Reshape", {"x", "v"}, "r"}, {"Reshape", {"r", "c"}, "y"}},
            "node of \"y\" (Reshape): expected a shape of [N, features]");
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
  nodes_say({{"Concat", {"x", "x"}, "y", {{"axis", 1}}}}, "(Concat): expected it in a form");
  nodes_say({{"Mul", {"x", "zero"}, "y"}}, "found \"zero\"");

  const std::vector<Node> relu{{"Relu", {"x"}, "y"}};
  says({.nodes = relu, .opset = 6}, "expected opset 7 or later, found 6");
  says({.nodes = relu, .inputs = {}}, "found \"x\"");
  says({.nodes = relu, .inputs = {value("x", {0, 2}), value("z", {0, 2})}}, "expected one input, found 2");
  says({.nodes = relu, .inputs = {value("x", {0, 2}, 8)}}, "expected an input of numbers, found text");
  says({.nodes = relu, .inputs = {value("x", {2})}}, "expected an input of shape [N, features]");
  says({.nodes = relu, .inputs = {value("x", {0, 0})}}, "expected an input of a known size");
  says({.nodes = {{"Softmax", {"x"}, "y"}}, .inputs = {value("x", {0, 2, 2})}},
       "(Softmax): expected an input of shape [N, features]");
  says({.nodes = {dense}, .inputs = {value("x", {0, 2, 1})}, .outputs = {value("h", {})}},
       "(MatMul): expected an input of shape [N, features], or a Flatten before");
  says({.nodes = {dense}, .inputs = {value("x", {0, 3})}, .outputs = {value("h", {})}},
       "tensor \"w\": expected weights for 3 inputs, found 2");
  says({.nodes = relu, .outputs = {value("x", {}), value("y", {})}},
       "expected one output, or one called probabilities, found \"x\", \"y\"");
  says({.nodes = relu, .metadata = {{"a", "b"}, {"a", "c"}}},
       "expected one value for \"a\" in metadata_props");
  says({.nodes = relu, .metadata = {{"mlp.loss", "Softmax"}}}, "expected the name of a loss");
  says({.nodes = relu, .metadata = {{"mlp.loss", "Hinge("}}}, "expected");
  says({.nodes = relu, .metadata = {{"mlp.loss", "SoftmaxCrossEntropy"}}},
       "expected predictions that end as those of \"SoftmaxCrossEntropy\" do, with \"Softmax\", found \"\"");
  says({.nodes = relu, .metadata = {{"mlp.class.0", "a"}}}, "expected 2 names of classes, or none, found 1");

  const auto tensor_says = [&](const std::string& w, const std::string& expected) {
    says({.nodes = {dense}, .tensors = {w}, .outputs = {value("h", {})}}, expected);
  };
  tensor_says(tensor("w", {2, 2}, {1, 2, 3}), "tensor \"w\": expected 4 numbers, as its sizes say, found 3");
  tensor_says(tensor("w", {-1, -4}, {1, 2, 3, 4}), "tensor \"w\": expected sizes >= 0, found -1");
  tensor_says(tensor("w", {std::int64_t{1} << 62, 4, 0}, {}), "tensor \"w\": expected a matrix of weights");
  tensor_says(tensor("w", {std::int64_t{1} << 62, std::int64_t{1} << 62}, {}), "as its sizes say, found 0");
  tensor_says(tensor("w", {2, 2}, {1, 2, 3, std::numeric_limits<float>::quiet_NaN()}),
              "tensor \"w\": expected finite numbers in the range of the scalar type, found nan");
  tensor_says(tensor("w", {2, 2}, {1, 2, 3, 4}, 8),
              "tensor \"w\": expected float, double, float16, int32 or int64 numbers, found data type 8");
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
  // 2^40 features; a matrix of 1000 x 1000 for each of 30 layers.
  File file{{{"LayerNormalization", {"x", "c"}, "y"}}};
  file.inputs = {value("x", {0, std::int64_t{1} << 39})};
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

TEST_CASE("Whatever is changed in a file, it is read as a network of numbers or refused") {
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
