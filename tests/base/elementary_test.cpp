#include <mlp/base/elementary.hpp>

#include <mlp/kernel/tile.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <type_traits>

using namespace mlp;

namespace {

// The distance of result from exact in units of the last place of exact; of the smallest normal number, where
// exact is smaller.
template <class S>
double ulps(S result, long double exact) {
  const S nearest = std::max(std::abs(static_cast<S>(exact)), std::numeric_limits<S>::min());
  const bool is_below =
      static_cast<long double>(nearest) > std::abs(exact);  // then the last place may be half as much
  const S ulp = is_below ? nearest - std::nextafter(nearest, S(0))
                         : std::nextafter(nearest, std::numeric_limits<S>::infinity()) - nearest;
  return static_cast<double>(std::abs(static_cast<long double>(result) - exact) /
                             static_cast<long double>(ulp));
}

// The largest error of f on tiles: on a grid of [low, high], and near 0 at +-2^-k times numbers in [1, 2).
template <class S, class F, class Exact>
double largest_error(F f, Exact exact, double low, double high) {
  constexpr Index tiles = 6000, n = tiles * tile_size;
  double largest = 0;
  for (Index i = 0; i < n; i += tile_size) {
    Tile<S> z;
    for (Index j = 0; j < tile_size; ++j) {
      const double share = (static_cast<double>(i + j) + 0.5) / static_cast<double>(n);
      const double small = std::ldexp(1 + std::fmod(1000 * share, 1.0), -static_cast<int>(40 * share));
      z(j) =
          static_cast<S>(j % 4 == 0 ? (high > 0 && j % 8 == 0 ? small : -small) : low + (high - low) * share);
    }
    const Tile<S> y = f(z);
    for (Index j = 0; j < tile_size; ++j) {
      largest = std::max(largest, ulps(y(j), exact(static_cast<long double>(z(j)))));
    }
  }
  return largest;
}

const auto exp_of = [](const auto& z) { return elementary::exp(z); };
const auto expm1_of = [](const auto& z) { return elementary::expm1_of_negative(z); };
const auto tanh_of = [](const auto& z) { return elementary::tanh(z); };
const auto log_of = [](const auto& z) { return elementary::log(z); };
const auto log1p_of = [](const auto& z) { return elementary::log1p_up_to_1(z.abs().min(1)); };
const auto normal_cdf_of = [](const auto& z) { return elementary::normal_cdf(z); };
const auto sqrt_of = [](const auto& z) { return elementary::sqrt(z); };
const auto sigmoid_of = [](const auto& z) { return elementary::sigmoid(z); };

template <class S>
S at(double z, auto f) {
  return f(Tile<S>::Constant(static_cast<S>(z)))(7);
}

}  // namespace

TEST_CASE_TEMPLATE("elementary: within 2 units of the last place in float, 2.5 in double", S, float, double) {
  constexpr bool is_float = std::is_same_v<S, float>;
  // MSVC's long double is double, and musl's functions of it are no more exact: nothing to compare double with.
  if (!is_float && std::exp(1.0L) == static_cast<long double>(std::exp(1.0))) return;
  const double limit = is_float ? 2 : 2.5, top = is_float ? 88.72 : 709.78,
               bottom = is_float ? -87.3 : -708.3;
  CHECK(largest_error<S>(
            exp_of, [](long double z) { return std::exp(z); }, bottom, top) <= 1.1);
  CHECK(largest_error<S>(
            expm1_of, [](long double z) { return std::expm1(z); }, bottom, 0) <= limit);
  CHECK(largest_error<S>(
            expm1_of, [](long double z) { return std::expm1(z); }, -2, 0) <= limit);
  const auto log = [](long double z) { return std::log(z); };
  CHECK(largest_error<S>(log_of, log, 0.1, 3) <= 1.2);
  CHECK(largest_error<S>(log_of, log, 3, is_float ? 1e38 : 1e308) <= 1.2);
  CHECK(largest_error<S>(
            log1p_of, [](long double z) { return std::log1p(std::min(std::abs(z), 1.0L)); }, 0, 1) <= 1.3);
  const auto normal_cdf = [](long double z) { return std::erfc(-z / std::sqrt(2.0L)) / 2; };
  CHECK(largest_error<S>(normal_cdf_of, normal_cdf, is_float ? -12.9 : -37.4, 3) <= 5);
  CHECK(largest_error<S>(normal_cdf_of, normal_cdf, -5, 0) <= 5);
  const auto tanh = [](long double z) { return std::tanh(z); };
  CHECK(largest_error<S>(tanh_of, tanh, -22, 22) <= limit);
  CHECK(largest_error<S>(tanh_of, tanh, -1, 1) <= limit);
  const auto sigmoid = [](long double z) { return 1 / (1 + std::exp(-z)); };
  CHECK(largest_error<S>(sigmoid_of, sigmoid, bottom, top) <= limit);
  CHECK(largest_error<S>(sigmoid_of, sigmoid, -40, -10) <= limit);
  CHECK(largest_error<S>(sigmoid_of, sigmoid, -5, 5) <= limit);
}

