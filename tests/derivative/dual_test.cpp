#include <mlp/derivative/dual.hpp>

#include <doctest/doctest.h>

#include <mlp/activation/elu.hpp>
#include <mlp/activation/selu.hpp>

#include <algorithm>
#include <cmath>
#include <complex>
#include <limits>
#include <type_traits>

using namespace mlp;

using D = Dual<double>;

static_assert(is_real<float> && is_real<double> && is_real<D> && is_real<Dual<float>> && !is_real<int>);
// No implicit conversion may lose a derivative.
static_assert(!std::is_constructible_v<double, D> && !std::is_constructible_v<int, D> &&
              !std::is_constructible_v<bool, D> && !std::is_constructible_v<Dual<float>, D>);

namespace {

constexpr double eps = std::numeric_limits<double>::epsilon(), inf = std::numeric_limits<double>::infinity();

// f'(q) without differences: Im f(q + ih) / h, whose error is h^2.
template <class F>
double slope(F f, double q) {
  constexpr double h = 1e-100;
  return f(std::complex<double>(q, h)).imag() / h;
}

// Functions of q that std::complex also has, for either type.
const auto complex_functions = [](auto&& use) {
  use([](auto q) { return 2. + q * (q - 3.) / (-q + 7.5) - 1. / q; });
  use([](auto q) { return sqrt(q); });
  use([](auto q) { return exp(q); });
  use([](auto q) { return log(q); });
  use([](auto q) { return sin(q); });
  use([](auto q) { return cos(q); });
  use([](auto q) { return tanh(q); });
  use([](auto q) { return pow(q, decltype(q)(2.5)); });
  use([](auto q) { return pow(decltype(q)(2.5), q); });
  use([](auto q) { return pow(q, q); });
  use([](auto q) {
    q += 2.;
    q *= q;
    q -= exp(q / 20.);
    q /= 1. + q;
    return q;
  });
};

}  // namespace

TEST_CASE("values and derivatives are those of complex numbers with a tiny imaginary part") {
  complex_functions([](auto f) {
    for (const double q : {0.0625, 0.5, 1., 2.25, 6.}) {
      CAPTURE(q);
      const D found = f(D(q, -2));
      const double value = f(std::complex<double>(q)).real(), derivative = -2 * slope(f, q);
      // About ten operations, each within an epsilon of terms that are at most 20 times the result.
      CHECK(std::abs(found.value - value) <= 200 * eps * std::max(1., std::abs(value)));
      CHECK(std::abs(found.derivative - derivative) <= 200 * eps * std::max(1., std::abs(derivative)));
    }
  });
}

TEST_CASE("atan, expm1, log1p, erf and erfc: values of the standard library, derivatives by their formulas") {
  for (const double q : {-0.75, -1e-9, 0., 1e-9, 0.5, 3.}) {
    CAPTURE(q);
    const double bell = 2 / std::sqrt(std::acos(-1.)) * std::exp(-q * q);
    const auto check = [](const D& found, double value, double derivative) {
      CHECK(found.value == value);
      CHECK(std::abs(found.derivative - derivative) <= 4 * eps * std::abs(derivative));
    };
    check(atan(D(q, 3)), std::atan(q), 3 / (1 + q * q));
    check(expm1(D(q, 3)), std::expm1(q), 3 * std::exp(q));
    check(log1p(D(q, 3)), std::log1p(q), 3 / (1 + q));
    check(erf(D(q, 3)), std::erf(q), 3 * bell);
    check(erfc(D(q, 3)), std::erfc(q), -3 * bell);
  }
  CHECK(expm1(D(-40, 1)).derivative == std::exp(-40.));  // not 1 + expm1(q) = 0
}

TEST_CASE("if values are equal, derivatives decide comparisons; == compares values alone") {
  CHECK((D(1) < D(2) && D(2) > D(1) && D(1) <= D(2) && D(2) >= D(1) && !(D(2) <= D(1)) && D(1) != D(2)));
  const D falling(0, -1), rising(0, 1);
  CHECK((falling < 0 && falling <= 0 && !(falling >= 0) && !(falling > 0)));
  CHECK((rising > 0 && rising >= 0 && !(rising <= 0) && !(rising < 0)));
  CHECK((rising == 0 && falling == rising && D(0) >= 0 && D(0) <= 0));
  const D nan = std::nan("");
  CHECK(!(nan < 0 || nan > 0 || nan <= 0 || nan >= 0 || nan == nan));
}

// softplus(q) = log(1 + exp(q)), whose derivative at 0 is 1/2, in the forms that losses use.
TEST_CASE("a smooth function in branches has the right derivative at the seam, in every form") {
  for (const double dq : {-2., 0., 2.}) {
    CAPTURE(dq);
    const D q(0, dq), e = exp(-abs(q));
    const auto check = [](const D& found, double value, double derivative) {
      CHECK(std::abs(found.value - value) <= eps);
      CHECK(std::abs(found.derivative - derivative) <= eps);
    };
    const double softplus = std::log(2.);
    check(std::max(q, D(0)) + log1p(e), softplus, dq / 2);
    check(std::max(D(0), q) + log1p(e), softplus, dq / 2);
    check((q > 0 ? q : 0) + log1p(e), softplus, dq / 2);
    check((q >= 0 ? q : 0) + log1p(e), softplus, dq / 2);
    // Its derivative, the sigmoid, whose own derivative is 1/4.
    check((q > 0 ? 1 : e) / (1 + e), 0.5, dq / 4);
    check((q < 0 ? e : 1) / (1 + e), 0.5, dq / 4);
  }
  CHECK(abs(D(0, -3)).derivative == 3);
  CHECK(abs(D(-2, 3)).derivative == -3);
  CHECK(std::clamp(D(5, 1), D(-1), D(1)).derivative == 0);
}

