#include <mlp/dynamic/architecture.hpp>

#include <mlp/activation/gelu.hpp>
#include <mlp/activation/leaky_relu.hpp>
#include <mlp/loss/softmax_cross_entropy.hpp>

#include "message_of.hpp"
#include "peak_memory.hpp"

#include <doctest/doctest.h>

#include <stdexcept>
#include <string>
#include <string_view>

using namespace mlp;

namespace {

struct OfTheUser {
  double option = 1;
};

detail::PartText parse(std::string_view text) { return detail::PartParser(text).parse(); }

std::string error_of(std::string_view text) {
  return message_of<std::invalid_argument>([&] { parse(text); });
}

}  // namespace

TEST_CASE("a part is written with its name and the options that differ from the defaults") {
  CHECK(to_text(detail::describe(LeakyReLU{})) == "LeakyReLU");
  CHECK(to_text(detail::describe(LeakyReLU{.negative_slope = 0.1})) == "LeakyReLU(negative_slope=0.1)");
  CHECK(to_text(detail::describe(GELU{.approximate = true})) == "GELU(approximate=1)");
  CHECK(
      to_text(detail::describe(SoftmaxCrossEntropy{.class_weights = {1, 2.5}, .label_smoothing = 1. / 3})) ==
      "SoftmaxCrossEntropy(class_weights=[1, 2.5], label_smoothing=0.3333333333333333)");
  CHECK(to_text(detail::describe(OfTheUser{})) == "custom");
}

TEST_CASE("written text is read back; blanks, true and false are accepted") {
  const char* const text = "Mlp(A, B(1, 23, C(x=-0.5), y=[1, 2]), D(z=[]))";
  CHECK(to_text(parse(text)) == text);
  CHECK(to_text(parse(" Mlp ( A,B( 1,23,C(x=-.5),y=[1,2] ) , D ( z = [ ] ) ) \n")) == text);
  CHECK(parse("A(x=true, y=false)").options == decltype(detail::PartText::options){{"x", {1}}, {"y", {0}}});
}

TEST_CASE("options are read back") {
  CHECK(detail::read_options<GELU>(parse("GELU(approximate=true)")).approximate);
  const auto loss =
      detail::read_options<SoftmaxCrossEntropy>(parse("L(class_weights=[1, 2], label_smoothing=0.5)"));
  CHECK(loss.class_weights == std::vector<double>{1, 2});
  CHECK(loss.label_smoothing == 0.5);
  CHECK(message_of<std::invalid_argument>([] { detail::read_options<GELU>(parse("GELU(alpha=1)")); }) ==
        "architecture: GELU: expected only its own options, found others");
  CHECK(message_of<std::invalid_argument>([] { detail::read_options<GELU>(parse("GELU(3)")); }) ==
        "architecture: GELU: expected only options, found others");
  CHECK(message_of<std::invalid_argument>([] {
          detail::read_options<GELU>(parse("GELU(approximate=[1, 2])"));
        }) == "architecture: GELU: expected one number as approximate, found a list");
}

TEST_CASE("errors in a text name the position") {
  CHECK(error_of("") == "architecture: expected a name at character 1, found the end");
  CHECK(error_of("Mlp(A") == "architecture: expected ')' at character 6, found the end");
  CHECK(error_of("Mlp(A))") == "architecture: expected the end at character 7, found \")\"");
  CHECK(error_of("Mlp(A(x=))") == "architecture: expected a number at character 9, found \"))\"");
  CHECK(error_of("Mlp(A(x=y))") ==
        "architecture: expected a number, true or false at character 10, found \"))\"");
  CHECK(error_of("A(99999999999999999999)") ==
        "architecture: expected a size at character 3, found \"99999999999999999999\"");
  CHECK(error_of("A(x=1, x=2)") == "architecture: expected option x only once at character 10, found \"2)\"");
  CHECK(error_of("A(\x1b[31m)") == "architecture: expected a name at character 3, found \"?[31m)\"");
  CHECK(error_of("A(x=1e400)") == "architecture: expected a number at character 5, found \"1e400)\"");
  std::string deep;
  for (int i = 0; i < 100'000; ++i) deep += "A(";
  CHECK(error_of(deep).starts_with("architecture: expected no more than 16 parts within another"));
  CHECK(error_of(std::string("Mlp(A)\0, B", 10)) ==
        "architecture: expected the end at character 7, found \"?, B\"");
  CHECK(error_of(std::string("Mlp\0(A)", 7)) ==
        "architecture: expected the end at character 4, found \"?(A)\"");
  CHECK(error_of("A(\xC2\x9B, \xE2\x80\xAE)") ==
        "architecture: expected a name at character 3, found \"?, ?)\"");
  const std::string named = message_of<std::invalid_argument>([] { parse(std::string(99, 'a')).part(0); });
  CHECK(named == "architecture: " + std::string(40, 'a') + "...: expected 1 parts, found 0");
}

TEST_CASE("architectures of any length: bounded memory, proportional time") {
  constexpr int n = 100'000;
  const auto repeated = [](auto&& item) {
    std::string text = "A(";
    for (int i = 0; i < n; ++i) text += item(i);
    return text + "1)";
  };
  const auto check = [](const std::string& text, bool is_read) {
    std::string error;
    const std::size_t peak = peak_memory::of([&] { error = error_of(text); });
    CHECK(static_cast<double>(peak) <= 16 * static_cast<double>(text.size()) + 32e6);
    if (is_read) CHECK(error == "no such exception");
    else CHECK(error.starts_with("architecture: expected no more than 100000 parts and options"));
  };
  check(repeated([](int) { return "1,"; }), true);
  check("A(b=[" + repeated([](int) { return "1,"; }).substr(2, 2 * n - 1) + "])", true);
  check(repeated([](int i) { return i > 1 ? "B," : ""; }), true);
  check(repeated([](int) { return "B,"; }), false);
  check(repeated([](int) { return "B(C),"; }), false);
  // Takes minutes if each option is compared with all others.
  check(repeated([](int i) { return i > 0 ? "b" + std::to_string(i) + "=1," : ""; }), true);
  check(repeated([](int i) { return "b" + std::to_string(i) + "=1,"; }), false);
}