TEST_CASE_TEMPLATE("elementary: results below the smallest normal number", S, float, double) {
  const double bottom = std::is_same_v<S, float> ? -103.2 : -744.4;
  const double normal = std::is_same_v<S, float> ? -87.4 : -708.4;
  CHECK(largest_error<S>(
            exp_of, [](long double z) { return std::exp(z); }, bottom, normal) <= 1.1);
  CHECK(at<S>(1.1 * bottom, exp_of) == 0);
  CHECK(at<S>(1.1 * bottom, sigmoid_of) == 0);
  CHECK(at<S>(normal - 1, sigmoid_of) < std::numeric_limits<S>::min());
}

TEST_CASE_TEMPLATE("elementary: the ends", S, float, double) {
  const double infinity = std::numeric_limits<double>::infinity();
  CHECK(at<S>(infinity, exp_of) == std::numeric_limits<S>::infinity());
  CHECK(at<S>(std::is_same_v<S, float> ? 88.73 : 709.79, exp_of) == std::numeric_limits<S>::infinity());
  CHECK(at<S>(-infinity, exp_of) == 0);
  CHECK(at<S>(-infinity, expm1_of) == -1);
  CHECK(at<S>(infinity, expm1_of) == 0);
  CHECK(at<S>(infinity, tanh_of) == 1);
  CHECK(at<S>(-infinity, tanh_of) == -1);
  CHECK(at<S>(infinity, log_of) == std::numeric_limits<S>::infinity());
  CHECK(at<S>(0, log_of) == -std::numeric_limits<S>::infinity());
  CHECK(at<S>(-0.0, log_of) == -std::numeric_limits<S>::infinity());
  CHECK(at<S>(1, log_of) == 0);
  CHECK(at<S>(0, log1p_of) == 0);
  CHECK(at<S>(infinity, normal_cdf_of) == 1);
  CHECK(at<S>(-infinity, normal_cdf_of) == 0);
  CHECK(at<S>(0, normal_cdf_of) == S(0.5));
  CHECK(at<S>(infinity, sqrt_of) == std::numeric_limits<S>::infinity());
  CHECK(at<S>(infinity, sigmoid_of) == 1);
  CHECK(at<S>(-infinity, sigmoid_of) == 0);
  CHECK(at<S>(0, exp_of) == 1);
  CHECK(at<S>(0, sigmoid_of) == S(0.5));
  CHECK(at<S>(0, expm1_of) == 0);
  CHECK(at<S>(-0.0, tanh_of) == 0);
  CHECK(std::signbit(at<S>(-0.0, tanh_of)));
  CHECK_FALSE(std::signbit(at<S>(0, tanh_of)));
  const double tiny = std::numeric_limits<S>::denorm_min();
  CHECK(at<S>(-tiny, tanh_of) == static_cast<S>(-tiny));
  CHECK(at<S>(-tiny, expm1_of) == static_cast<S>(-tiny));
  CHECK(at<S>(tiny, log_of) == std::log(static_cast<S>(tiny)));
  CHECK(at<S>(tiny, log1p_of) == static_cast<S>(tiny));
  CHECK(at<S>(tiny, sqrt_of) == std::sqrt(static_cast<S>(tiny)));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(std::isnan(at<S>(nan, exp_of)));
  CHECK(std::isnan(at<S>(nan, expm1_of)));
  CHECK(std::isnan(at<S>(nan, tanh_of)));
  CHECK(std::isnan(at<S>(nan, sigmoid_of)));
  CHECK(std::isnan(at<S>(nan, log_of)));
  CHECK(std::isnan(at<S>(-1, log_of)));
  CHECK(std::isnan(at<S>(-infinity, log_of)));
  CHECK(std::isnan(at<S>(nan, log1p_of)));
  CHECK(std::isnan(at<S>(nan, normal_cdf_of)));
}

