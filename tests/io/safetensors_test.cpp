#include <mlp/io/safetensors.hpp>

#include <mlp/dynamic_mlp.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/preprocessing.hpp>

#include "golden/safetensors.hpp"
#include "message_of.hpp"
#include "temp_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <filesystem>
#include <limits>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

using namespace mlp;

namespace {

using Net = Mlp<SoftmaxCrossEntropy, Dense<3, 4, Tanh>, BatchNorm<4>, Dense<4, 2>>;

Net trained() {
  Net net;
  Rng rng{1};
  net.initialize(rng);
  fill(net.parameters(), [&] { return rng.normal(); });
  fill(net.state(), [&] { return rng.uniform(0.5, 2); });
  return net;
}

std::vector<std::string> names_of(const TensorFile& file) {
  std::vector<std::string> names;
  for (const Tensor& tensor : file.tensors)
    names.push_back(tensor.name + " " + detail::text_of(tensor.shape));
  return names;
}

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i < hex.size(); i += 2)
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return bytes;
}

// What is said of a file that differs from a right one.
template <class Change>
std::string error_after(Change&& change) {
  Net net = trained();
  const Net before = net;
  TensorFile file = to_tensors(net, {.classes = {"a", "b"}});
  change(file);
  std::string error = message_of<std::runtime_error>([&] { from_tensors(net, file, "net"); });
  CHECK(net.parameters() == before.parameters());
  return error;
}
void set_values(Tensor& tensor, const std::vector<float>& values) {
  tensor = make_tensor(tensor.name, tensor.shape, values.data());
}

/// A layer of the user's own, with parameters that it does not call weights.
struct Gain : Inputs<2>, Outputs<2>, ParameterCount<2> {
  template <class S>
  struct Cache {};
  void initialize(auto& theta, Rng&) const { theta.setOnes(); }
  void infer(const auto& theta, const auto& x, auto& y) const { y = theta.asDiagonal() * x; }
  void forward(const auto& theta, const auto& x, auto& y, auto&, Rng&) const { infer(theta, x, y); }
  void backward(const auto& theta, const auto& x, const auto&, auto&, const auto& dy, auto& dtheta,
                auto& dx) const {
    dtheta = dy.cwiseProduct(x).rowwise().sum();
    dx = theta.asDiagonal() * dy;
  }
};

}  // namespace

TEST_CASE("tensors as of an nn.Sequential") {
  const Net net = trained();
  const TensorFile file = to_tensors(net);
  CHECK(names_of(file) == std::vector<std::string>{"0.weight [4, 3]", "0.bias [4]", "2.weight [4]",
                                                   "2.bias [4]", "2.running_mean [4]", "2.running_var [4]",
                                                   "3.weight [2, 4]", "3.bias [2]"});
  const auto w = tensor_values<float>(file.tensors[0], "net");
  CHECK(w[1] == net.weights<0>()(0, 1));  // a row after the other
  CHECK(
      file.metadata.at("mlp.architecture") ==
      "Mlp(SoftmaxCrossEntropy, Dense(3, 4, Tanh), BatchNorm(4, epsilon=1e-05, momentum=0.1), Dense(4, 2))");

  Mlp<MeanSquaredError, Residual<Dense<2, 2, ReLU>, Dense<2, 2>>, Gain> odd;
  Rng rng{1};
  odd.initialize(rng);
  CHECK(names_of(to_tensors(odd)) == std::vector<std::string>{"0.0.weight [2, 2]", "0.0.bias [2]",
                                                              "0.2.weight [2, 2]", "0.2.bias [2]",
                                                              "1.parameters [2]"});
  auto same = odd;
  same.parameters().setZero();
  from_tensors(same, to_tensors(odd), "odd");
  CHECK(same.parameters() == odd.parameters());
}

