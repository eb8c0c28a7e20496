#pragma once

#include <mlp/base/types.hpp>

#include <initializer_list>
#include <type_traits>

/// The sizes of a layer or network as far as its type tells them.
namespace mlp::inline MLP_ABI::detail {

struct StaticSizes {
  int inputs = Dynamic, outputs = Dynamic;
  Index parameters = Dynamic, state = Dynamic;
};

/// The sizes of a layer or network L that are constants of its type; Dynamic for the others. A layer without
/// state_count() has no state.
template <class L>
inline constexpr StaticSizes static_sizes = [] {
  StaticSizes sizes;
  if constexpr (requires { std::integral_constant<Index, L::inputs()>{}; }) {
    sizes.inputs = static_cast<int>(L::inputs());
  }
  if constexpr (requires { std::integral_constant<Index, L::outputs()>{}; }) {
    sizes.outputs = static_cast<int>(L::outputs());
  }
  if constexpr (requires { std::integral_constant<Index, L::parameter_count()>{}; }) {
    sizes.parameters = L::parameter_count();
  }
  if constexpr (requires { std::integral_constant<Index, L::state_count()>{}; }) {
    sizes.state = L::state_count();
  } else if constexpr (!requires(const L& layer) { layer.state_count(); }) {
    sizes.state = 0;
  }
  return sizes;
}();

// Dynamic if one of the counts is.
constexpr Index static_total(std::initializer_list<Index> counts) {
  Index total = 0;
  for (const Index count : counts) {
    if (count == Dynamic) return Dynamic;
    total += count;
  }
  return total;
}

template <class L>
constexpr Index state_count([[maybe_unused]] const L& layer) {
  if constexpr (requires { layer.state_count(); }) return layer.state_count();
  else return 0;
}

}  // namespace mlp::inline MLP_ABI::detail
