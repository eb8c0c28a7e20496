#pragma once

#include <mlp/base/elementary.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/multiply_add.hpp>
#include <mlp/base/types.hpp>

#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <stdexcept>
#include <utility>

namespace mlp::inline MLP_ABI {

/// The library's random numbers: the same seed gives the same bits with every compiler and standard library
/// (normal() up to the last bit of std::log).
/// Source: xoshiro256++ 1.0, seeded by SplitMix64: Blackman and Vigna, Scrambled Linear Pseudorandom Number
/// Generators (2021).
class Rng {
 public:
  using result_type =
      std::uint64_t;  // a UniformRandomBitGenerator, as the standard library's algorithms want

  constexpr explicit Rng(std::uint64_t seed = 0) {
    for (std::uint64_t& word : words_) {
      seed += 0x9e3779b97f4a7c15;
      std::uint64_t z = seed;
      z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
      z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
      word = z ^ (z >> 31);
    }
  }

  /// The four words that determine all further numbers: a generator made from them continues the same sequence.
  using Words = std::array<std::uint64_t, 4>;
  constexpr const Words& words() const { return words_; }
  /// Errors: std::invalid_argument if all words are 0, which would yield only zeros.
  constexpr explicit Rng(const Words& words) : words_(words) {
    if (words == Words{}) {
      detail::raise<std::invalid_argument>("Rng: expected a word other than 0, found none");
    }
  }

  static constexpr result_type(min)() { return 0; }
  static constexpr result_type(max)() { return (std::numeric_limits<result_type>::max)(); }

  constexpr result_type operator()() {
    const std::uint64_t result = rotate_left(words_[0] + words_[3], 23) + words_[0];
    const std::uint64_t t = words_[1] << 17;
    words_[2] ^= words_[0];
    words_[3] ^= words_[1];
    words_[1] ^= words_[2];
    words_[0] ^= words_[3];
    words_[2] ^= t;
    words_[3] = rotate_left(words_[3], 45);
    return result;
  }

  /// A number in [0, 1), a multiple of 2^-53.
  constexpr double uniform() { return static_cast<double>((*this)() >> 11) * 0x1p-53; }

  /// A number between low and high.
  double uniform(double low, double high) { return multiply_add(high - low, uniform(), low); }

  /// A number of the standard normal distribution.
  /// Source: Marsaglia and Bray, A Convenient Method for Generating Normal Variables (1964).
  double normal() {
    for (;;) {
      const double u = uniform(-1, 1), v = uniform(-1, 1), s = multiply_add(u, u, v * v);
      if (s > 0 && s < 1) return u * std::sqrt(-2 * elementary::log(s) / s);
    }
  }

  /// An integer in [0, n), each as likely as the others; n > 0.
  constexpr Index below(Index n) {
    const auto range = static_cast<std::uint64_t>(n);
    const std::uint64_t excess = (0 - range) % range;  // numbers below it would favor the first remainders
    std::uint64_t x = (*this)();
    while (x < excess) x = (*this)();
    return static_cast<Index>(x % range);
  }

  /// Puts the elements of a container in random order.
  /// Source: Fisher and Yates, in Knuth, The Art of Computer Programming, volume 2, algorithm 3.4.2 P.
  template <class Container>
  constexpr void shuffle(Container& c) {
    for (auto i = static_cast<Index>(c.size()) - 1; i > 0; --i) {
      std::swap(c.begin()[i], c.begin()[below(i + 1)]);
    }
  }

  constexpr bool operator==(const Rng&) const = default;

 private:
  static constexpr std::uint64_t rotate_left(std::uint64_t x, int k) { return (x << k) | (x >> (64 - k)); }

  Words words_ = {};
};

}  // namespace mlp::inline MLP_ABI
