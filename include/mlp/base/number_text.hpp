#pragma once

#include <mlp/base/abi.hpp>

#include <algorithm>
#include <array>
#include <charconv>
#include <clocale>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>

/// Numbers from and to text, whatever the locale.
namespace mlp::inline MLP_ABI::detail {

// The end of the longest number at the beginning of a text, by std::from_chars's grammar; first if there is none.
inline const char* end_of_number(const char* first, const char* last) {
  const auto end_of_digits = [last](const char* from) {
    return std::find_if_not(from, last, [](char c) { return c >= '0' && c <= '9'; });
  };
  const char* const begin = first != last && *first == '-' ? first + 1 : first;
  for (const std::string_view word : {"infinity", "inf", "nan"}) {
    const auto is_letter = [](char letter, char c) { return c == letter || c == letter - 'a' + 'A'; };
    if (static_cast<std::size_t>(last - begin) >= word.size() &&
        std::equal(word.begin(), word.end(), begin, is_letter)) {
      return begin + word.size();
    }
  }
  const char* at = end_of_digits(begin);
  std::ptrdiff_t digits = at - begin;
  if (at != last && *at == '.') {
    const char* const end = end_of_digits(at + 1);
    digits += end - at - 1;
    at = end;
  }
  if (digits == 0) return first;
  if (at != last && (*at == 'e' || *at == 'E')) {
    const char* exponent = at + 1;
    if (exponent != last && (*exponent == '+' || *exponent == '-')) ++exponent;
    if (const char* const end = end_of_digits(exponent); end != exponent) at = end;
  }
  return at;
}

// std::from_chars by strtod, which is as exact, but expects the locale's decimal point.
inline std::from_chars_result from_chars_by_strtod(const char* first, const char* last, double& value) {
  const char* const end = end_of_number(first, last);
  if (end == first) return {first, std::errc::invalid_argument};
  std::string text(first, end);
  const bool is_word = text.find_first_of("nN") != std::string::npos;
  const bool is_zero =
      text.substr(0, text.find_first_of("eE")).find_first_of("123456789") == std::string::npos;
  if (const std::size_t point = text.find('.'); point != std::string::npos) {
    text.replace(point, 1, std::localeconv()->decimal_point);
  }
  const double found = std::strtod(text.c_str(), nullptr);
  if (!is_word && (std::isinf(found) || (found == 0 && !is_zero))) {
    return {end, std::errc::result_out_of_range};
  }
  value = found;
  return {end, std::errc()};
}

// std::from_chars, which libc++ lacks for floating-point numbers before LLVM 20.
template <class Number>
std::from_chars_result number_from_chars(const char* first, const char* last, Number& value) {
  if constexpr (requires { std::from_chars(first, last, value); }) {
    return std::from_chars(first, last, value);
  } else {
    return from_chars_by_strtod(first, last, value);
  }
}

// The fewest digits that read back as this float or double, by snprintf and strtof or strtod, in %g's form.
template <class Number>
std::string shortest_by_snprintf(Number value) {
  constexpr int enough = std::numeric_limits<Number>::max_digits10;
  const auto read = [](const char* text) {
    if constexpr (std::is_same_v<Number, float>) return std::strtof(text, nullptr);
    else return std::strtod(text, nullptr);
  };
  std::array<char, 32> digits;
  for (int precision = 1; precision <= enough; ++precision) {
    std::snprintf(digits.data(), digits.size(), "%.*g", precision, static_cast<double>(value));
    if (read(digits.data()) == value) break;
  }
  std::string text = digits.data();
  const std::string point = std::localeconv()->decimal_point;
  if (const std::size_t at = text.find(point); at != std::string::npos) text.replace(at, point.size(), ".");
  return text;
}

// The shortest text that reads back as this number, by std::to_chars, which libc++ lacks for floating-point numbers before
// LLVM 14.
template <class Number>
std::string shortest(Number value) {
  std::array<char, 32> digits;
  if constexpr (requires { std::to_chars(digits.data(), digits.data(), value); }) {
    return {digits.data(), std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr};
  } else {
    return shortest_by_snprintf(value);
  }
}

}  // namespace mlp::inline MLP_ABI::detail