TEST_CASE("what is saved is loaded: the same bits, and all that is known of the model") {
  const TempFolder folder;
  const auto path = folder / "net.safetensors";
  const Net net = trained();
  const Matrix<float> x = Matrix<float>::Random(3, 20) * 7;
  const ModelInfo<float> info{.features = {"length", "width", "\"height\", \xC3\xA4"},
                              .classes = {"cat", "dog"},
                              .scaler = StandardScaler(x)};
  save(net, path, info);

  Net same;
  const ModelInfo<float> read = load(same, path);
  CHECK(same.parameters() == net.parameters());
  CHECK(same.state() == net.state());
  CHECK(read.features == info.features);
  CHECK(read.classes == info.classes);
  CHECK(read.prepare(x) == info.prepare(x));
  CHECK(read.probes.cols() == 2);

  const Model<float> model = load_model(path);
  CHECK(architecture(model.net) == architecture(net));
  CHECK(model.predict(x) == net.predict(info.prepare(x)));
  CHECK(model.classify(x) == net.classify(info.prepare(x)));
  CHECK(to_bytes(to_tensors(model.net, model.info)) == to_bytes(to_tensors(net, info)));

  const ModelInfo<float> other{.scaler = MinMaxScaler(x, -1, 1), .probes = x};
  const ModelInfo<float> other_read = from_tensors(same, to_tensors(net, other), "net");
  CHECK(other_read.prepare(x) == other.prepare(x));
  CHECK(other_read.probes == x);

  auto wide = net.cast<double>();
  CHECK(from_tensors<double>(to_tensors(wide), "net").net.parameters() == wide.parameters());
}

TEST_CASE("files of PyTorch, in four types") {
  for (const golden::SavedNetwork& saved : golden::saved_networks) {
    CAPTURE(saved.type);
    Net net;
    from_tensors(net, tensors_from_bytes(from_hex(saved.file), "net"), "net");
    const Matrix<float> x = Eigen::Map<const Matrix<float>>(saved.inputs.data(), 3, 4);
    const Matrix<float> y = Eigen::Map<const Matrix<float>>(saved.outputs.data(), 2, 4);
    // Sums of few terms of the size of 1.
    CHECK((net.infer(x) - y).cwiseAbs().maxCoeff() <= 16 * std::numeric_limits<float>::epsilon());
  }
}

TEST_CASE("a network of another shape") {
  const TensorFile file = to_tensors(trained());
  const auto error = [&](auto net) {
    return message_of<std::runtime_error>([&] { from_tensors(net, file, "net"); });
  };
  CHECK(error(Mlp<SoftmaxCrossEntropy, Dense<3, 5, Tanh>, BatchNorm<5>, Dense<5, 2>>()) ==
        "net: tensor 0.weight: expected the sizes [5, 3] of the network, found [4, 3]");
  CHECK(error(Mlp<SoftmaxCrossEntropy, Dense<3, 4, Tanh>, BatchNorm<4>, Dense<4, 2, Tanh>, Dense<2, 2>>()) ==
        "net: expected a tensor 5.weight [2, 2], found none");
  CHECK(error(Mlp<SoftmaxCrossEntropy, Dense<3, 4, Tanh>>()) ==
        "net: expected the 2 tensors of the network, found 8");
  CHECK(error(Mlp<SoftmaxCrossEntropy, Dense<3, 4, Sigmoid>, BatchNorm<4>, Dense<4, 2>>())
            .starts_with("net: probe 0, output 0: expected the network to predict 0."));
}

