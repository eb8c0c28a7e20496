// Training ends with the same bits on every processor that has fused multiply-add, by every compiler, at every
// level of optimization. Built with optimization for the machine that runs it (see CMakeLists.txt).
#include <mlp/activation/tanh.hpp>
#include <mlp/base/bit_cast.hpp>
#include <mlp/base/elementary.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/random.hpp>
#include <mlp/data/dataset.hpp>
#include <mlp/data/scalers.hpp>
#include <mlp/dynamic/dynamic_mlp.hpp>
#include <mlp/kernel/tile.hpp>
#include <mlp/layer/dense.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/minimize/lbfgs.hpp>
#include <mlp/optimizer/adagrad.hpp>
#include <mlp/optimizer/adam.hpp>
#include <mlp/optimizer/adamw.hpp>
#include <mlp/optimizer/rmsprop.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/training/fit.hpp>
#include <mlp/training/schedule.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <iterator>
#include <string>
#include <type_traits>

#include "golden/same_bits.hpp"

using namespace mlp;

namespace {

// FNV-1a of the bits, the lowest byte of a number first.
template <class V>
std::uint64_t hash(const V& v) {
  using S = typename V::Scalar;
  using Bits = std::conditional_t<sizeof(S) == 4, std::uint32_t, std::uint64_t>;
  std::uint64_t h = 0xcbf29ce484222325;
  for (Index i = 0; i < v.size(); ++i) {
    auto bits = detail::bit_cast<Bits>(v(i));
    for (std::size_t byte = 0; byte < sizeof bits; ++byte, bits >>= 8) {
      h = (h ^ (bits & 0xff)) * 0x100000001b3;
    }
  }
  return h;
}

// Compares with the hash in same_bits.hpp. On processors without fused multiply-add, results agree to rounding.
template <class V>
void compare(const std::string& name, const V& v) {
  CHECK_MESSAGE(v.allFinite(), name);
  const std::uint64_t found = hash(v);
  char line[200];
  std::snprintf(line, sizeof line, "{\"%s\", 0x%016llx},", name.c_str(),
                static_cast<unsigned long long>(found));
  INFO(line);
  const auto* const end = std::end(golden::same_bits);
  const auto* const expected =
      std::find_if(std::begin(golden::same_bits), end, [&](const auto& entry) { return entry.name == name; });
  CHECK(expected != end);
  if (expected == end) return;
  if (detail::has_fused_multiply_add) CHECK(found == expected->hash);
}

template <class S>
const std::string scalar = std::is_same_v<S, float> ? "float, " : "double, ";

constexpr Index features = 7, classes = 4, samples = 53;

template <class S>
Matrix<S> numbers(Index rows, Index cols) {
  Matrix<S> x(rows, cols);
  Rng rng{7};
  fill(x, [&] { return rng.normal(); });
  return x;
}

Labels labels() {
  Labels t(samples);
  Rng rng{9};
  for (Index j = 0; j < samples; ++j) t(j) = static_cast<int>(rng.below(classes));
  return t;
}

// Parameters, state and predictions after 20 steps.
template <class Net>
auto train(Net net, const auto& optimizer, const auto& t) {
  using S = typename Net::Scalar;
  Rng rng{3};
  net.initialize(rng);
  const Matrix<S> x = numbers<S>(features, samples);
  Trainer trainer(net, optimizer);
  for (int i = 0; i < 20; ++i) trainer.step(x, t);
  const auto y = net.predict(x);
  Vector<S> result(net.parameter_count() + net.state_count() + y.size());
  result << net.parameters(), net.state(), y.reshaped();
  return result;
}

void compare_architecture(const std::string& name, const std::string& architecture, const auto& t) {
  compare(name, train(from_architecture(architecture),
                      Sgd{.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 1e-3}, t));
}

}  // namespace

TEST_CASE("the same bits: layers and activations") {
  const Matrix<float> t = numbers<float>(classes, samples);
  for (const char* hidden :
       {"Dense(7, 37, ReLU)", "Dense(7, 37, LeakyReLU)", "Dense(7, 37, ELU)", "Dense(7, 37, SELU)",
        "Dense(7, 37, GELU)", "Dense(7, 37, GELU(approximate=true))", "Dense(7, 37, SiLU)",
        "Dense(7, 37, Mish)", "Dense(7, 37, Softplus)", "Dense(7, 37, Softsign)", "Dense(7, 37, Tanh)",
        "Dense(7, 37, Sigmoid)", "Dense(7, 37, HardTanh)", "Dense(7, 37), BatchNorm(37)",
        "Dense(7, 37), LayerNorm(37)", "Dense(7, 37, Tanh), Dropout(37, p=0.3)",
        "Dense(7, 37), Residual(Dense(37, 37, Tanh))"}) {
    compare_architecture(hidden, std::string("Mlp(MeanSquaredError, ") + hidden + ", Dense(37, 4))", t);
  }
}

