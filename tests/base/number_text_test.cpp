#include <mlp/base/number_text.hpp>
#include <mlp/base/random.hpp>

#include <doctest/doctest.h>

#include <clocale>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

using namespace mlp;

namespace {

struct Number {
  double value;
  std::size_t length;
  std::errc error;
};

template <class Read>
Number read(Read&& read_number, const std::string& text) {
  double value = -7;
  const auto [end, error] = read_number(text.data(), text.data() + text.size(), value);
  return {value, static_cast<std::size_t>(end - text.data()), error};
}

// Whether strtod's form reads what std::from_chars does, to the bit and to the character.
void check_same(const std::string& text) {
  CAPTURE(text);
  const Number found = read(detail::from_chars_by_strtod, text);
  const Number expected = read(detail::number_from_chars<double>, text);
  CHECK(found.length == expected.length);
  CHECK(found.error == expected.error);
  CHECK(std::memcmp(&found.value, &expected.value, sizeof(double)) == 0);
}

}  // namespace

TEST_CASE("number_from_chars: the longest number at the beginning") {
  const Number number = read(detail::number_from_chars<double>, "-12.5e-1 and more");
  CHECK(number.value == -1.25);
  CHECK(number.length == 8);
  CHECK(number.error == std::errc());
  CHECK(read(detail::number_from_chars<double>, "x").error == std::errc::invalid_argument);
  CHECK(read(detail::number_from_chars<double>, "1e999").error == std::errc::result_out_of_range);
}

TEST_CASE("from_chars_by_strtod: as std::from_chars") {
  for (const char* text :
       {"0",
        "-0",
        "1",
        "-1.5",
        ".5",
        "-.5",
        "5.",
        "1e3",
        "1E+3",
        "1e-3",
        "1e",
        "1e+",
        "1ex",
        "1.e2",
        "00012",
        "1,5",
        "1.5.2",
        "--1",
        "+1",
        "-",
        ".",
        "",
        "-.",
        "e5",
        ".e5",
        " 1",
        "1 ",
        "0x10",
        "inf",
        "-inf",
        "Infinity",
        "INF",
        "infinit",
        "nan",
        "NaN",
        "in",
        "na",
        "-n",
        "1e308",
        "1e309",
        "-1e309",
        "1e-320",
        "4e-324",
        "1e-400",
        "0e-999",
        "0.0e999",
        "1.7976931348623157e308",
        "2.2250738585072014e-308",
        "0.1",
        "0.30000000000000004",
        "9007199254740993",
        "1.00000000000000011102230246251565404236316680908203125",
        "1.00000000000000011102230246251565404236316680908203124",
        "0."
        "000000000000000000000000000000000000000000000000000000000000000000000000000001234567890123456789"}) {
    check_same(text);
  }
}

TEST_CASE("from_chars_by_strtod: every double, from 17 digits") {
  Rng rng{1};
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t bits = rng();
    double value;
    std::memcpy(&value, &bits, sizeof value);
    if (!std::isfinite(value)) continue;
    char text[40];
    std::snprintf(text, sizeof text, "%.17g", value);
    check_same(text);
    CHECK(read(detail::from_chars_by_strtod, text).value == value);
  }
}

TEST_CASE("from_chars_by_strtod: a decimal point, whatever the locale") {
  // Where none of these is installed, this shows nothing.
  const std::string before = std::setlocale(LC_NUMERIC, nullptr);
  for (const char* locale : {"de_DE.UTF-8", "de_DE", "fr_FR.UTF-8"}) {
    if (std::setlocale(LC_NUMERIC, locale) != nullptr) break;
  }
  CHECK(read(detail::from_chars_by_strtod, "1.5").value == 1.5);
  CHECK(read(detail::from_chars_by_strtod, "1,5").value == 1);
  std::setlocale(LC_NUMERIC, before.c_str());
}

TEST_CASE("shortest: the fewest digits that read back") {
  CHECK(detail::shortest(0.1) == "0.1");
  CHECK(detail::shortest(-2.5e-7) == "-2.5e-07");
  CHECK(detail::shortest(3.) == "3");
  Rng rng(4);
  const auto digits = [](std::string text) {
    text = text.substr(0, text.find('e'));
    std::erase_if(text, [](char c) { return c == '-' || c == '.'; });
    return text.substr(text.find_first_not_of('0'));
  };
  for (int i = 0; i < 300; ++i) {
    const double value = rng.normal() * std::pow(10., i % 30 - 15);
    const std::string text = detail::shortest_by_snprintf(value);
    CHECK(read(detail::number_from_chars<double>, text).value == value);
    CHECK(digits(text).size() == digits(detail::shortest(value)).size());
    const auto single = static_cast<float>(value);
    const std::string text_of_single = detail::shortest_by_snprintf(single);
    CHECK(std::strtof(text_of_single.c_str(), nullptr) == single);
    // std::to_chars writes whole numbers with all their digits.
    CHECK(digits(text_of_single).size() <= digits(detail::shortest(single)).size());
  }
}
