#include <mlp/io/export_header.hpp>

#include <mlp/base/random.hpp>
#include <mlp/base/views.hpp>
#include <mlp/data/scalers.hpp>
#include <mlp/dynamic/dynamic_mlp.hpp>
#include <mlp/layer/dense.hpp>

#include "message_of.hpp"
#include "temp_folder.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

using namespace mlp;

namespace {

// -nostdinc++: no header of the standard library can be included. C's stdio, which the programs below use for
// input and output, is not affected.
constexpr auto flags =
    " -std=c++17 -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wdouble-promotion -Werror -fno-exceptions "
    "-fno-rtti -nostdinc++ ";

// The compiler's errors and warnings for a source; empty if it compiles cleanly.
std::string compile(const TempFolder& folder, const std::string& source, const std::string& to) {
  detail::write_file(folder / "main.cpp", source);
  const std::string path = folder.path().string();
  const std::string command = MLP_COMPILER + std::string(flags) + "-I" + path + " " + path + "/main.cpp " +
                              to + " 2> " + path + "/errors";
  const bool is_right = std::system(command.c_str()) == 0;
  const std::string errors = detail::read_file(folder / "errors");
  return is_right ? errors : "an error\n" + errors;
}

template <class S>
struct Case {
  BasicDynamicMlp<S> net;
  Matrix<S> x;
  ModelInfo<S> info = {};

  Matrix<double> predictions() const { return net.predict(info.prepare(x)).template cast<double>(); }
  Matrix<double> inputs() const { return x.template cast<double>(); }
};

template <class S>
BasicDynamicMlp<S> random_net(const std::string& architecture, double scale = 1) {
  auto net = from_architecture<S>(architecture);
  Rng rng(5);
  net.initialize(rng);
  for (S& p : net.parameters()) p = static_cast<S>(scale) * (p == 0 ? static_cast<S>(rng.normal() / 4) : p);
  fill(net.state(), [&] { return rng.uniform(0.5, 2); });
  return net;
}

template <class S>
Matrix<S> random_inputs(Index inputs, Index samples) {
  Rng rng(6);
  Matrix<S> x(inputs, samples);
  fill(x, [&] { return rng.normal() * std::exp2(rng.uniform(-3, 3)); });
  return x;
}

template <class S>
Case<S> random_case(const std::string& architecture, double scale = 1) {
  auto net = random_net<S>(architecture, scale);
  return {net, random_inputs<S>(net.inputs(), 200)};
}

// The predictions of all headers for each sample, computed by one program, each header in its own namespace.
// That the program compiles also proves that all probes pass.
template <class S>
std::vector<Matrix<double>> evaluate(const std::vector<Case<S>>& cases) {
  const TempFolder folder;
  std::string source = "#include <stdio.h>\n", calls;
  for (std::size_t i = 0; i < cases.size(); ++i) {
    const std::string name = "net" + std::to_string(i);
    export_header(cases[i].net, folder / (name + ".hpp"), cases[i].info, {.name = name});
    source += "#include \"" + name + ".hpp\"\n";
    calls += "  run(" + name + "::predict);\n  if (!" + name + "::probe()) return 1;\n";
  }
  source += R"(
template <class S, int Inputs, int Outputs>
void run(void (&predict)(const S (&)[Inputs], S (&)[Outputs]) noexcept) {
  int count = 0;
  if (fread(&count, sizeof count, 1, stdin) != 1) return;
  for (int i = 0; i < count; ++i) {
    S x[Inputs], y[Outputs];
    if (fread(x, sizeof x, 1, stdin) != 1) return;
    predict(x, y);
    fwrite(y, sizeof y, 1, stdout);
  }
}
int main() {
)" + calls + "}\n";
  const std::string path = folder.path().string();
  REQUIRE(compile(folder, source, "-O1 -o " + path + "/main") == "");

