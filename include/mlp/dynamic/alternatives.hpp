#pragma once

#include <mlp/dynamic/architecture.hpp>

#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

/// What AnyActivation, AnyLoss and AnyLayer have in common: a variant, read from the text of an architecture.
namespace mlp::inline MLP_ABI::detail {

template <class T, class Variant>
inline constexpr bool is_alternative = false;
template <class T, class... Ts>
inline constexpr bool is_alternative<T, std::variant<Ts...>> = (std::is_same_v<T, Ts> || ...);

// The alternative whose name the text has, made by read(type_identity<A>, text).
template <class Variant, class Read>
Variant read_alternative(const PartText& text, const char* what, Read&& read) {
  return []<class... A>(std::type_identity<std::variant<A...>>, const PartText& t, const char* expected,
                        Read& r) {
    std::optional<Variant> found;
    ((t.name == A::name ? (void)found.emplace(r(std::type_identity<A>{}, t)) : void()), ...);
    if (!found) t.fail(message({"expected the name of ", expected}));
    return *std::move(found);
  }(std::type_identity<Variant>{}, text, what, read);
}

template <class Variant>
Variant read_alternative(const PartText& text, const char* what) {
  return read_alternative<Variant>(
      text, what, []<class A>(std::type_identity<A>, const PartText& t) { return read_options<A>(t); });
}

}  // namespace mlp::inline MLP_ABI::detail
