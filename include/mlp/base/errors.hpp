#pragma once

#include <mlp/base/types.hpp>

#include <cmath>
#include <concepts>
#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

/// Errors: what was expected, and what was found.
namespace mlp::inline MLP_ABI::detail {

// A part of a message: a text, or a number in decimal. It refers to its text.
class MessagePart {
 public:
  constexpr MessagePart(const char* text) : text_(text), kind_(Kind::text) {}
  constexpr MessagePart(std::string_view text) : text_(text), kind_(Kind::text) {}
  MessagePart(const std::string& text) : text_(text), kind_(Kind::text) {}
  template <std::signed_integral T>
  constexpr MessagePart(T number) : integer_(number), kind_(Kind::integer) {}
  template <std::unsigned_integral T>
  constexpr MessagePart(T number) : unsigned_(number), kind_(Kind::unsigned_integer) {}
  template <std::floating_point T>
  constexpr MessagePart(T number) : real_(number), kind_(Kind::real) {}
  MessagePart(char) = delete;  // it would be a number

  void append_to(std::string& message) const {
    char digits[32];
    switch (kind_) {
      case Kind::text:
        message += text_;
        return;
      case Kind::integer:
        std::snprintf(digits, sizeof digits, "%lld", integer_);
        break;
      case Kind::unsigned_integer:
        std::snprintf(digits, sizeof digits, "%llu", unsigned_);
        break;
      // The sign of a nan means nothing.
      case Kind::real:
        std::snprintf(digits, sizeof digits, "%g", std::isnan(real_) ? std::abs(real_) : real_);
    }
    message += digits;
  }

 private:
  enum class Kind : char { text, integer, unsigned_integer, real };
  union {
    std::string_view text_;
    long long integer_;
    unsigned long long unsigned_;
    double real_;
  };
  Kind kind_;
};

// The parts, one after the other. Not inlined: a message put together in place costs each caller kilobytes of code that
// is hardly ever run, and the compiler most of its time.
EIGEN_DONT_INLINE inline std::string message(std::initializer_list<MessagePart> parts) {
  std::string result;
  for (const MessagePart& part : parts) part.append_to(result);
  return result;
}

// Throws an E; in a program built without exceptions, prints the message and aborts.
template <class E>
[[noreturn]] EIGEN_DONT_INLINE void raise(std::initializer_list<MessagePart> parts) {
#ifdef __cpp_exceptions
  throw E(message(parts));
#else
  std::fprintf(stderr, "%s\n", message(parts).c_str());
  std::abort();
#endif
}
template <class E>
[[noreturn]] void raise(MessagePart what) {
  raise<E>({what});
}

// Throws std::invalid_argument unless an option is valid: check_option(rate >= 0, "Sgd", "learning_rate >= 0", rate).
// The condition states what is valid, so that a nan is refused.
constexpr void check_option(bool is_valid, const char* who, const char* expected, MessagePart found) {
  if (!is_valid) raise<std::invalid_argument>({who, ": expected ", expected, ", found ", found});
}

[[noreturn]] EIGEN_DONT_INLINE inline void throw_unequal(MessagePart who, Index expected, const char* what,
                                                         Index found) {
  raise<std::invalid_argument>({who, ": expected ", expected, what, ", found ", found});
}

constexpr void check_equal(Index found, Index expected, const char* who, const char* what) {
  if (found != expected) throw_unequal(who, expected, what, found);
}

// Does nothing unless t holds labels.
template <class T>
void check_labels(const char* who, Index classes, const T& t) {
  if constexpr (is_labels<T>) {
    for (Index j = 0; j < t.size(); ++j) {
      if (t(j) < 0 || t(j) >= classes) {
        raise<std::invalid_argument>(
            {who, ": expected labels in [0, ", classes, "), found ", t(j), " for sample ", j});
      }
    }
  }
}

}  // namespace mlp::inline MLP_ABI::detail