TEST_CASE_TEMPLATE("elementary: one coefficient alone has the bits that it has in a tile", S, float, double) {
  const auto check = [](auto f) {
    for (double first = -120; first < 120; first += 0.37) {
      Tile<S> z;
      for (Index j = 0; j < tile_size; ++j) z(j) = static_cast<S>(first / (1 + static_cast<double>(j)));
      const Tile<S> y = f(z);
      for (Index j = 0; j < tile_size; ++j) {
        const Eigen::Array<S, 1, 1> alone = f(Eigen::Array<S, 1, 1>::Constant(z(j)));
        if (alone(0) != y(j)) FAIL_CHECK(z(j));
      }
    }
  };
  check(exp_of);
  check(expm1_of);
  check(tanh_of);
  check(sigmoid_of);
  check(normal_cdf_of);
  check([](const auto& z) { return elementary::log(z.abs()); });
  check([](const auto& z) { return elementary::log1p_up_to_1(z.abs() / 120); });
  check([](const auto& z) { return elementary::sqrt(z.abs()); });
}

TEST_CASE_TEMPLATE("elementary: square roots are rounded once, as std::sqrt's are", S, float, double) {
  for (double first = 1e-3; first < 1e3; first *= 1.0123) {
    Tile<S> z;
    for (Index j = 0; j < tile_size; ++j) z(j) = static_cast<S>(first / (1 + static_cast<double>(j)));
    const Tile<S> y = elementary::sqrt(z);
    for (Index j = 0; j < tile_size; ++j) CHECK(y(j) == std::sqrt(z(j)));
  }
}

TEST_CASE("elementary: the logarithm of a scalar has the bits that it has in a tile") {
  for (const float x : {0.3f, 1.7f, 12345.f}) {
    CHECK(elementary::log(x) == elementary::log(Tile<float>::Constant(x))(3));
  }
  CHECK(elementary::log(2.5L) == std::log(2.5L));
}

TEST_CASE("elementary: powers") {
  CHECK(elementary::power(0.9, 0) == 1);
  CHECK(elementary::power(0, 3) == 0);
  CHECK(elementary::power(-1.5, 3) == -3.375);
  CHECK(elementary::power(0.999, 10'000) == doctest::Approx(std::pow(0.999, 10'000)).epsilon(1e-12));
}

TEST_CASE("elementary: other scalars take Eigen's functions") {
  const Tile<long double> z = Tile<long double>::LinSpaced(-3, 3);
  CHECK((elementary::exp(z) == z.exp()).all());
  CHECK((elementary::tanh(z) == z.tanh()).all());
  CHECK((elementary::expm1_of_negative(z) == z.min(0).expm1()).all());
  CHECK((elementary::sigmoid(z) == 1 / (1 + (-z).exp())).all());
  const Tile<long double> positive = z.exp();
  CHECK((elementary::log(positive) == positive.log()).all());
  CHECK((elementary::sqrt(positive) == positive.sqrt()).all());
  CHECK((elementary::log1p_up_to_1(positive) == positive.log1p()).all());
}

TEST_CASE("elementary: half a period of a cosine") {
  CHECK(elementary::half_cosine(0) == 1);
  CHECK(elementary::half_cosine(1) == 0);
  CHECK(elementary::half_cosine(0.5) == doctest::Approx(0.5).epsilon(1e-15));
  for (int i = 0; i <= 1000; ++i) {
    const double p = i / 1000.0;
    const auto exact = static_cast<double>((1 + std::cos(std::acos(-1.0L) * p)) / 2);
    CHECK(std::abs(elementary::half_cosine(p) - exact) < 3e-16);
  }
}
