#include <mlp/base/random.hpp>

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numeric>
#include <random>
#include <span>
#include <vector>

#include "golden/rng.hpp"
#include "message_of.hpp"

using mlp::Index;
using mlp::Rng;

static_assert(std::uniform_random_bit_generator<Rng>);
static_assert(Rng::min() == 0 && Rng::max() == std::numeric_limits<std::uint64_t>::max());
static_assert(Rng{}() == golden::rng_0[0], "a constant expression; the default seed is 0");

namespace {

// Pearson's statistic for equally likely cells. With k cells it has mean k - 1 and variance 2 (k - 1), and is
// larger than the bound (five deviations above) once in some thousands of seeds; the seeds are fixed.
template <class Counts>
void check_equally_likely(const Counts& counts) {
  const double n = std::accumulate(counts.begin(), counts.end(), 0.), k = static_cast<double>(counts.size());
  double chi_square = 0;
  for (const int count : counts) chi_square += (count - n / k) * (count - n / k) / (n / k);
  CHECK(chi_square <= k - 1 + 5 * std::sqrt(2 * (k - 1)));
}

}  // namespace

TEST_CASE("Rng: xoshiro256++ seeded by SplitMix64") {
  const struct {
    std::uint64_t seed;
    std::span<const std::uint64_t> expected;
  } cases[] = {{0, golden::rng_0}, {42, golden::rng_1}, {~std::uint64_t{0}, golden::rng_2}};
  for (const auto& c : cases) {
    CAPTURE(c.seed);
    Rng rng{c.seed};
    for (const std::uint64_t number : c.expected) CHECK(rng() == number);
  }
}

TEST_CASE("Rng: a copy continues with the same numbers; equality compares states") {
  Rng a{7};
  a();
  Rng b = a;
  CHECK(a == b);
  CHECK(a() == b());
  CHECK(a == b);
  b();
  CHECK(a != b);
}

TEST_CASE("Rng: from its words") {
  Rng a{7};
  a();
  Rng b{a.words()};
  CHECK(b == a);
  CHECK(b() == a());
  CHECK(message_of([] { Rng{Rng::Words{}}; }) == "Rng: expected a word other than 0, found none");
}

TEST_CASE("Rng: uniform numbers") {
  Rng rng{1};
  for (const double expected : golden::rng_uniform) CHECK(rng.uniform() == expected);

  std::array<int, 20> counts{};
  double low = 2, high = -2;
  for (int i = 0; i < 20000; ++i) {
    const double u = rng.uniform();
    low = std::min(low, u);
    high = std::max(high, u);
    ++counts[std::min<std::size_t>(static_cast<std::size_t>(u * 20), 19)];
  }
  CHECK(low >= 0);
  CHECK(high < 1);
  check_equally_likely(counts);

  Rng again{1};
  CHECK(again.uniform(-3, 5) == -3 + 8 * golden::rng_uniform[0]);
}

TEST_CASE("Rng: normal numbers") {
  Rng rng{2};
  constexpr double eps = std::numeric_limits<double>::epsilon();
  for (const double expected : golden::rng_normal) {
    CHECK(std::abs(rng.normal() - expected) <=
          2 * eps * std::abs(expected));  // std::log may differ by an ulp
  }

  // Within five standard errors: Var(x^k) = E x^2k - (E x^k)^2, with E x^k = 1, 3, 15, 105 for k = 2, 4, 6,
  // 8.
  constexpr int n = 20000;
  double sum[4] = {};
  for (int i = 0; i < n; ++i) {
    const double x = rng.normal();
    double power = 1;
    for (double& s : sum) s += power *= x;
  }
  const double mean[] = {0, 1, 0, 3}, variance[] = {1, 3 - 1, 15, 105 - 9};
  for (int k = 0; k < 4; ++k) {
    CAPTURE(k + 1);
    CHECK(std::abs(sum[k] / n - mean[k]) <= 5 * std::sqrt(variance[k] / n));
  }
}

TEST_CASE("Rng: integers below n") {
  Rng rng{3};
  for (const Index expected : golden::rng_below_10) CHECK(rng.below(10) == expected);
  // 3 * 2^61, if an Index has 64 bits: a remainder alone would favor the numbers below 2^62.
  constexpr Index large = 3 * (std::numeric_limits<Index>::max() / 4 + 1);
  if (sizeof(Index) == sizeof(std::int64_t)) {
    for (const std::int64_t expected : golden::rng_below_large) CHECK(rng.below(large) == expected);
  }

  std::array<int, 7> small{};
  for (int i = 0; i < 7000; ++i) ++small.at(static_cast<std::size_t>(rng.below(7)));
  check_equally_likely(small);
  std::array<int, 3> thirds{};
  for (int i = 0; i < 3000; ++i) ++thirds.at(static_cast<std::size_t>(rng.below(large) / (large / 3)));
  check_equally_likely(thirds);
  CHECK(rng.below(1) == 0);
}

TEST_CASE("Rng: shuffle") {
  SUBCASE("is the same for the same seed") {
    std::vector<int> v(10);
    std::iota(v.begin(), v.end(), 0);
    Rng rng{4};
    rng.shuffle(v);
    CHECK(
        std::equal(v.begin(), v.end(), std::begin(golden::rng_shuffle_10), std::end(golden::rng_shuffle_10)));
    CHECK(std::is_permutation(v.begin(), v.end(), std::vector{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}.begin()));
  }
  SUBCASE("gives each order equally often") {
    Rng rng{5};
    std::array<int, 6> counts{};
    for (int i = 0; i < 6000; ++i) {
      std::array<int, 3> v{0, 1, 2};
      rng.shuffle(v);
      ++counts.at(static_cast<std::size_t>(2 * v[0] + (v[1] > v[2])));
    }
    check_equally_likely(counts);
  }
  SUBCASE("of nothing, or of one, draws nothing") {
    Rng rng{6};
    std::vector<int> none, one{1};
    rng.shuffle(none);
    rng.shuffle(one);
    CHECK(rng == Rng{6});
  }
  SUBCASE("the standard library's works too") {
    std::vector<int> v(100), sorted(100);
    std::iota(sorted.begin(), sorted.end(), 0);
    v = sorted;
    Rng rng{7};
    std::shuffle(v.begin(), v.end(), rng);
    CHECK(v != sorted);
    CHECK(std::is_permutation(v.begin(), v.end(), sorted.begin()));
  }
}