TEST_CASE("the same bits: losses") {
  const auto compare_loss = [](const std::string& loss, const auto& t, const std::string& targets = "") {
    compare_architecture(loss + targets, "Mlp(" + loss + ", Dense(7, 19, Tanh), Dense(19, 4))", t);
  };
  const Matrix<float> t = numbers<float>(classes, samples);
  const Matrix<float> decisions = (t.array() > 0).cast<float>(), shares = t.array().square() / 64;
  compare_loss("MeanAbsoluteError", t);
  compare_loss("Huber(delta=0.5)", t);
  compare_loss("GaussianNLL", Matrix<float>(t.topRows(2)));
  compare_loss("BinaryCrossEntropy", decisions);
  compare_loss("BinaryCrossEntropy(positive_weights=[1, 2, 3, 4])", decisions);
  compare_loss("PoissonNLL(full=true)", Matrix<float>(t.array().abs().ceil()));
  compare_loss("SoftmaxCrossEntropy", labels());
  compare_loss("SoftmaxCrossEntropy(class_weights=[1, 2, 3, 0.7], label_smoothing=0.1)", labels());
  compare_loss("SoftmaxCrossEntropy", shares, ", shares");
  compare_loss("Hinge", labels());
}

TEST_CASE_TEMPLATE("the same bits: optimizers, and sizes in types", S, float, double) {
  const auto compare_optimizer = [](const std::string& name, const auto& optimizer) {
    const BasicMlp<S, SoftmaxCrossEntropy, Dense<features, 16, Tanh>, Dense<16, classes>> net;
    compare(scalar<S> + name, train(net, optimizer, labels()));
  };
  compare_optimizer("Sgd", Sgd{.learning_rate = 0.1});
  compare_optimizer("Sgd, nesterov", Sgd{.learning_rate = 0.1, .momentum = 0.9, .nesterov = true});
  compare_optimizer("Adam", Adam{.learning_rate = 0.01, .weight_decay = 1e-3});
  compare_optimizer("AdamW", AdamW{.learning_rate = 0.01});
  compare_optimizer("Adagrad", Adagrad{.learning_rate_decay = 0.1});
  compare_optimizer("RMSprop", RMSprop{.momentum = 0.5, .centered = true});
}

TEST_CASE_TEMPLATE("the same bits: fit with all its options, and Lbfgs", S, float, double) {
  Dataset<Labels, S> data{numbers<S>(features, samples), labels()};
  data.weights = numbers<S>(samples, 1).cwiseAbs();
  data.x = StandardScaler(data.x).transform(data.x);
  BasicMlp<S, SoftmaxCrossEntropy, Dense<features, 12, Tanh>, Dense<12, classes>> net;
  Rng rng{5};
  net.initialize(rng);
  fit(net, data, Adam{},
      {.epochs = 9,
       .batch_size = 8,
       .accumulate = 2,
       .schedule = OneCycleSchedule{.steps = 36},
       .clip_norm = 0.5,
       .average_decay = 0.9});
  compare(scalar<S> + "fit", net.parameters());
  net.initialize(rng);
  fit(net, data, Lbfgs{.max_iterations = 30});
  compare(scalar<S> + "Lbfgs", net.parameters());
}

TEST_CASE_TEMPLATE("the same bits: elementary functions", S, float, double) {
  Vector<S> results(0);
  for (double first = -120; first < 120; first += 0.37) {
    Tile<S> z;
    for (Index j = 0; j < tile_size; ++j) z(j) = static_cast<S>(first / (1 + static_cast<double>(j)));
    const Tile<S> positive = z.abs();
    const Index n = results.size();
    results.conservativeResize(n + 7 * tile_size);
    results.tail(7 * tile_size) << elementary::exp(Tile<S>(z.min(80))), elementary::expm1_of_negative(z),
        elementary::tanh(z), elementary::sigmoid(z), elementary::log(Tile<S>(positive + S(1e-3))),
        elementary::log1p_up_to_1(Tile<S>(positive / 120)), elementary::sqrt(positive);
  }
  compare(scalar<S> + "elementary functions", results);
}