TEST_CASE("ELU and SELU at 0: the derivative of the side to which q' points") {
  using DualTile = Eigen::Array<D, 16, 1>;
  for (const double direction : {1., -1.}) {
    DualTile elu = DualTile::Constant(D{0, direction}), selu = elu;
    ELU{.alpha = 0.5}.forward(elu);
    SELU{}.forward(selu);
    CHECK(elu(3).derivative == (direction > 0 ? 1 : -0.5));
    CHECK(selu(3).derivative ==
          doctest::Approx(SELU::lambda * (direction > 0 ? 1 : -SELU::alpha)).epsilon(4 * eps));
  }
}

TEST_CASE_TEMPLATE("an overflowed value is a constant, and nan stays nan", S, float, double) {
  using Q = Dual<S>;
  const Q huge(std::numeric_limits<S>::max(), 1), e = exp(huge);
  CHECK((isinf(e) && !isfinite(e) && !isnan(e) && e.derivative == 0));
  const Q sigmoid = 1 / (1 + exp(Q(10000, 1)));
  CHECK((sigmoid.value == 0 && sigmoid.derivative == 0));
  CHECK((huge * 2).derivative == 0);
  CHECK((1 / Q(0, 1)).derivative == 0);
  const Q nan = std::numeric_limits<Q>::quiet_NaN();
  CHECK((isnan(exp(nan)) && isnan(nan * 2) && isnan(nan + 1)));
}

TEST_CASE("a constant's derivative is 0 even where the function has no derivative") {
  CHECK((sqrt(D(0)).value == 0 && sqrt(D(0)).derivative == 0));
  CHECK(sqrt(D(0, 1)).derivative == inf);
  CHECK(pow(D(-2, 1), D(3)).derivative == 12);  // no logarithm of -2
}

TEST_CASE("Eigen's arrays of Duals") {
  using Array = Eigen::Array<D, 5, 1>;
  Array z;
  for (int i = 0; i < 5; ++i) z(i) = D(0.5 * i - 0.9, i + 1);
  const auto check = [&](const Array& found, auto f) {
    for (int i = 0; i < 5; ++i) {
      CHECK(found(i).value == f(z(i)).value);
      CHECK(found(i).derivative == f(z(i)).derivative);
    }
  };
  check(z.exp(), [](D q) { return exp(q); });
  check(z.expm1(), [](D q) { return expm1(q); });
  check(z.abs().log1p(), [](D q) { return log1p(abs(q)); });
  check(z.tanh(), [](D q) { return tanh(q); });
  check(z.square() * z, [](D q) { return q * q * q; });
  check(z.abs().sqrt(), [](D q) { return sqrt(abs(q)); });
  check(z.max(0).min(0.5), [](D q) { return std::min(std::max(q, D(0)), D(0.5)); });
  check((z > 0).select(z, 2 * z), [](D q) { return q > 0 ? q : 2 * q; });
  check(1 / (1.5 + z.abs()) - z / 2, [](D q) { return 1 / (1.5 + abs(q)) - q / 2; });
  check(z.abs().pow(2.5), [](D q) { return pow(abs(q), D(2.5)); });
  CHECK(z.maxCoeff().derivative == 5);
  CHECK(z.sum().derivative == 15);
  CHECK((Eigen::Array<float, 5, 1>::Constant(2).cast<Dual<float>>() == 2).all());
}

// Integers: every sum is exact.
TEST_CASE("products are sums of products, for transposes and blocks too") {
  const auto numbers = [](Index rows, Index cols, int seed) {
    Matrix<D> m(rows, cols);
    for (Index i = 0; i < m.size(); ++i)
      m.data()[i] = D(static_cast<int>((i * 7 + seed) % 11) - 5, static_cast<int>((i * 5 + seed) % 13) - 6);
    return m;
  };
  const auto check = [](const auto& a, const auto& b) {
    Matrix<D> c(a.rows(), b.cols()), affine = c;
    Vector<D> start(a.rows());
    for (Index i = 0; i < a.rows(); ++i) start(i) = D(static_cast<double>(i), -2);
    set_product(a, b, c);
    set_affine(a, b, start, affine);
    for (Index j = 0; j < c.cols(); ++j) {
      for (Index i = 0; i < c.rows(); ++i) {
        D sum = 0;
        for (Index k = 0; k < a.cols(); ++k) sum += a(i, k) * b(k, j);
        CHECK((c(i, j).value == sum.value && c(i, j).derivative == sum.derivative));
        sum += start(i);
        CHECK((affine(i, j).value == sum.value && affine(i, j).derivative == sum.derivative));
      }
    }
  };
  const Matrix<D> a = numbers(5, 3, 1), b = numbers(3, 4, 2), tall = numbers(3, 5, 3),
                  wide = numbers(4, 3, 4);
  check(a, b);
  check(tall.transpose(), b);
  check(a, wide.transpose());
  check(numbers(40, 30, 5), numbers(30, 20, 6));
  check(Matrix<D>(3, 0), Matrix<D>(0, 2));
}
