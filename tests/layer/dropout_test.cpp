#include <doctest/doctest.h>

#include <mlp/base/random.hpp>
#include <mlp/layer/dropout.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>
#include <mlp/optimizer/sgd.hpp>
#include <mlp/training/fit.hpp>

#include <cmath>
#include <cstdint>

#include "clusters.hpp"
#include "layer/check_layer.hpp"
#include "message_of.hpp"

using namespace mlp;

namespace {

// The layer's output for ones, which is the mask.
Vector<double> mask(double p, Index size, std::uint64_t seed = 1) {
  Alone<double, Dropout<Dynamic>> alone{Dropout<Dynamic>(size, p)};
  alone.rng = Rng{seed};
  return alone.forward(Matrix<double>::Ones(size, 1));
}

// Whether mean and variance of m agree with those of a mask with probability p, 1 and p / (1 - p), within
// five standard errors, which a correct mask exceeds once in 1.7 million times. With k of n
// coefficients dropped, k / n is p within a standard error of sqrt(p (1 - p) / n); mean and variance are
// (1 - k / n) / (1 - p) and (k / n) (1 - k / n) / (1 - p)^2.
bool is_plausible(const Vector<double>& m, double p) {
  const double error = 5 * std::sqrt(p * (1 - p) / static_cast<double>(m.size()));
  const double mean = m.mean(), variance = (m.array() - mean).square().mean();
  return std::abs(mean - 1) <= error / (1 - p) &&
         std::abs(variance - p / (1 - p)) <=
             (std::abs(1 - 2 * p) * error + error * error) / (1 - p) / (1 - p);
}

// Whether coefficients at this distance are uncorrelated: for n pairs of independent ones, the correlation is
// 0 within a standard error of 1 / sqrt(n).
bool is_uncorrelated(const Vector<double>& m, Index distance) {
  const Index n = m.size() - distance;
  const Vector<double> a = (m.head(n).array() - m.mean()).matrix(),
                       b = (m.tail(n).array() - m.mean()).matrix();
  return std::abs(a.dot(b)) / (a.norm() * b.norm()) <= 5 / std::sqrt(static_cast<double>(n));
}

}  // namespace

TEST_CASE("Dropout: 0 or 1 / (1 - p), with the right mean and variance") {
  constexpr Index n = 2'000'000;  // for which five standard errors are less than one percent of p
  for (const double p : {0.3, 0.5, 0.8}) {
    CAPTURE(p);
    const Vector<double> m = mask(p, n);
    CHECK((m.array() == 0 || m.array() == 1 / (1 - p)).all());
    CHECK(is_plausible(m, p));
    CHECK(!is_plausible(m, 1.01 * p));
    CHECK(!is_plausible(m, 0.99 * p));
  }
  CHECK(is_plausible(mask(0.01, n), 0.01));
  CHECK(is_plausible(mask(0.99, n), 0.99));
}

TEST_CASE("Dropout: coefficients are independent") {
  Vector<double> m = mask(0.5, 200'001);
  for (const Index distance : {1, 2, 3, 16, 255, 256, 257, 512}) {
    CAPTURE(distance);
    CHECK(is_uncorrelated(m, distance));
  }
  for (Index i = 0; i + 50 < m.size(); i += 50) m(i + 1) = m(i);  // in one pair of fifty, both are equal
  CHECK(!is_uncorrelated(m, 1));
}

TEST_CASE("Dropout: gradients, with the same masks in each pass") {
  check_layer_gradients(Dropout<19>(0.3), Dropout<Dynamic>(19, 0.3));
  check_layer_gradients(Dropout<3>(), Dropout<Dynamic>(3));
}

TEST_CASE("Dropout: backward drops what forward dropped") {
  Alone<float, Dropout<37>> alone{Dropout<37>(0.4)};
  const Matrix<float> x = normal_numbers<float>(37, 11), dy = normal_numbers<float>(37, 11, 5);
  const Matrix<float> y = alone.forward(x);
  const Matrix<float> dx = alone.backward(x, y, dy);
  const float scale = static_cast<float>(1 / (1 - 0.4));
  Index dropped = 0;
  for (Index i = 0; i < x.size(); ++i) {
    const bool kept = y.data()[i] != 0;
    CHECK(y.data()[i] == (kept ? scale * x.data()[i] : 0));
    CHECK(dx.data()[i] == (kept ? scale * dy.data()[i] : 0));
    dropped += !kept;
  }
  CHECK(dropped > 0);
  CHECK(dropped < x.size());
}

TEST_CASE("Dropout: the rng determines the masks") {
  CHECK(mask(0.5, 1001, 7) == mask(0.5, 1001, 7));
  CHECK(mask(0.5, 1001, 7) != mask(0.5, 1001, 8));
  Alone<double, Dropout<50>> alone{Dropout<50>()};
  const Matrix<double> ones = Matrix<double>::Ones(50, 3);
  const Matrix<double> first = alone.forward(ones);
  CHECK(alone.forward(ones) != first);  // each pass draws anew
  CHECK(first.col(0) != first.col(1));
}

TEST_CASE("Dropout: a prediction, and p = 0, leave x unchanged") {
  const Matrix<float> x = normal_numbers<float>(37, 11);
  CHECK(Alone<float, Dropout<37>>(Dropout<37>(0.9)).infer(x) == x);
  CHECK(Alone<float, Dropout<37>>(Dropout<37>(0)).forward(x) == x);
  CHECK(mask(1 - 0x1p-53, 10'000).isZero(0));  // practically all are dropped, without division by 0
}

TEST_CASE("Dropout: the seed determines the bits of training") {
  using Net = Mlp<SoftmaxCrossEntropy, Dense<2, 16, Tanh>, Dropout<16>, Dense<16, 3>>;
  const Dataset<Labels> data = clusters(50);
  const auto train = [&](std::uint64_t seed) -> Vector<float> {
    Net net = initialized<Net>();
    // One batch per epoch, so that the seed affects only the masks.
    fit(net, data, Sgd{.learning_rate = 0.1}, {.epochs = 5, .batch_size = 50, .seed = seed});
    return net.parameters();
  };
  CHECK(train(7) == train(7));
  CHECK(!train(7).isApprox(train(8), 1e-3f));
}

TEST_CASE("Dropout: options out of range") {
  CHECK(message_of([] { Dropout<3>(1); }) == "Dropout: expected a probability in [0, 1), found 1");
  for (const double p : {-0.1, 1.5, std::nan("")}) {
    CHECK(message_of([=] { Dropout<3>{p}; }).find("expected a probability in [0, 1)") != std::string::npos);
  }
  CHECK(message_of([] { Dropout<Dynamic>(0); }) == "Dropout: expected a positive size, found 0");
  CHECK(message_of([] { Dropout<3>(4, 0.5); }) == "mlp: expected 3 as the size in the type, found 4");
  CHECK(Dropout<3>().p() == 0.5);
}
