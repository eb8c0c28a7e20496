#include <mlp/io/safetensors.hpp>

#include <mlp/base/random.hpp>
#include <mlp/base/sizes.hpp>
#include <mlp/base/views.hpp>
#include <mlp/data/scalers.hpp>
#include <mlp/dynamic/dynamic_mlp.hpp>
#include <mlp/io/file.hpp>
#include <mlp/layer/activate.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/layer/layer_norm.hpp>
#include <mlp/layer/residual.hpp>
#include <mlp/loss/mean_squared_error.hpp>
#include <mlp/loss/poisson_nll.hpp>

#include "golden/safetensors.hpp"
#include "message_of.hpp"
#include "peak_memory.hpp"
#include "random_network.hpp"
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

// The error for a file in which one thing was changed.
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

/// A user-defined layer whose parameters have no names.
struct Gain : Sizes<2, 2, 2> {
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

TEST_CASE("tensors are named as in an nn.Sequential") {
  const Net net = trained();
  const TensorFile file = to_tensors(net);
  CHECK(names_of(file) == std::vector<std::string>{"0.weight [4, 3]", "0.bias [4]", "2.weight [4]",
                                                   "2.bias [4]", "2.running_mean [4]", "2.running_var [4]",
                                                   "3.weight [2, 4]", "3.bias [2]"});
  const auto w = tensor_values<float>(file.tensors[0], "net");
  CHECK(w[1] == net.weights<0>()(0, 1));  // row by row
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

TEST_CASE("saving and loading keeps every bit and all information about the model") {
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
    // Sums of a few terms of magnitude 1.
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

TEST_CASE("damaged files") {
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

TEST_CASE("architectures that the file's size does not justify take no memory") {
  TensorFile file = to_tensors(trained());
  const auto error = [&](const char* text) {
    file.metadata["mlp.architecture"] = text;
    return message_of<std::runtime_error>([&] { from_tensors(file, "net"); });
  };
  CHECK(error("Mlp(Hinge, Dense(10000, 10000))") ==
        "net: expected tensors of the 100010000 numbers that the architecture has, found 168 bytes");
  CHECK(error("Mlp(Hinge, Dropout(100000000))") ==
        "net: expected no more inputs than the 1049014 that the size of the file justifies, found "
        "100000000");
  CHECK(error("Mlp(Hinge, Dense(") ==
        "net: metadata mlp.architecture: architecture: expected a name at character 18, found the end");
  CHECK(error("Mlp(Hinge, Dropout(1000000))") == "net: expected the 0 tensors of the network, found 8");
  file.tensors.clear();
  CHECK(error("Mlp(Hinge, Dropout(1000000))") ==
        "net: metadata mlp.probes: a sample: expected 1000000 numbers, found 3");
  file.metadata.erase("mlp.architecture");
  CHECK(message_of<std::runtime_error>([&] {
          from_tensors(file, "net");
        }).starts_with("net: expected the architecture among the metadata, found none"));
}

TEST_CASE("networks that can't be saved") {
  Net net = trained();
  net.bias<2>()(1) = std::numeric_limits<float>::infinity();
  CHECK(message_of<std::invalid_argument>([&] { to_tensors(net); }) ==
        "save: tensor 3.bias: expected finite numbers, found nan or infinity");
  CHECK(message_of<std::invalid_argument>([&] { to_tensors(trained(), {.features = {"a"}}); }) ==
        "ModelInfo: expected 3 names of features, one for each input, or none, found 1");
  CHECK(message_of<std::invalid_argument>([&] {
          to_tensors(trained(), {.classes = {"a", "\xFF"}});
        }) == "save: expected names in UTF-8, found other bytes");
  Matrix<float> probes = Matrix<float>::Ones(3, 2);
  probes(2, 1) = NAN;
  CHECK(message_of<std::invalid_argument>([&] { to_tensors(trained(), {.probes = probes}); }) ==
        "ModelInfo: expected probes of finite numbers, found nan or infinity");
}

TEST_CASE("after a failed save, the old file stays") {
  const TempFolder folder;
  const auto path = folder / "net";
  save(trained(), path);
  const std::string before = detail::read_file(path);
  Net net = trained();
  net.weights<0>()(0, 0) = NAN;
  CHECK_THROWS_AS(save(net, path), std::invalid_argument);
  CHECK_THROWS_AS(save(trained(), path, {.features = {"\xFF", "", ""}}), std::invalid_argument);

  // exp(200) overflows in float.
  Mlp<PoissonNLL, Dense<1, 1>> steep;
  steep.parameters().setConstant(200);
  const ModelInfo<float> far{.probes = Matrix<float>{{0, 1}}};
  CHECK(message_of([&] { save(steep, path, far); }) ==
        "save: expected finite predictions for the probes, found nan or infinity");
  std::string deep = "Dropout(1)";
  for (int i = 0; i < 16; ++i) deep = "Residual(" + deep + ")";
  CHECK(message_of([&] {
          from_architecture("Mlp(Hinge, " + deep + ")");
        }).starts_with("architecture: expected no more than 16 parts within another"));
  CHECK(detail::read_file(path) == before);

  // Default probes are left out if their predictions are not finite.
  save(steep, path);
  CHECK(load_model(path).info.probes.size() == 0);
  CHECK(load_model(path).net.parameters()(0) == 200);
}

namespace {

// Whether a saved file is loaded unchanged, in each way, or saving is refused and the old file stays.
template <class N>
bool is_saved_or_refused(const N& net, const ModelInfo<float>& info, const std::filesystem::path& path) {
  std::filesystem::remove(path);
  try {
    save(net, path, info);
  } catch (const std::invalid_argument&) {
    return !std::filesystem::exists(path);
  }
  N same = net;
  same.parameters().setZero();
  same.state().setZero();
  const ModelInfo<float> read = load(same, path);
  const Model<float> model = load_model(path);
  const auto is_same = [&](const auto& loaded, const ModelInfo<float>& its_info) {
    return same_bits(loaded.parameters(), net.parameters()) && same_bits(loaded.state(), net.state()) &&
           architecture(loaded) == architecture(net) && its_info.features == info.features &&
           its_info.classes == info.classes && its_info.scaler.index() == info.scaler.index();
  };
  return is_same(same, read) && is_same(model.net, model.info) &&
         to_bytes(to_tensors(model.net, model.info)) == detail::read_file(path);
}

void set_random(auto& net, Rng& rng, bool is_extreme) {
  fill(net.parameters(), [&] { return random_number<float>(rng, is_extreme); });
  fill(net.state(), [&] { return random_number<float>(rng, is_extreme); });
}

}  // namespace

TEST_CASE("load reads what save writes, for random networks") {
  const TempFolder folder;
  const auto path = folder / "net";
  Rng rng{1};
  int saved = 0;
  for (int i = 0; i < 400; ++i) {
    const std::string text = random_architecture(rng);
    CAPTURE(text);
    DynamicMlp net = from_architecture(text);
    REQUIRE(architecture(net) == text);
    set_random(net, rng, i % 2 == 0);
    ModelInfo<float> info;
    if (i % 3 == 0) info.features.assign(static_cast<std::size_t>(net.inputs()), "\"\n\u00E4");
    if (i % 5 == 0) info.classes.assign(static_cast<std::size_t>(std::max(net.outputs(), Index{2})), "c");
    if (i % 5 == 0 && net.outputs() == 1) info.classes = {"no", "yes"};
    if (i % 7 == 0) {
      Matrix<float> x(net.inputs(), 3);
      fill(x, [&] { return random_number<float>(rng, false); });
      if (i % 2 == 0) info.scaler = StandardScaler(x);
      else info.scaler = MinMaxScaler(x, -1, 1);
    }
    CHECK(is_saved_or_refused(net, info, path));
    saved += std::filesystem::exists(path);
  }
  CHECK(saved >= 350);  // few are refused
}

TEST_CASE("load reads what save writes, for networks of static sizes") {
  const TempFolder folder;
  const auto path = folder / "net";
  Rng rng{2};
  const auto check = [&](auto net) {
    CAPTURE(architecture(net));
    for (const bool is_extreme : {false, true}) {
      set_random(net, rng, is_extreme);
      CHECK(is_saved_or_refused(net, {}, path));
      save(to_dynamic(net), path);  // a dynamic network is written, a static one read
      CHECK(same_bits(load_model(path).net.parameters(), net.parameters()));
      auto same = net;
      load(same, path);
      CHECK(same_bits(same.parameters(), net.parameters()));
    }
  };
  check(Mlp<MeanSquaredError, Dense<1, 1>>{});
  check(Mlp<MeanSquaredError, Dense<1, 4, Tanh>, Dense<4, 1>>{});
  check(Mlp<SoftmaxCrossEntropy, Dense<3, 1, LeakyReLU>, Dense<1, 5>>{});
  check(Mlp<MeanSquaredError, LayerNorm<1>, Dense<1, 2>, BatchNorm<2>, Dropout<2>>{});
  check(Mlp<MeanSquaredError, BatchNorm<1>, Activate<1, Tanh>, Residual<Dense<1, 1>, LayerNorm<1>>>{});
  check(Mlp<MeanSquaredError, Dense<Dynamic, 1, Tanh>, Dense<1, Dynamic>>(Dense<Dynamic, 1, Tanh>(1, 1),
                                                                          Dense<1, Dynamic>(1, 3)));
  Mlp<MeanSquaredError, Dense<1, 3>> one;
  CHECK(names_of(to_tensors(one)) == std::vector<std::string>{"0.weight [3, 1]", "0.bias [3]"});
}

TEST_CASE("sizes in a file are limited by memory and by the file's size") {
  TensorFile file = to_tensors(from_architecture("Mlp(Hinge, Dense(1, 1))"));
  file.metadata.erase("mlp.probes");
  const auto error = [&](const std::string& layers) {
    file.metadata["mlp.architecture"] = "Mlp(Hinge, " + layers + ")";
    return message_of<std::runtime_error>([&] { from_tensors(file, "net"); });
  };
  // With an Index of 64 bits 2 (2^62 + 1) wraps to 2, and two of these layers would be a network of 4 parameters.
  constexpr Index most = std::numeric_limits<Index>::max();
  const std::string wraps = std::to_string(most / 2 + 2);
  for (const char* layer : {"BatchNorm(", "LayerNorm("}) {
    const std::string twice = layer + wraps + "), " + layer + wraps + ")";
    CHECK(error(twice).ends_with("expected a size in [0, " + std::to_string(most / 8) +
                                 "], which memory could hold, found " + wraps));
  }
  // An eighth is allowed by itself.
  const std::string eighth = std::to_string(most / 8), one_more = std::to_string(most / 8 + 1);
  CHECK(error("BatchNorm(" + eighth + ")").ends_with("found " + std::to_string(most / 8 * 2)));
  CHECK(error("Dense(" + eighth + ", " + eighth + ")")
            .ends_with("Dense: expected no more than the " + eighth +
                       " coefficients that memory could hold, found " + eighth + " x " + one_more));
  CHECK(error("Dense(" + std::to_string(most / 8 - 1) + ", 1), Dense(1, 1)")
            .ends_with("found " + std::to_string(most / 8 + 2)));
  CHECK(error("Activate(100000000, ReLU)") ==
        "net: expected no more inputs than the 1048624 that the size of the file justifies, found "
        "100000000");
  CHECK(error("Residual(Dropout(1048600))") == "net: expected the 0 tensors of the network, found 2");
}

TEST_CASE("numbers in a file must be finite in the scalar type") {
  const auto error = [](const char* key, const char* json) {
    return error_after([&](auto& f) { f.metadata[key] = json; });
  };
  CHECK(error("mlp.probes", R"({"inputs":[[1,2,3]],"predictions":[[1e39,0]]})") ==
        "net: metadata mlp.probes: expected finite numbers in the range of the scalar type, found others");
  CHECK(error("mlp.probes", R"({"inputs":[[1,2,1e39]],"predictions":[[1,0]]})") ==
        "net: metadata mlp.probes: expected finite numbers in the range of the scalar type, found others");
  for (const char* scaler : {R"({"MinMaxScaler":{"min":[1,2,3],"scale":[1,1,1],"low":1e39}})",
                             R"({"MinMaxScaler":{"min":[1,2,1e39],"scale":[1,1,1],"low":0}})",
                             R"({"StandardScaler":{"mean":[1,2,3],"scale":[1,1e39,1]}})",
                             R"({"StandardScaler":{"mean":[1,2,3],"scale":[1,1e-60,1]}})"}) {
    CHECK(error("mlp.scaler", scaler) ==
          "net: metadata: ModelInfo: expected a scaler of finite numbers and scales > 0, found another");
  }
}

TEST_CASE("metadata in another form than save writes") {
  const auto error = [](const std::string& key, const std::string& json) {
    const std::string message = error_after([&](auto& f) { f.metadata[key] = json; });
    const std::string prefix = "net: metadata " + key + ": ";
    return message.starts_with(prefix) ? message.substr(prefix.size()) : message;
  };
  const auto is_other = [&](const std::string& key, const std::string& json) {
    return error(key, json).starts_with("expected JSON as save writes it, found \"");
  };
  CHECK(is_other("mlp.classes", "null"));
  CHECK(is_other("mlp.classes", std::string("[\"a\",\"b\"]\0[]", 12)));
  CHECK(is_other("mlp.classes", "[\"a\",1]"));
  CHECK(error("mlp.classes", "[\"a\",\"b\",\"c\"]") == "ModelInfo: expected 2 names, or none, found 3");
  for (const char* samples : {"[1,[2,3]]", "[[1,2,3],4]", "[\"a\",[1,2,3]]"}) {
    CHECK(is_other("mlp.probes", std::string("{\"inputs\":") + samples + ",\"predictions\":[[1,2]]}"));
  }
  CHECK(is_other("mlp.probes", "{\"inputs\":[[1,2,3]]}"));
  CHECK(is_other("mlp.scaler", R"({"MinMaxScaler":{"min":["a"],"scale":[1,1,1],"low":0}})"));
  CHECK(is_other("mlp.scaler", "{\"MaxScaler\":{}}"));
  CHECK(error("mlp.scaler", R"({"MinMaxScaler":{"min":[1,2,3],"scale":[1,1,1],"low":[]}})") ==
        "MinMaxScaler: expected 1 number as low, found 0");
}

namespace {

// Bytes of memory for each byte of a file with this header, whether it is read or refused.
double memory_for(const std::string& header) {
  std::string bytes(8, '\0');
  detail::to_little_endian(std::uint64_t{header.size()}, bytes.data());
  bytes += header;
  return static_cast<double>(
             peak_memory::of([&] { from_tensors(tensors_from_bytes(bytes, "net"), "net"); })) /
         static_cast<double>(bytes.size());
}

std::string repeated(std::size_t count, auto&& item) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i) text += item(i);
  return text;
}

std::string with_metadata(const std::string& key, const std::string& value) {
  return "{\"__metadata__\":{\"mlp.architecture\":\"Mlp(Hinge, Dense(1, 1))\",\"" + key + "\":\"" + value +
         "\"},\"0.weight\":{\"dtype\":\"F32\",\"shape\":[1,1],\"data_offsets\":[0,0]}}";
}

}  // namespace

TEST_CASE("memory is proportional to the file's size, whatever its contents") {
  constexpr std::size_t n = 50'000;
  const auto name = [](std::size_t i) { return std::to_string(i); };
  const auto check = [](const char* what, const std::string& header) {
    const double factor = memory_for(header);
    CAPTURE(what);
    CAPTURE(factor);
    CHECK(factor <= 32);
  };
  check("tensors", "{" + repeated(n, [&](std::size_t i) {
                     return "\"" + name(i) + "\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,0]},";
                   }) + "\"x\":{}}");
  check("metadata", "{\"__metadata__\":{" + repeated(n, [&](std::size_t i) {
                      return "\"" + name(i) + "\":\"\",";
                    }) + "\"x\":\"\"}}");
  check("dimensions",
        "{\"a\":{\"dtype\":\"U8\",\"shape\":[" + repeated(n, [](auto) { return "0,"; }) + "0]}}");
  for (const char* item : {"[", "0,", "[],", "{", "\\\"\\\","}) {
    for (const char* key : {"mlp.features", "mlp.classes", "mlp.scaler", "mlp.probes"}) {
      CAPTURE(key);
      check(item, with_metadata(key, "[" + repeated(n, [&](auto) { return item; })));
    }
    check(item, with_metadata("mlp.probes", "{\\\"inputs\\\":[" + repeated(n, [&](auto) { return item; })));
  }
  check("keys", with_metadata("mlp.probes", "{" + repeated(n, [&](std::size_t i) {
                                              return "\\\"" + name(i) + "\\\":0,";
                                            })));
}

TEST_CASE("time is proportional to the file's size") {
  // Each file would take minutes if time were quadratic.
  std::string name = "0";
  for (int i = 0; i < 300'000; ++i) name += ".0";
  TensorFile foreign;
  const float zero = 0;
  for (const char* leaf : {".weight", ".bias"})
    foreign.tensors.push_back(make_tensor(name + leaf, {1}, &zero));
  Mlp<MeanSquaredError, Dense<1, 1>> net;
  CHECK(message_of<std::runtime_error>([&] {
          from_tensors(net, foreign, "net");
        }).ends_with(": expected the sizes [1, 1] of the network, found [1]"));

  std::vector<AnyLayer> layers(10'000, DynamicDense(1, 1));
  DynamicMlp deep(MeanSquaredError{}, Sequential(std::move(layers)));
  deep.parameters().setOnes();
  const TensorFile file = to_tensors(deep);
  CHECK(from_tensors(tensors_from_bytes(to_bytes(file), "net"), "net").net.parameters() == deep.parameters());
}

TEST_CASE("every prefix of a file and every change of a byte gives a model or an error") {
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
