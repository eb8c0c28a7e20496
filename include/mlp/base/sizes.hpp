#pragma once

#include <mlp/base/counts.hpp>
#include <mlp/base/errors.hpp>
#include <mlp/base/types.hpp>

#include <initializer_list>
#include <type_traits>

namespace mlp {

namespace detail {

// A size that is part of the type takes no space; a Dynamic one is a number. Name tells apart the four of Sizes: two
// empty members of the same type would not share an address.
template <Index N, int Name>
struct Extent {
  constexpr Extent() = default;
  constexpr explicit Extent(Index n) {
    if (n != N) throw_unequal("mlp", N, " as the size in the type", n);
  }
  static constexpr Index value() { return N; }
};
template <int Name>
struct Extent<Dynamic, Name> {
  constexpr explicit Extent(Index n) : n_(checked_count(n)) {}
  constexpr Index value() const { return n_; }

 private:
  Index n_;
};

}  // namespace detail

/// The base class that gives a layer or network its sizes: the numbers of inputs, outputs, parameters, and of state
/// coefficients (running statistics). Each is a template argument, or Dynamic and then an argument of the constructor.
/// The functions of sizes that are template arguments are static, so that they are constant expressions.
template <Index In, Index Out, Index Parameters = 0, Index State = 0>
class Sizes {
 public:
  constexpr Sizes() requires(In != Dynamic && Out != Dynamic && Parameters != Dynamic &&
                             State != Dynamic) = default;
  /// Errors: std::invalid_argument if a size is not the template argument, is negative, or exceeds what memory could
  /// hold.
  constexpr explicit Sizes(Index inputs, Index outputs, Index parameters = 0, Index state = 0)
      : inputs_(inputs), outputs_(outputs), parameters_(parameters), state_(state) {}

  static constexpr Index inputs() requires(In != Dynamic) { return In; }
  constexpr Index inputs() const requires(In == Dynamic) { return inputs_.value(); }
  static constexpr Index outputs() requires(Out != Dynamic) { return Out; }
  constexpr Index outputs() const requires(Out == Dynamic) { return outputs_.value(); }
  static constexpr Index parameter_count() requires(Parameters != Dynamic) { return Parameters; }
  constexpr Index parameter_count() const requires(Parameters == Dynamic) { return parameters_.value(); }
  static constexpr Index state_count() requires(State != Dynamic) { return State; }
  constexpr Index state_count() const requires(State == Dynamic) { return state_.value(); }

 private:
  [[no_unique_address]] detail::Extent<In, 0> inputs_;
  [[no_unique_address]] detail::Extent<Out, 1> outputs_;
  [[no_unique_address]] detail::Extent<Parameters, 2> parameters_;
  [[no_unique_address]] detail::Extent<State, 3> state_;
};

namespace detail {

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

}  // namespace detail

}  // namespace mlp
