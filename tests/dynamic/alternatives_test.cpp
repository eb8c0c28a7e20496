#include <mlp/dynamic/alternatives.hpp>

#include "message_of.hpp"

#include <doctest/doctest.h>

#include <string>
#include <type_traits>
#include <variant>

using namespace mlp;

namespace {

struct Apple {
  static constexpr const char* name = "Apple";
};
struct Pear {
  static constexpr const char* name = "Pear";
};
using Fruit = std::variant<Apple, Pear>;

detail::PartText text_of(const std::string& name) {
  detail::PartText text;
  text.name = name;
  return text;
}

}  // namespace

TEST_CASE("is_alternative") {
  static_assert(detail::is_alternative<Pear, Fruit> && !detail::is_alternative<int, Fruit>);
}

TEST_CASE("read_alternative: the one whose name the text has") {
  const auto read = [](auto type, const detail::PartText&) { return typename decltype(type)::type{}; };
  CHECK(detail::read_alternative<Fruit>(text_of("Apple"), "a fruit", read).index() == 0);
  CHECK(detail::read_alternative<Fruit>(text_of("Pear"), "a fruit", read).index() == 1);
  CHECK(detail::read_alternative<std::variant<Apple>>(text_of("Apple"), "a fruit").index() == 0);
  CHECK(message_of([&] { detail::read_alternative<Fruit>(text_of("Plum"), "a fruit", read); }) ==
        "architecture: Plum: expected the name of a fruit");
}