TEST_CASE("files that are not right") {
  CHECK(error_after([](auto&) {}) == "no such exception");
  CHECK(error_after([](auto& f) { f.tensors[0].name = "0.kernel"; }) ==
        "net: expected a tensor 0.weight [4, 3], found none");
  CHECK(error_after([](auto& f) {
          set_values(f.tensors[1], {0, 0, NAN, 0});
        }) == "net: tensor 0.bias: expected finite numbers, found nan or infinity");
  CHECK(error_after([](auto& f) {
          set_values(f.tensors[1], {0, 0, 0, 0});
        }).starts_with("net: probe 0, output 0: expected the network to predict "));
  CHECK(error_after([](auto& f) { f.metadata["mlp.version"] = "2"; }) ==
        "net: metadata mlp.version: expected 1, found \"2\"");
  CHECK(error_after([](auto& f) { f.metadata["mlp.classes"] = "[1]"; }) ==
        "net: metadata mlp.classes: expected JSON as save writes it, found \"[1]\"");
  CHECK(error_after([](auto& f) { f.metadata["mlp.classes"] = std::string(100'000, '['); }) ==
        "net: metadata mlp.classes: expected JSON as save writes it, found \"" + std::string(40, '[') +
            "...\"");
  CHECK(error_after([](auto& f) { f.metadata["mlp.classes"] = "[\"a\"]"; }) ==
        "net: metadata: ModelInfo: expected 2 names of classes, or none, found 1");
  CHECK(error_after([](auto& f) {
          f.metadata["mlp.scaler"] = R"({"StandardScaler":{"mean":[1,2,3],"scale":[1,0,1]}})";
        }) == "net: metadata: ModelInfo: expected a scaler of finite numbers and scales > 0, found another");
  CHECK(error_after([](auto& f) {
          f.metadata["mlp.probes"] = R"({"inputs":[[1]],"predictions":[[1,2]]})";
        }) == "net: metadata mlp.probes: a sample: expected 3 numbers, found 1");
}

TEST_CASE("architectures that the file does not justify take no memory") {
  TensorFile file = to_tensors(trained());
  const auto error = [&](const char* text) {
    file.metadata["mlp.architecture"] = text;
    return message_of<std::runtime_error>([&] { from_tensors(file, "net"); });
  };
  CHECK(error("Mlp(Hinge, Dense(100000000, 1000000))") ==
        "net: expected tensors of the 100000001000000 numbers that the architecture has, found 168 bytes");
  CHECK(error("Mlp(Hinge, Dropout(1000000000000))") == "net: expected the 0 tensors of the network, found 8");
  CHECK(error("Mlp(Hinge, Dense(") ==
        "net: metadata mlp.architecture: architecture: expected a name at character 18, found the end");
  file.tensors.clear();
  CHECK(error("Mlp(Hinge, Dropout(1000000000000))") ==
        "net: metadata mlp.probes: a sample: expected 1000000000000 numbers, found 3");
  file.metadata.erase("mlp.architecture");
  CHECK(message_of<std::runtime_error>([&] {
          from_tensors(file, "net");
        }).starts_with("net: expected the architecture among the metadata, found none"));
}

TEST_CASE("what can't be saved") {
  Net net = trained();
  net.bias<2>()(1) = std::numeric_limits<float>::infinity();
  CHECK(message_of<std::invalid_argument>([&] { to_tensors(net); }) ==
        "save: tensor 3.bias: expected finite numbers, found nan or infinity");
  CHECK(message_of<std::invalid_argument>([&] { to_tensors(trained(), {.features = {"a"}}); }) ==
        "ModelInfo: expected 3 names of features, one for each input, or none, found 1");
  CHECK(message_of<std::invalid_argument>([&] {
          to_tensors(trained(), {.classes = {"a", "\xFF"}});
        }) == "save: expected names in UTF-8, found other bytes");
}

TEST_CASE("every prefix of a file and every change of a byte is a model or an error") {
  const DynamicMlp net = from_architecture("Mlp(Hinge, Dense(1, 1))");
  const std::string bytes = to_bytes(to_tensors(net, {.classes = {"a", "b"}, .probes = Matrix<float>{{1}}}));
  const auto load = [](std::string_view changed) {
    try {
      const Model<float> model = from_tensors(tensors_from_bytes(changed, "net"), "net");
      return model.net.parameters().allFinite();
    } catch (const std::runtime_error& error) {
      return std::string_view(error.what()).starts_with("net: ");
    }
  };
  REQUIRE(load(bytes));
  for (std::size_t size = 0; size < bytes.size(); ++size)
    CHECK(load(std::string_view(bytes).substr(0, size)));
  std::string changed = bytes;
  Index wrong = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    for (int value = 1; value < 256; ++value) {
      changed[i] = static_cast<char>(bytes[i] ^ value);
      wrong += !load(changed);
    }
    changed[i] = bytes[i];
  }
  CHECK(wrong == 0);
}