  std::string input;
  for (const auto& c : cases) {
    const int count = static_cast<int>(c.x.cols());
    input.append(reinterpret_cast<const char*>(&count), sizeof count);
    input.append(reinterpret_cast<const char*>(c.x.data()), static_cast<std::size_t>(c.x.size()) * sizeof(S));
  }
  detail::write_file(folder / "input", input);
  REQUIRE(std::system((path + "/main < " + path + "/input > " + path + "/output").c_str()) == 0);
  const std::string output = detail::read_file(folder / "output");
  std::vector<Matrix<double>> results;
  std::size_t at = 0;
  for (const auto& c : cases) {
    Matrix<S> y(c.net.outputs(), c.x.cols());
    const auto size = static_cast<std::size_t>(y.size()) * sizeof(S);
    REQUIRE(at + size <= output.size());
    std::memcpy(y.data(), output.data() + at, size);
    at += size;
    results.push_back(y.template cast<double>());
  }
  CHECK(at == output.size());
  return results;
}

struct ActivationCase {
  const char* text;
  double slope;  // the largest derivative
};
constexpr std::array activations = {
    ActivationCase{"Identity", 1},  ActivationCase{"ReLU", 1},
    ActivationCase{"LeakyReLU", 1}, ActivationCase{"LeakyReLU(negative_slope=0.2)", 1},
    ActivationCase{"ELU", 1},       ActivationCase{"ELU(alpha=1.5)", 1.5},
    ActivationCase{"SELU", 1.76},   ActivationCase{"GELU", 1.13},
    ActivationCase{"SiLU", 1.1},    ActivationCase{"GELU(approximate=true)", 1.13},
    ActivationCase{"Mish", 1.09},   ActivationCase{"Softplus", 1},
    ActivationCase{"Softsign", 1},  ActivationCase{"Softplus(beta=2.5)", 1},
    ActivationCase{"Sigmoid", .25}, ActivationCase{"Tanh", 1},
    ActivationCase{"HardTanh", 1},  ActivationCase{"HardTanh(min_value=0, max_value=6)", 1}};

// Activations that multiply z before an exponential, which amplifies the rounding of the product.
bool scales_z(const std::string& activation) {
  return activation.starts_with("GELU") || activation.starts_with("Softplus(beta");
}

// The largest of |found - expected| / bound; nan is not mistaken for small.
double worst(const Matrix<double>& found, const Matrix<double>& expected, const Matrix<double>& bound) {
  double largest = 0;
  for (Index i = 0; i < found.size(); ++i) {
    const double ratio = std::abs(found(i) - expected(i)) / bound(i);
    if (!(ratio <= largest)) largest = std::isnan(ratio) ? std::numeric_limits<double>::infinity() : ratio;
  }
  return largest;
}

// factor |a| + other |b| + constant
Matrix<double> bound_of(double factor, const Matrix<double>& a, double other, const Matrix<double>& b,
                        double constant) {
  Matrix<double> bound(a.rows(), a.cols());
  for (Index i = 0; i < a.size(); ++i) bound(i) = factor * std::abs(a(i)) + other * std::abs(b(i)) + constant;
  return bound;
}

// |W| |x| + |b|
Matrix<double> sizes_of(const Vector<double>& theta, const Matrix<double>& x) {
  const Index outputs = theta.size() / (x.rows() + 1);
  Matrix<double> sizes(outputs, x.cols());
  for (Index j = 0; j < x.cols(); ++j) {
    for (Index i = 0; i < outputs; ++i) {
      sizes(i, j) = std::abs(theta(outputs * x.rows() + i));
      for (Index k = 0; k < x.rows(); ++k) sizes(i, j) += std::abs(theta(k * outputs + i) * x(k, j));
    }
  }
  return sizes;
}

template <class S>
constexpr double unit = std::numeric_limits<S>::epsilon() / 2;
template <class S>
constexpr double least = double{std::numeric_limits<S>::min()};

}  // namespace

// The bound that export_header documents, whatever functions the library takes from Eigen.
TEST_CASE_TEMPLATE("a layer with any activation is within the rounding bound", S, float, double) {
  constexpr double n = 37;
  std::vector<Case<S>> cases;
  for (const auto& a : activations) {
    cases.push_back(random_case<S>("Mlp(MeanSquaredError, Dense(37, 11, " + std::string(a.text) + "))", 3));
  }
  const auto found = evaluate(cases);
  for (std::size_t k = 0; k < cases.size(); ++k) {
    CAPTURE(std::string(activations[k].text));
    const Case<S>& c = cases[k];
    const Matrix<double> p = c.predictions();
    const auto sizes = sizes_of(c.net.parameters().template cast<double>(), c.inputs());
    const double sums = activations[k].slope * (1.25 * n + 5),
                 scaled = scales_z(activations[k].text) ? 16 : 0;
    CHECK(worst(found[k], p, bound_of(unit<S> * (sums + scaled), sizes, 16 * unit<S>, p, least<S>)) <= 1);
  }
}

