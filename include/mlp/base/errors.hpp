#pragma once

#include <mlp/base/types.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>

/// Errors: what was expected, and what was found.
namespace mlp::detail {

// Throws an E; in a program built without exceptions, prints the message and aborts.
template <class E>
[[noreturn]] void raise(const std::string& what) {
#ifdef __cpp_exceptions
  throw E(what);
#else
  std::fprintf(stderr, "%s\n", what.c_str());
  std::abort();
#endif
}

// Throws std::invalid_argument unless an option is valid: check_option(rate >= 0, "Sgd", "learning_rate >= 0", rate).
// The condition states what is valid, so that a nan is refused.
template <class T>
constexpr void check_option(bool is_valid, const char* who, const char* expected, T found) {
  if (!is_valid) {
    raise<std::invalid_argument>(std::string(who) + ": expected " + expected + ", found " +
                                 std::to_string(found));
  }
}

// std::to_string, which may return "-nan" for a nan.
inline std::string text_of(double value) { return std::isnan(value) ? "nan" : std::to_string(value); }

// Not a template, so that its callers stay small.
[[noreturn]] inline void throw_unequal(const std::string& who, Index expected, const char* what,
                                       Index found) {
  raise<std::invalid_argument>(who + ": expected " + std::to_string(expected) + what + ", found " +
                               std::to_string(found));
}

inline void check_equal(Index found, Index expected, const char* who, const char* what) {
  if (found != expected) throw_unequal(who, expected, what, found);
}

// Accepts targets that are not labels.
template <class T>
void check_labels(const char* who, Index classes, const T& t) {
  if constexpr (is_labels<T>) {
    for (Index j = 0; j < t.size(); ++j) {
      if (t(j) < 0 || t(j) >= classes) {
        raise<std::invalid_argument>(std::string(who) + ": expected labels in [0, " +
                                     std::to_string(classes) + "), found " + std::to_string(t(j)) +
                                     " for sample " + std::to_string(j));
      }
    }
  }
}

}  // namespace mlp::detail
