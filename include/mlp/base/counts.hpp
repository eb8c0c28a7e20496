#pragma once

#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>

#include <initializer_list>
#include <limits>
#include <stdexcept>
#include <string>

/// Counts that memory can hold: a size from a file or a user is checked before anything is computed from it.
namespace mlp::inline MLP_ABI::detail {

// The largest count of parameters, state or outputs: as many doubles as an Index can count bytes. The sum of two
// counts, and up to seven times one, fit in an Index, so that a count that is too large is refused and never wraps.
inline constexpr Index max_count = (std::numeric_limits<Index>::max)() / Index{sizeof(double)};

// Every count of a layer or network passes this check.
constexpr Index checked_count(Index n, const char* who = "mlp") {
  if (n < 0 || n > max_count) {
    raise<std::invalid_argument>(
        {who, ": expected a size in [0, ", max_count, "], which memory could hold, found ", n});
  }
  return n;
}

constexpr Index checked_sum(Index a, Index b) { return checked_count(checked_count(a) + checked_count(b)); }
constexpr Index checked_total(std::initializer_list<Index> counts) {
  Index total = 0;
  for (const Index count : counts) total = checked_sum(total, count);
  return total;
}
constexpr Index checked_product(Index a, Index b, const char* who = "mlp") {
  constexpr Index small = Index{1} << (std::numeric_limits<Index>::digits / 2 - 2);  // saves the division
  if ((a | b) < small || b == 0 || a <= max_count / b) return a * b;
  raise<std::invalid_argument>({who, ": expected no more than the ", max_count,
                                " coefficients that memory could hold, found ", a, " x ", b});
}

// The size of a layer with as many outputs as inputs.
template <int N>
constexpr Index checked_size(Index n, const char* who) {
  static_assert(N > 0 || N == Dynamic, "mlp: the size of a layer must be positive, or Dynamic");
  if (n <= 0) raise<std::invalid_argument>({who, ": expected a positive size, found ", n});
  return checked_count(n, who);
}

}  // namespace mlp::inline MLP_ABI::detail