// The functions alone, compared with the library's in double, which in double may be off by as much
// themselves.
TEST_CASE_TEMPLATE("functions are within 8 roundings", S, float, double) {
  std::vector<Case<S>> cases;
  for (const auto& a : activations) {
    const std::string text = "Mlp(MeanSquaredError, Activate(1, " + std::string(a.text) + "))";
    cases.push_back({from_architecture<S>(text), Matrix<S>(1, 10'000)});
    Rng rng(7);
    fill(cases.back().x, [&] { return (rng.uniform() < 0.5 ? -1 : 1) * std::exp2(rng.uniform(-30, 6)); });
  }
  const auto found = evaluate(cases);
  const double roundings = std::is_same_v<S, double> ? 16 : 8;
  for (std::size_t k = 0; k < cases.size(); ++k) {
    CAPTURE(std::string(activations[k].text));
    const Matrix<double> z = cases[k].inputs();
    const Matrix<double> exact = from_architecture<double>(architecture(cases[k].net)).predict(z);
    const double scaled = scales_z(activations[k].text) ? roundings * unit<S> : 0;
    CHECK(worst(found[k], exact, bound_of(roundings * unit<S>, exact, scaled + least<S>, z, least<S>)) <= 1);
  }
}

// The extremes: the largest and smallest numbers, inf and nan.
TEST_CASE("activations of extreme numbers equal the library's") {
  using Limits = std::numeric_limits<float>;
  const std::vector<float> extremes = {0,
                                       -0.f,
                                       Limits::denorm_min(),
                                       Limits::min(),
                                       Limits::epsilon(),
                                       60,
                                       87,
                                       88,
                                       89,
                                       100,
                                       104,
                                       1e3f,
                                       1e10f,
                                       1e18f,
                                       1e30f,
                                       Limits::max(),
                                       Limits::infinity(),
                                       Limits::quiet_NaN()};
  std::vector<Case<float>> cases;
  for (const auto& a : activations) {
    const std::string text = "Mlp(MeanSquaredError, Activate(1, " + std::string(a.text) + "))";
    cases.push_back({DynamicMlp(from_architecture(text)), Matrix<float>(1, 2 * Index(extremes.size()))});
    for (std::size_t i = 0; i < extremes.size(); ++i) {
      cases.back().x(2 * Index(i)) = extremes[i];
      cases.back().x(2 * Index(i) + 1) = -extremes[i];
    }
  }
  const auto found = evaluate(cases);
  for (std::size_t k = 0; k < cases.size(); ++k) {
    CAPTURE(std::string(activations[k].text));
    const Matrix<float>& x = cases[k].x;
    for (Index i = 0; i < x.size(); ++i) {
      CAPTURE(x(i));
      // One at a time: whether Eigen's functions pass on a nan depends on vectorization.
      const double y = found[k](i), p = double{cases[k].net.predict(x.middleCols(i, 1))(0)};
      if (!std::isfinite(p)) {
        CHECK((std::isnan(p) ? std::isnan(y) : y == p));
      } else {
        CHECK(std::abs(y - p) <=
              16 * unit<float> * (std::abs(p) + std::abs(double{x(i)})) + 100 * least<float>);
      }
    }
  }
}

// Deviates from the exact outputs by at most a multiple of the library's own rounding.
template <class S>
void check_predictions(const std::vector<Case<S>>& cases) {
  const auto found = evaluate(cases);
  for (std::size_t k = 0; k < cases.size(); ++k) {
    const Case<S>& c = cases[k];
    CAPTURE(architecture(c.net));
    auto net = from_architecture<double>(architecture(c.net));
    net.parameters() = c.net.parameters().template cast<double>();
    net.state() = c.net.state().template cast<double>();
    const Matrix<double> exact = net.predict(c.info.prepare(c.x).template cast<double>());
    const auto error = [&](const Matrix<double>& y) { return (y - exact).cwiseAbs().maxCoeff(); };
    const double largest = exact.cwiseAbs().maxCoeff();
    const double bound = 4 * error(c.predictions()) + 32 * unit<S> * largest;
    CHECK(error(found[k]) <= bound);
    CHECK(bound <= 1e5 * unit<S> * largest);  // so that the bound is not vacuous
  }
}

TEST_CASE("networks of all layers and losses") {
  std::vector<Case<float>> cases;
  for (const char* text :
       {"Mlp(SoftmaxCrossEntropy, Dense(16, 64, ReLU), Dropout(64), Dense(64, 64, ReLU), Dense(64, 4))",
        "Mlp(SoftmaxCrossEntropy, Dense(3, 1000))", "Mlp(BinaryCrossEntropy, Dense(5, 1, Identity))",
        "Mlp(BinaryCrossEntropy, Dense(6, 7), BatchNorm(7), Activate(7, SiLU), Dense(7, 3))",
        "Mlp(GaussianNLL, LayerNorm(9), Dense(9, 8, Tanh), LayerNorm(8), Dense(8, 4))",
        "Mlp(PoissonNLL, BatchNorm(4), Dense(4, 5, Softplus), Dense(5, 2))",
        "Mlp(PoissonNLL(log_input=false), Dense(4, 5, Softplus), Dense(5, 2, Softplus))",
        "Mlp(Huber, Dense(2, 6, GELU), Residual(Dense(6, 6, Mish), Residual(Dropout(6), Dense(6, 9, ELU), "
        "Dense(9, 6)), BatchNorm(6)), LayerNorm(6))",
        "Mlp(Hinge, Residual(Residual(Dense(4, 4)), Activate(4, Tanh), Residual(Activate(4, ELU))))",
        "Mlp(MeanAbsoluteError, Residual(Dropout(3)), Residual(Dense(3, 3, ELU(alpha=0.5))), "
        "Dense(3, 2, ELU))",
        "Mlp(MeanSquaredError, Dropout(3))"}) {
    cases.push_back(random_case<float>(text));
  }
  check_predictions(cases);
}

TEST_CASE("scalers, probes and double") {
  auto first = random_case<double>("Mlp(SoftmaxCrossEntropy, Dense(4, 8, Tanh), LayerNorm(8), Dense(8, 3))");
  auto second = random_case<double>("Mlp(MeanSquaredError, Residual(Dense(5, 5, GELU)))");
  const Matrix<double> scales = Vector<double>::LinSpaced(5, 0.01, 1000);
  first.x = scales.topRows(4).asDiagonal() * first.x;
  second.x = scales.asDiagonal() * second.x;
  first.info.scaler = StandardScaler<double>(first.x);
  first.info.probes = first.x.leftCols(1);
  second.info.scaler = MinMaxScaler<double>(second.x, -1, 1);
  check_predictions<double>({first, second});
}

namespace {

// The errors of the compiler for a header alone.
std::string errors_of(const std::string& header) {
  const TempFolder folder;
  detail::write_file(folder / "model.hpp", header);
  return compile(folder, "#include \"model.hpp\"\nint main() {}\n", "-fsyntax-only");
}

std::size_t probe_of(const std::string& header) { return header.find("// Inputs, the"); }

// The constants of `one`, and the probe of `other`.
std::string with_probe_of(const std::string& one, const std::string& other) {
  return one.substr(0, probe_of(one)) + other.substr(probe_of(other));
}

}  // namespace

TEST_CASE("a wrong weight does not compile") {
  DynamicMlp net = random_net<float>("Mlp(SoftmaxCrossEntropy, Dense(20, 30, ReLU), Dense(30, 5))");
  const std::string right = to_header(net);
  CHECK(right.find("#include ") == std::string::npos);
  CHECK(errors_of(right) == "");
  for (const Index i : {Index{0}, Index{311}, net.parameter_count() - 1}) {
    DynamicMlp other = net;
    other.parameters()(i) *= 1.01f;
    const std::string wrong = to_header(other);
    REQUIRE(wrong != right);
    CHECK(errors_of(with_probe_of(wrong, right)).find("the probe's outputs differ") != std::string::npos);
  }
  // For a large network, the compiler does not evaluate the probe.
  const std::string large = to_header(net, {}, {.largest_static_probe = 100});
  CHECK(large.find("static_assert(probe()") == std::string::npos);
  CHECK(large.find("constexpr bool probe()") != std::string::npos);
}

// The rounding error of a single layer has a known bound, which export_header documents: (5/4 n + 5) u (|W| |x| + |b|) +
// 16 u |y|. A wrong bias changes an output by the same amount.
TEST_CASE("the probe accepts rounding errors, and little more") {
  constexpr double n = 20;
  auto c = random_case<float>("Mlp(MeanSquaredError, Dense(20, 5))");
  c.info.probes = c.x.leftCols(2);
  const std::string right = to_header(c.net, c.info);
  const Matrix<double> sizes = sizes_of(c.net.parameters().cast<double>(), c.inputs().leftCols(2));
  const Matrix<double> bound =
      bound_of((1.25 * n + 5) * unit<float>, sizes, 16 * unit<float>, c.predictions().leftCols(2), 0);
  for (const Index output : {0, 3}) {
    CAPTURE(output);
    const auto errors_if_off_by = [&](double error) {
      DynamicMlp other = c.net;
      float& b = other.parameters()(100 + output);
      b += static_cast<float>(error);
      REQUIRE(b != c.net.parameters()(100 + output));
      return errors_of(with_probe_of(to_header(other, c.info), right));
    };
    CHECK(errors_if_off_by(bound.row(output).minCoeff() / 8) == "");
    CHECK(errors_if_off_by(4 * bound.row(output).maxCoeff()).find("the probe's outputs differ") !=
          std::string::npos);
  }
}

TEST_CASE("a network of 100 thousand weights is within the compilers' limits") {
  std::vector<Case<float>> cases = {
      random_case<float>("Mlp(SoftmaxCrossEntropy, Dense(784, 128, ReLU), Dense(128, 10))")};
  cases[0].x = random_inputs<float>(784, 20);
  CHECK(to_header(cases[0].net).find("static_assert(probe()") != std::string::npos);
  check_predictions(cases);
}

TEST_CASE("static networks give the same header; names are escaped") {
  Mlp<MeanSquaredError, Dense<2, 3, ReLU>, Dense<3, 2>> net;
  Rng rng(8);
  net.initialize(rng);
  CHECK(to_header(net) == to_header(to_dynamic(net)));

  const std::vector<std::string> classes = {"a \"quoted\\name\n",
                                            "gr\xC3\xBC\xC3\x9F"
                                            "e 1 ?\?/"};
  const TempFolder folder;
  export_header(net, folder / "named.hpp", {.features = {"x", "y"}, .classes = classes}, {.name = "named"});
  const std::string to = (folder / "main").string(), output = (folder / "output").string();
  REQUIRE(compile(folder, R"(#include "named.hpp"
#include <stdio.h>
int main() { for (const char* name : named::classes) puts(name); puts(named::features[1]); }
)",
                  "-o " + to) == "");
  REQUIRE(std::system((to + " > " + output).c_str()) == 0);
  CHECK(detail::read_file(output) == classes[0] + "\n" + classes[1] + "\ny\n");
}

TEST_CASE("numbers are read back bit by bit") {
  using Limits = std::numeric_limits<float>;
  for (const float value :
       {0.f, -0.f, 1.f, -9999.f, 10000.f, 0.1f, -1.5f, Limits::min(), Limits::denorm_min(), -Limits::max()}) {
    const std::string text = detail::number_text(value);
    CHECK(text.back() == 'f');
    CHECK(std::bit_cast<std::uint32_t>(std::strtof(text.c_str(), nullptr)) ==
          std::bit_cast<std::uint32_t>(value));
  }
  CHECK(detail::number_text(0.1) == "0x1.999999999999ap-4");
  CHECK(detail::number_text(-3.0) == "-3.0");
}

TEST_CASE("a namespace that is a macro is an error which names the cause") {
  const TempFolder folder;
  export_header(random_net<float>("Mlp(Huber, Dense(1, 1))"), folder / "model.hpp", {}, {.name = "digits"});
  const std::string use = "#include \"model.hpp\"\nint main() {}\n";
  CHECK(compile(folder, use, "-fsyntax-only") == "");
  for (const char* macro : {"#define digits 10\n", "#define digits\n", "#define digits numbers\n"}) {
    CHECK(
        compile(folder, macro + use, "-fsyntax-only").find("digits is a macro here: expected another name") !=
        std::string::npos);
  }
}

TEST_CASE("a header compiles after those of C's library") {
  const TempFolder folder;
  export_header(random_net<float>("Mlp(Huber, Dense(1, 1))"), folder / "model.hpp", {}, {.name = "net"});
  CHECK(compile(folder,
                "#include <ctype.h>\n#include <errno.h>\n#include <math.h>\n#include <signal.h>\n#include "
                "<stdio.h>\n"
                "#include <stdlib.h>\n#include <string.h>\n#include <time.h>\n#include <unistd.h>\n"
                "#include <wchar.h>\n#include \"model.hpp\"\nint main() {}\n",
                "-fsyntax-only") == "");
}

TEST_CASE("names end no literal and begin no line") {
  const DynamicMlp net = random_net<float>("Mlp(SoftmaxCrossEntropy, Dense(2, 2))");
  const std::vector<std::string> classes = {"*/ // \\\n#error injected\n",
                                            "\");\n#error injected\n?\?/\r\x80"};
  const std::string header = to_header(net, {.features = classes, .classes = classes});
  CHECK(header.find("\n#error injected") == std::string::npos);
  const TempFolder folder;
  detail::write_file(folder / "model.hpp", header);
  CHECK(compile(folder, "#include \"model.hpp\"\nint main() {}\n", "-fsyntax-only") == "");
}

TEST_CASE("errors") {
  DynamicMlp net =
      random_net<float>("Mlp(SoftmaxCrossEntropy, Dense(2, 3, ReLU), Residual(Dense(3, 3)), Dense(3, 2))");
  const auto refuses = [&](const std::string& name) {
    CHECK(message_of([&] { to_header(net, {}, {.name = name}); }) ==
          "export_header: expected as name an identifier of letters, digits and single underscores that "
          "neither C++ nor C's library uses, found " +
              detail::in_quotes(name));
  };
  for (const char* name :
       {"",     "2nd",  "a b", "a::b", "_a",    "a__b", "na\nme", "std",  "std1",  "std20",
        "sinf", "sinl", "j0f", "int",  "linux", "main", "NULL",   "time", "errno", "read"}) {
    refuses(name);
  }
  for (const std::string_view words : detail::taken_names) {
    std::istringstream in{std::string(words)};
    for (std::string name; in >> name;) refuses(name);
  }
  for (const char* name :
       {"model", "stdx", "std_1", "string", "memory", "index2", "exponent", "f", "l", "x", "net_2"}) {
    CHECK(to_header(net, {}, {.name = name}).find("namespace " + std::string(name) + " {") !=
          std::string::npos);
  }
  CHECK(message_of([&] { to_header(net, {.classes = {"one"}}); }) ==
        "ModelInfo: expected 2 names of classes, or none, found 1");
  CHECK(message_of([&] { to_header(net, {.probes = Matrix<float>::Constant(2, 1, INFINITY)}); }) ==
        "ModelInfo: expected probes of finite numbers, found nan or infinity");
  const Vector<float> parameters = net.parameters();
  net.parameters().setConstant(100);
  CHECK(message_of([&] { to_header(net, {.probes = Matrix<float>::Constant(2, 1, 3e38f)}); })
            .starts_with(
                "export_header: expected finite numbers in the network's outputs for the probe, found "));
  net.parameters() = parameters;
  net.parameters()(12) = std::numeric_limits<float>::quiet_NaN();
  CHECK(message_of([&] { to_header(net); }) ==
        "export_header: expected finite numbers in layer 1, Dense(3, 3), found nan");
  CHECK(message_of([&] {
          to_header(
              DynamicMlp(from_architecture("Mlp(Huber, Activate(1, HardTanh(min_value=0, max_value=inf)))")));
        }) ==
        "export_header: expected finite numbers in layer 0, Activate(1, HardTanh(min_value=0, "
        "max_value=inf)), found inf");
  const TempFolder folder;
  net.parameters()(12) = 0;
  CHECK(message_of<std::runtime_error>([&] {
          export_header(net, folder.path());
        }).starts_with(folder.path().string() + ": expected "));
}
